"""Files that are not tables: recognised by their content, with what to do about each."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zlib
from typing import Any

from hwcost.errors import DataError

_COMPRESSED: tuple[tuple[bytes, Any], ...] = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\x00", lzma.open))

LOOKED_AT, FEWEST_SIGNS = 200, 8
"""Bytes by which an encoding without a mark is recognised, and the fewest signs that say something."""

LINES_LOOKED_AT = 4000
"""Characters among which the lines of another tool are looked for."""

_EXPORT = "Save the table as CSV, and give that file"
_PICKLE = (
    "which would run code when it is opened, so hwcost does not. Open it where you trust it, save the table as CSV, and "
    "give that"
)
_ADVICE = {
    "SQLite": (
        "an SQLite database. If hwcost measured into it, give it a name that ends in .db; otherwise save the table: "
        "sqlite3 -header -csv FILE 'SELECT * FROM TABLE' > rows.csv"
    ),
    "DuckDB": f"a DuckDB database. {_EXPORT}",
    "LFS": "a Git LFS pointer: the table itself was not downloaded. Run 'git lfs pull' in that repository, and try again",
    "annex": "a git-annex pointer: the table itself was not downloaded. Run 'git annex get FILE', and try again",
    "HTML": (
        "a web page, not the file that it shows. Download the file itself (on GitHub: the button 'Download raw file', or "
        "the address at raw.githubusercontent.com)"
    ),
    "XML": f"XML. {_EXPORT}",
    "PDF": f"a PDF. {_EXPORT}",
    "HDF5": f"an HDF5 file. {_EXPORT}",
    "NumPy": "a NumPy array without names of columns. Save it as CSV with a header, and give that",
    "NumPy archive": "an archive of NumPy arrays. Save the table as CSV with a header, and give that",
    "PyTorch": f"a PyTorch file, {_PICKLE}",
    "pickle": f"a pickle, {_PICKLE}",
    "zip": "a zip archive. Unpack it, and give the table inside",
    "tar": "a tar archive. Unpack it, and give the table inside",
    "zstd": "compressed with zstd. Unpack it (zstd -d FILE), and give the table inside",
    "7z": "a 7z archive. Unpack it, and give the table inside",
    "YAML": (
        "YAML. Convert it to JSON or CSV, and give that; a table of operators, as of Once-for-all, is read as it is for a "
        "lookup-table cost model (docs/own-model.md)"
    ),
    "ARFF": "an ARFF file. Replace the lines up to '@data' by a line with the names of the columns, and save it as CSV",
    "LaTeX": "a table in LaTeX. Replace the '&' by commas and delete the ends of the lines, and save it as CSV",
    "MLPerf": "a log of MLPerf, which holds events and no architectures. Save architectures and their latencies as CSV",
    "trtexec": (
        "what trtexec printed, and not a table. For latencies of architectures, save them as CSV; of a single network, "
        "trtexec --exportTimes=FILE.json writes what 'hwcost import' reads"
    ),
    "measurement": (
        "a measurement that torch.utils.benchmark printed. Save architectures and their latencies as CSV; its median is in "
        "seconds"
    ),
    "benchmark log": (
        "what a benchmark of a single network printed, and not a table. Save architectures and their latencies as CSV, with "
        "a header"
    ),
    "log": "a log of a program, and not a table. Save architectures and their latencies as CSV, and give that file",
    "benchmark_app": (
        "a report of OpenVINO's benchmark_app, which is of a single network. Save architectures and their latencies as CSV, "
        "with a header"
    ),
    "comparison": (
        "a comparison that torch.utils.benchmark printed. Save architectures and their latencies as CSV: a measurement's "
        "median is in seconds, and its sub_label and description tell it apart"
    ),
    "old Excel": f"an old Excel workbook (.xls). {_EXPORT}",
}
"""Kind of file to what it is and what to do."""

_MAGIC = (
    (b"SQLite format 3\0", "SQLite"), (b"version https://git-lfs.github.com/spec/", "LFS"), (b"/annex/objects/", "annex"),
    (b"%PDF", "PDF"), (b"\x89HDF\r\n", "HDF5"), (b"\x93NUMPY", "NumPy"), (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7z"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel"), (b"<?xml", "XML"),
)  # fmt: skip

_TEXTS = (
    (re.compile(rb":::MLL(og|OG)|=+\s*MLPerf Results"), "MLPerf"),
    (re.compile(rb"&&&& RUNNING TensorRT|\[[^\]\n]{8,30}\] \[[IVWE]\] "), "trtexec"),
    (re.compile(rb"(\[?[\d:/.,T -]{8,30}\]?,?\s)?\[?(INFO|DEBUG|WARNING|ERROR)\b[\]:]"), "log"),
    (re.compile(rb"\[ (INFO|DEBUG|WARNING|ERROR) \]|\[Step \d+/\d+\]"), "log"),
    (re.compile(rb"Command line parameters;"), "benchmark_app"),
    (re.compile(rb"STARTING!\s|(INFO: )?Log parameter values|Session creation time cost:"), "benchmark log"),
    (re.compile(rb"<torch\.utils\.benchmark\."), "measurement"),
    (re.compile(rb"\[-{2,}[^\n]*-{2,}\][ \t]*\r?\n"), "comparison"),
    (re.compile(rb"\s*(\[[^\]\n]*\]\s*)?iteration\s+\d+/\s*\d+\s*\|"), "log"),
    (re.compile(rb"(%[^\n]*\n|\s)*@relation\s", re.IGNORECASE), "ARFF"),
    (re.compile(rb"(---\s*\n\s*)?- ?[\w\"' ]+:(\s|$)|---\s*\n\s*[\w\"' ]+:(\s|$)"), "YAML"),
    (re.compile(rb"[^\s,;|{\[\"][^\n\t;|{\[]*:[ \r]*(\n\s+(- )?[\w\"' ]+:\s|\{ *[\w\"' ]+: )"), "YAML"),
    (re.compile(rb"[\w\"'][^\n\t,;|{\[]*:[ \r]*\n(\s*- |[ ]+[^\n,;|]*:\s)"), "YAML"),
    (re.compile(rb"\\(begin|toprule|hline)|[^\n&]+(&[^\n&]*)+\\\\"), "LaTeX"),
)  # fmt: skip
"""Beginnings of text files that hold something else than a table of cells, and their kinds."""

_PICKLED = re.compile(rb"\x80[\x02-\x05](\x95|c|\}|\]|\(|\x8a|\x8c)|[\]}]q\x00|\([dl]p\d+\n|c[\w.]+\n\w+\n[p(q]", re.DOTALL)


def uncompressed(content: bytes, source: str, most: int | None = None) -> bytes:
    """Returns what a gzip, bzip2 or xz file holds, and any other content as it is.

    Args:
        content: The whole file.
        source: Name of the file in messages.
        most: Largest number of bytes that it may hold; None for any.

    Raises:
        DataError: When the file is damaged, or holds more than that.
    """
    opened = next((opened for magic, opened in _COMPRESSED if content.startswith(magic)), None)
    if opened is None:
        return content
    try:
        with opened(io.BytesIO(content)) as file:
            held: bytes = file.read(-1 if most is None else most + 1)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
        raise DataError(f"{source}: the compressed file is damaged: {error}. Copy or download it again.") from None
    if most is not None and len(held) > most:
        raise DataError(f"{source}: holds more than {most} bytes once it is unpacked. Give a smaller file.")
    return held


def workbook_kind(content: bytes) -> str | None:
    """Returns the name of a kind of file that other libraries read as a table, such as ``parquet``; None for others."""
    if content.startswith(b"PAR1"):
        return "parquet"
    if content.startswith((b"ARROW1", b"FEA1")):
        return "feather"
    if content.startswith(b"\xff\xff\xff\xff"):
        return "arrow"
    return "excel" if content.startswith(b"PK\x03\x04") and b"xl/" in content else None


def refuse(content: bytes, source: str) -> None:
    """Refuses the content of a file of a kind that is known not to be a table.

    Raises:
        DataError: When the file is of such a kind; says which, and what to do.
    """
    kind = _kind(content)
    if kind is not None:
        raise DataError(f"{source}: this is {_ADVICE[kind]}.")


def _kind(content: bytes) -> str | None:
    for magic, kind in _MAGIC:
        if content.startswith(magic):
            return kind
    if content[8:12] == b"DUCK":
        return "DuckDB"
    if content.startswith(b"PK\x03\x04"):
        return "PyTorch" if b"data.pkl" in content else "NumPy archive" if b".npy" in content[:200] else "zip"
    if _PICKLED.match(content):
        return "PyTorch" if b"torch" in content[:2000] else "pickle"
    if content[257:262] == b"ustar":
        return "tar"
    begin = content[:500].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if begin.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<table")):
        return "HTML"
    text = content[:2000].removeprefix(b"\xef\xbb\xbf").lstrip()
    is_xml = begin.startswith(b"<") and b">" in begin
    return next((kind for pattern, kind in _TEXTS if pattern.match(text)), "XML" if is_xml else None)


_RESULTS = (
    (re.compile(r"^Benchmark\S*[ \t]+\d+[ \t]+[\d.]+ ns/op", re.MULTILINE), "Go's benchmarks"),
    (re.compile(r'^\{(?=.*"Action":)(?=.*"Package":)', re.MULTILINE), "Go's tests"),
    (re.compile(r"^[ \t]*loop_count = \d", re.MULTILINE), "ncnn's benchncnn"),
    (re.compile(r"^MNN benchmark\s|^Forward type: ", re.MULTILINE), "MNN's benchmark"),
)
"""Lines near the beginning of texts that other tools print and 'hwcost import' reads, with the names of these tools."""


def refuse_results(text: str, source: str) -> None:
    """Refuses what another benchmark tool printed as a table of architectures.

    Raises:
        DataError: When it is known; says how it is imported.
    """
    tool = next((tool for pattern, tool in _RESULTS if pattern.search(text[:LINES_LOOKED_AT])), None)
    if tool is not None:
        raise DataError(
            f"{source}: this is what {tool} printed, and not a table. 'hwcost import FILE' takes it into a history "
            "(docs/formats.md); for latencies of architectures, save them as CSV, with a header."
        )


def decoded(content: bytes, source: str) -> str:
    """Returns the text of a file: UTF-8, UTF-16 with or without a mark, UTF-32, or a single-byte encoding of spreadsheets.

    Raises:
        DataError: When it is not text.
    """
    wide = next((name for mark, name in _WIDE if content.startswith(mark)), None) or _unmarked_utf16(content)
    if wide is not None:
        try:
            return content.decode(wide)
        except UnicodeDecodeError:
            what = f"begins as {wide[:6].upper()} text does, and is none"
            raise DataError(f"{source}: {what}. Copy or download it again.") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = _single_bytes(content)
        if not all(sign.isprintable() or sign in "\t\r\n\xa0" for sign in text):
            raise DataError(f"{source}: byte {error.start} is not UTF-8 text. Expected a CSV, not a binary file.") from None
    if "\0" in text:
        raise DataError(f"{source}: holds zero bytes. Expected a CSV, not a binary file.")
    for sign in _UNSEEN:
        text = text.replace(sign, "")
    return text


def is_single_byte(content: bytes) -> bool:
    """Whether a file is in an encoding of single bytes, whose code page nothing says: :func:`decoded` takes it for 1252."""
    if any(content.startswith(mark) for mark, _ in _WIDE) or _unmarked_utf16(content) is not None:
        return False
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return True
    return False


_WIDE = (
    (b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
)  # fmt: skip
"""Marks of wide encodings, the longer ones first."""

_UNSEEN = "\ufeff\u200b\u2060"
"""Signs of no width, which joined files and web pages leave between others."""


def _unmarked_utf16(content: bytes) -> str | None:
    """Returns the encoding of UTF-16 text without a mark, whose every second byte is zero while its signs are ASCII."""
    high, low = content[1:LOOKED_AT:2], content[0:LOOKED_AT:2]
    if len(content) % 2 or len(high) < FEWEST_SIGNS:
        return None
    if not any(high) and all(low):
        return "utf-16-le"
    return "utf-16-be" if not any(low) and all(high) else None


def _single_bytes(content: bytes) -> str:
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        return content.decode("latin-1")
