"""Files and objects that hold tables, and files that do not."""

from __future__ import annotations

import bz2
import collections
import gzip
import json
import lzma
import os
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwcost.errors import DataError, MissingExtraError, UsageError
from hwcost.exchange import operators, sources
from hwcost.exchange.sources import as_rows, read_sheet
from hwcost.exchange.table import LatencyTable, read_table

RECORDS = [{"op": ("conv", "pool")[i % 2], "width": 8 * i + 8, "latency_ms": 1.5 + i} for i in range(6)]
COLUMNS: dict[str, list[Any]] = {name: [row[name] for row in RECORDS] for name in RECORDS[0]}
CSV = "\n".join([",".join(COLUMNS), *(",".join(map(str, row.values())) for row in RECORDS)]) + "\n"
SPLIT = {"columns": list(COLUMNS), "index": [0] * 6, "data": [list(row.values()) for row in RECORDS]}


def same(read: LatencyTable) -> None:
    assert [gene.name for gene in read.space.genes] == ["op", "width"]
    assert [arch.genes for arch in read.architectures] == [(row["op"], row["width"]) for row in RECORDS]
    np.testing.assert_allclose(read.latency_s, [row["latency_ms"] * 1e-3 for row in RECORDS], rtol=1e-15)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(RECORDS),
        json.dumps(RECORDS, indent=2),
        "\n".join(map(json.dumps, RECORDS)),
        json.dumps(COLUMNS),
        json.dumps({name: {str(i): value for i, value in enumerate(column)} for name, column in COLUMNS.items()}),
        json.dumps({f"net {i}": row for i, row in enumerate(RECORDS)}),
        json.dumps(SPLIT),
        json.dumps([list(COLUMNS), *SPLIT["data"]]),
        json.dumps({"machine": "x", "results": RECORDS}),
        CSV,
        CSV.replace(",", ";"),
        CSV.replace(",", "\t"),
        "sep=;\n" + CSV.replace(",", ";"),
        ",".join(["", *COLUMNS]) + "\n" + "\n".join(f"{i},{line}" for i, line in enumerate(CSV.splitlines()[1:])),
    ],
)
@pytest.mark.parametrize("pack", [None, gzip.compress, bz2.compress, lzma.compress])
def test_text_formats(tmp_path: Path, text: str, pack: Any) -> None:
    path = tmp_path / "rows"
    path.write_bytes(text.encode() if pack is None else pack(text.encode()))
    same(read_table(path, "table"))


