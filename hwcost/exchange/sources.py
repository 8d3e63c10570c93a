"""Reads everything that can hold a table into a sheet: files by their content, data frames, mappings and sequences."""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from hwcost._io import read_at_most
from hwcost.errors import DataError
from hwcost.exchange import foreign
from hwcost.exchange.delimited import read_delimited
from hwcost.exchange.frames import read_frame
from hwcost.exchange.json_rows import looks_like_json, read_json
from hwcost.exchange.numerals import number
from hwcost.exchange.sheet import Sheet
from hwcost.exchange.workbooks import WORKBOOKS, read_workbook
from hwcost.spaces.base import GeneValue

TABLE_SUFFIXES = frozenset(
    {".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".pq", ".feather", ".arrow", ".xlsx", ".xlsm", ".xls"}
)


MAX_BYTES = 2**29
"""Bytes of the largest file that is read as a table, packed or unpacked."""


CODE_PAGE = "the file is not UTF-8 and is read in the code page 1252: where names look damaged, save it as UTF-8."
"""Remark on a file whose encoding nothing says."""


def read_sheet(source: Any) -> Sheet:
    """Reads a file of any known kind, a data frame, a mapping of columns, or a sequence of mappings.

    Raises:
        DataError: When it cannot be read, or is not a table; says what it is and what to do.
        MissingExtraError: When the library that reads such a file is not installed.
    """
    if not isinstance(source, (str, PathLike)):
        return read_frame(source)
    path = Path(source)
    try:
        content = read_at_most(path, MAX_BYTES)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}. Give the path of a CSV file.") from None
    if content is None:
        raise DataError(f"{path}: has more than {MAX_BYTES} bytes, or never ends. Give a smaller file.")
    content = foreign.uncompressed(content, str(path), MAX_BYTES)
    kind = foreign.workbook_kind(content)
    if kind in WORKBOOKS:
        return read_workbook(content, kind, str(path))
    foreign.refuse(content, str(path))
    text = foreign.decoded(content, str(path))
    foreign.refuse_results(text, str(path))
    if looks_like_json(text):
        return read_json(text, str(path))
    sheet = read_delimited(text, str(path))
    if not foreign.is_single_byte(content):
        return sheet
    return replace(sheet, about=CODE_PAGE[0].upper() + CODE_PAGE[1:]).remarking(CODE_PAGE)


def is_table_name(name: str) -> bool:
    """Whether a file is named as tables are: ``.csv``, ``.json.gz``, ``.parquet`` and the like."""
    suffixes = Path(name).suffixes
    return any(suffix.lower() in TABLE_SUFFIXES for suffix in suffixes[-2:])


def as_rows(sheet: Sheet) -> list[dict[str, GeneValue]]:
    """Returns the rows of a table of architectures, which needs no latencies, by the names of its columns."""
    columns = [[text if (value := number(text)) is None else value for text in texts] for texts in sheet.columns.values()]
    return [dict(zip(sheet.columns, row, strict=True)) for row in zip(*columns, strict=True)]