@pytest.mark.parametrize("pack", [None, gzip.compress, bz2.compress, lzma.compress])
def test_files_that_are_too_large_packed_or_unpacked_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Any
) -> None:
    content, path = CSV.encode() * 1000, tmp_path / "rows"
    path.write_bytes(content if pack is None else pack(content))
    monkeypatch.setattr(sources, "MAX_BYTES", len(content) // 2)
    with pytest.raises(DataError, match=f"more than {len(content) // 2} bytes"):
        read_sheet(path)


def test_a_pipe_is_read_to_its_end_and_one_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_BYTES", 10_000)
    monkeypatch.setattr(operators, "MAX_BYTES", 10_000)
    reader, writer = os.pipe()
    os.write(writer, CSV.encode())
    os.close(writer)
    same(read_table(f"/dev/fd/{reader}", "table"))
    os.close(reader)
    for read in (read_sheet, operators.read_operators):
        with pytest.raises(DataError, match="has more than 10000 bytes, or never ends"):
            read("/dev/zero")


def test_encodings_of_spreadsheets(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(CSV.replace("latency_ms", "Latenz,latency (µs)").replace("5\n", "5,7\n").encode("latin-1"))
    assert read_table(path, "table").latency_s[0] == pytest.approx(7e-6)
    path.write_bytes(CSV.encode("utf-16"))
    same(read_table(path, "table"))


class Frame:
    """A data frame of a library that is not known: it has columns, and gives them by name."""

    def __init__(self, columns: dict[str, Any]) -> None:
        self.held = columns
        self.columns = list(columns)

    def __getitem__(self, name: str) -> list[Any]:
        return self.held[name]


@pytest.mark.parametrize(
    "source",
    [
        COLUMNS,
        RECORDS,
        [collections.namedtuple("Row", RECORDS[0])(*row.values()) for row in RECORDS],
        Frame(COLUMNS),
        {name: np.array(column) for name, column in COLUMNS.items()},
        np.array([tuple(row.values()) for row in RECORDS], dtype=[("op", "U8"), ("width", "i4"), ("latency_ms", "f8")]),
    ],
)
def test_objects(source: Any) -> None:
    same(read_table(source, "table"))


def test_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(COLUMNS)
    same(read_table(frame, "table"))
    same(read_table(frame.set_index(["op", "width"]), "table"))
    made = read_table(frame.assign(width=pandas.Categorical(frame.width)), "table")
    assert made.space.genes[1].categorical
    with pytest.raises(DataError, match="row 2, column 'latency_ms': the value is missing"):
        read_table(frame.assign(latency_ms=frame.latency_ms.where(frame.index != 2)), "table")
    with pytest.raises(DataError, match="column 'op' stands twice"):
        read_table(pandas.concat([frame, frame[["op"]]], axis=1), "table")


def test_arrow_and_its_protocols(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")

    class Stream:
        def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
            return arrow.table(COLUMNS).__arrow_c_stream__(requested_schema)

    class Interchange:
        def __dataframe__(self, **options: Any) -> Any:
            return arrow.table(COLUMNS).__dataframe__(**options)

    for source in (arrow.table(COLUMNS), Stream(), Interchange()):
        same(read_table(source, "table"))
    pytest.importorskip("pandas")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.table(COLUMNS), tmp_path / "rows.parquet")
    same(read_table(tmp_path / "rows.parquet", "table"))
    (tmp_path / "rows.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match="this Parquet file cannot be read"):
        read_table(tmp_path / "rows.parquet", "table")


def test_excel_by_the_library_that_is_installed(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    path = tmp_path / "rows.xlsx"
    try:
        pandas.DataFrame(COLUMNS).to_excel(path, index=False)
    except ImportError:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("xl/workbook.xml", "")
        with pytest.raises(MissingExtraError, match=r"Excel.*openpyxl.*pip install 'hwcost\[tables\]'"):
            read_table(path, "table")
    else:
        same(read_table(path, "table"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", ["Git LFS pointer", "git lfs pull"]),
        (b"/annex/objects/SHA256E-s9--0.csv\n", ["git-annex pointer", "git annex get"]),
        (b"<!DOCTYPE html>\n<html><body>404</body></html>", ["web page", "Download the file itself"]),
        (b'<?xml version="1.0"?><rows/>', ["XML"]),
        (b"%PDF-1.7", ["PDF"]),
        (b"\x80\x04\x95\x10\x00", ["pickle", "run code", "save the table as CSV"]),
        (b"\x80\x02}q\x00", ["pickle"]),
        (b"\x93NUMPY\x01\x00", ["NumPy array without names"]),
        (b"\x89HDF\r\n\x1a\n", ["HDF5"]),
        (b"\x28\xb5\x2f\xfd", ["zstd"]),
        (b"\x1f\x8b damaged", ["compressed file is damaged"]),
        (b"1,2,0.5\n3,4,0.25\n", ["line 1 holds numbers only", "names of the 3 columns"]),
        (b"7x7x16-7x7x24-kernel:3,3.1\n5x5x16-5x5x24-kernel:3,4.1x\n", ["operators", "Line 2", "'4.1x' is not a number"]),
        (b'{"7x7-conv": 3.1, "5x5-conv": 4.5}', ["table of operators", "lookup-table"]),
        (b"[[1, 2, 0.5], [3, 4, 0.25]]", ["the first array holds numbers"]),
        (b"[1, 2]", ["neither records nor arrays"]),
        (b"[]", ["an empty list"]),
        (b"{\n", ["not JSON"]),
        (b'{"a": 1}\n{"a": \n', ["line 2 is not JSON"]),
        (b"[" * 100_000, ["JSON"]),
        (b'{"a": 3, "b": "x"}', ["an object with a, b"]),
        (b'{"a": [{"x": 1}], "b": [{"x": 1}]}', ["several lists of records (a, b)"]),
        (b'[{"a": 1, "latency_s": 1}, {"a": 2}]', ["record 2, column 'latency_s'", "missing"]),
    ],
)
def test_what_is_no_table_is_named_with_a_remedy(tmp_path: Path, content: bytes, said: list[str]) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_table(path, "table")
    for words in [str(path), *said]:
        assert words in str(caught.value)


def test_databases_and_archives(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "rows.csv") as database:
        database.execute("CREATE TABLE rows (a)")
    with pytest.raises(DataError, match=r"an SQLite database.*\.db.*sqlite3 -header -csv"):
        read_table(tmp_path / "rows.csv", "table")
    for member, said in (("rows.csv", "zip archive. Unpack it"), ("model/data.pkl", "PyTorch file"), ("a.npy", "NumPy")):
        with zipfile.ZipFile(tmp_path / "rows.zip", "w") as archive:
            archive.writestr(member, "")
        with pytest.raises(DataError, match=said):
            read_table(tmp_path / "rows.zip", "table")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (3, "got int"),
        ([1, 2], "a row of a table is a dictionary of values by the column's name, got int"),
        ([], "got list"),
        ({"a": 1}, "the column 'a' of a table is a list of values, got int. One row, or one architecture, stands in a list"),
        ({"a": [1, 2], "latency_s": [1]}, "different lengths"),
        ({"a": [1], "latency_s": [1]}, "a single row"),
    ],
)
def test_objects_that_are_no_tables(source: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_table(source, "table")


def test_rows_of_architectures_need_no_latency(tmp_path: Path) -> None:
    path = tmp_path / "nets.csv"
    path.write_text("op,width\nconv,8\n")
    assert as_rows(read_sheet(path)) == [{"op": "conv", "width": 8}]


LINES = CSV.splitlines()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# a device\n#\n\n" + CSV, "lines 1 and 2 skipped: they begin with #"),
        ("\ufeff# a device, batch 1\n" + CSV, "line 1 skipped"),
        ("# " + CSV, ""),
        ("# op width latency_ms\n" + "\n".join(line.replace(",", "  ") for line in LINES[1:]), "separated by spaces"),
        ("\n".join([*LINES[:3], "# stopped, a pause", LINES[3], "#" + LINES[4], *LINES[4:]]), "lines 4 and 6 skipped"),
        ("Latencies of a device\n\n" + CSV, "line 1 skipped: a title"),
        ("\n".join([*LINES[:3], LINES[0], *LINES[3:]]), "line 4 skipped: the header again"),
        ("\n".join(line + "," for line in LINES), ""),
        ("\n".join([LINES[0], *(line + ",," for line in LINES[1:])]), ""),
        ("\n".join([LINES[0] + ",", *LINES[1:]]), ""),
        ("\n".join("," + line for line in LINES), ""),
    ],
)
def test_lines_and_cells_around_a_table(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    read = read_table(path, "table")
    same(read)
    assert said in " ".join(read.remarks)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("hidden,layers,latency_ms", "another order"),
        ("layers,heads,latency_ms", "other columns"),
        ("Latency_ms,Hidden,Layers", "another order"),
    ],
)
def test_another_header_within_a_table_is_refused_with_its_line(tmp_path: Path, names: str, said: str) -> None:
    rows = [f"{layers},{hidden},{layers * hidden}" for layers in (2, 4, 6) for hidden in (8, 16)]
    path = tmp_path / "joined.csv"
    path.write_text("\n".join(["layers,hidden,latency_ms", *rows, names, *rows]))
    with pytest.raises(DataError, match=f"line 8 is a header again, with .*{said}.*in a file of its own"):
        read_table(path, "table")


def test_rows_of_names_that_columns_have_too_are_no_headers(tmp_path: Path) -> None:
    path = tmp_path / "named.csv"
    path.write_text("op,kind,latency_ms\n" + "\n".join(f"{op},{kind},3.5" for op in ("op", "x") for kind in ("kind", "op")))
    assert len(read_table(path, "table").latency_s) == 4


@pytest.mark.parametrize("closed", [None, 9])
@pytest.mark.parametrize("opened", [2, 5])
@pytest.mark.parametrize("place", [0, 1])
def test_a_quote_that_would_swallow_rows_is_refused_with_its_line(
    tmp_path: Path, opened: int, closed: int | None, place: int
) -> None:
    rows = [["net", "8", "2", "1.5"] for _ in range(10)]
    for line in filter(None, (opened, closed)):
        rows[line - 2][place] = '"' + rows[line - 2][place]
    path = tmp_path / "quoted.csv"
    path.write_text("\n".join(["name,width,layers,latency_ms", *map(",".join, rows)]) + "\n")
    with pytest.raises(DataError, match=f"line {opened}: a quotation mark is opened .*up to line {closed or 11}"):
        read_table(path, "table")


def test_texts_of_several_lines_stay_cells(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    path.write_text('note,width,latency_ms\n"warm,\nthen measured",8,1.5\n"cold, 3\nlines\n",16,2.5\nnone,24,3.5\n')
    assert len(read_table(path, "table").latency_s) == 3


def test_comments_keep_the_numbers_of_lines_and_marks_may_be_values(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("# first\n" + CSV.replace("40,", "x,"))
    with pytest.raises(DataError, match="line 7, column 'width'"):
        read_table(path, "table")
    path.write_text("\n".join([LINES[0], *("#" + line for line in LINES[1:])]))
    assert len(read_table(path, "table")) == 6


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("latencyMs", 1e3), ("meanLatencyUs", 1e6), ("latency in ms", 1e3), ("Latency, ms", 1e3), ("ms", 1e3),
        ("p50_ms", 1e3), ("T4_latency_ms", 1e3), ("ms/iter", 1e3), ("forward_time_us", 1e6), ("time_per_sample_ms", 1e3),
        ("seconds", 1.0),
    ],
)  # fmt: skip
def test_names_of_latencies(name: str, scale: float) -> None:
    frame = {"width": [1, 2, 4], name: [0.5 * scale, 0.25 * scale, 0.125 * scale]}
    np.testing.assert_allclose(read_table(frame, "table").latency_s, [0.5, 0.25, 0.125], rtol=1e-12)


def test_a_latency_beside_others_is_asked_for_or_the_others_are_left_out() -> None:
    width, values = [1, 2, 4], [1.0, 2.0, 3.0]
    with pytest.raises(DataError, match="several columns may be the latency: p50_ms, p99_ms"):
        read_table({"width": width, "p50_ms": values, "p99_ms": values}, "table")
    others = ("p99_ms", "min_latency_ms", "warmup_time_ms", "load_time_s", "std", "p99", "T4_latency_us")
    read = read_table({"width": width, "mean_latency_ms": values, **dict.fromkeys(others, values)}, "table")
    assert [gene.name for gene in read.space.genes] == ["width"]
    assert all(f"'{name}'" in read.remarks[0] for name in others)
    rates = {"tokens/s": values, "frames/ms": values, "stride_s": values}
    assert len(read_table({"width": width, "latency_ms": values, **rates}, "table").space.genes) == 4


@pytest.mark.parametrize(
    "cells", [["500 ms", "0.25 s", "125000us"], ["500ms", "250ms", "125ms"], ["500 ± 2 ms", "250 ± 1 ms", "125 +/- 1 ms"]]
)
def test_latencies_that_say_their_own_unit(cells: list[str]) -> None:
    read = read_table({"width": [1, 2, 4], "latency": cells}, "table")
    np.testing.assert_allclose(read.latency_s, [0.5, 0.25, 0.125], rtol=1e-12)
    assert "latency is latency, in the unit of each cell." in read.remarks
