"""Parquet, Feather, Arrow and Excel files, by pandas and pyarrow where they are installed."""

from __future__ import annotations

import io
from typing import Any

from hwcost._extras import imported
from hwcost.errors import DataError, HwcostError, MissingExtraError
from hwcost.exchange.column_names import is_latency_name
from hwcost.exchange.delimited import Rows, as_sheet
from hwcost.exchange.frames import read_frame
from hwcost.exchange.header_rows import joined_headers
from hwcost.exchange.joined_tables import without_headers
from hwcost.exchange.line_marks import are_facts
from hwcost.exchange.numerals import normalised
from hwcost.exchange.sheet import Sheet, as_text, places

WORKBOOKS = {
    "parquet": ("pandas", "pyarrow", "Parquet"),
    "feather": ("pandas", "pyarrow", "Feather"),
    "arrow": ("pyarrow", "pyarrow", "Arrow"),
    "excel": ("pandas", "openpyxl", "Excel"),
}
"""Kind of file to the libraries that read it, and the name in messages."""


def read_workbook(content: bytes, kind: str, source: str) -> Sheet:
    """Reads the table of a Parquet, Feather or Arrow file, or the first sheet of a workbook that holds a table.

    Args:
        content: The whole file.
        kind: A name in ``WORKBOOKS``.
        source: Name of the file in messages.

    Raises:
        MissingExtraError: When pandas or the library behind it is not installed.
        DataError: When the file is damaged or holds no table.
    """
    *libraries, name = WORKBOOKS[kind]
    for library in libraries:
        try:
            imported(library, "tables")
        except MissingExtraError:
            raise MissingExtraError(f"{source} is in {name} format, and {library}, which reads it,", "tables") from None
    try:
        if kind == "excel":
            sheets = imported("pandas", "tables").read_excel(io.BytesIO(content), sheet_name=None, header=None, dtype=object)
            return _first_table({str(one): frame.to_numpy().tolist() for one, frame in sheets.items()}, source)
        return read_frame(_frame(content, kind), source)
    except HwcostError:
        raise
    except Exception as error:  # whatever a reader of a damaged file may raise
        what = f"{source}: this {name} file cannot be read: {error}"
        raise DataError(f"{what}. Save the table as CSV, and give that.") from None


def _frame(content: bytes, kind: str) -> Any:
    if kind == "arrow":
        return imported("pyarrow.ipc", "tables").open_stream(io.BytesIO(content)).read_all()
    return getattr(imported("pandas", "tables"), f"read_{kind}")(io.BytesIO(content))


def _first_table(sheets: dict[str, list[list[Any]]], source: str) -> Sheet:
    """Returns the first sheet with a header, if possible with a latency, and rows; says which others there are.

    Raises:
        DataError: When no sheet holds a table.
    """
    tables: dict[str, tuple[Rows, list[str]]] = {}
    for name, cells in sheets.items():
        rows, remarks = _below_titles([(i, [as_text(cell) for cell in row]) for i, row in enumerate(cells, 1)])
        rows, joined = joined_headers(rows)
        if len(rows) > 1:
            tables[name] = rows, [*remarks, *joined]
    if not tables:
        raise DataError(f"{source}: no sheet of the workbook holds a header and rows. Save the table as CSV, and give that.")
    timed = [name for name, (rows, _) in tables.items() if any(map(is_latency_name, rows[0][1]))]
    name, (rows, remarks) = next((name, held) for name, held in tables.items() if not timed or name in timed)
    body, headers = without_headers(rows[0][1], rows[1:], source)
    sheet = normalised(as_sheet(rows[0][1], body, source), is_typed=True).remarking(*remarks, *headers)
    others = [f"'{one}'" for one in timed or tables if one != name]
    if others:
        return sheet.remarking(f"sheet '{name}' of the workbook is read. To read {' or '.join(others)}, save it as CSV.")
    return (
        sheet.remarking(f"sheet '{name}' of the workbook is read: no other one holds such a table.")
        if len(sheets) > 1
        else sheet
    )


def _trimmed(row: list[str]) -> list[str]:
    """Returns a row without the empty cells at its end."""
    return row[: max((i for i, cell in enumerate(row, 1) if cell), default=0)]


def _below_titles(rows: Rows) -> tuple[Rows, list[str]]:
    """Returns the rows that hold something, from the first with two cells on, and what is said of those above it."""
    full = [(line, row) for line, row in rows if any(row)]
    gap = next((i for i, (line, _) in enumerate(full) if i and line > full[i - 1][0] + 1), None)
    if gap is not None and are_facts([row for _, row in full[:gap]], _trimmed(full[gap][1])):
        facts = [line for line, _ in full[:gap]]
        return full[gap:], [f"{places('line', facts)} skipped: an empty line separates them from the table."]
    start = next((i for i, (_, row) in enumerate(full) if sum(map(bool, row)) > 1), len(full))
    titles = [line for line, _ in full[:start]]
    return full[start:], [f"{places('line', titles)} skipped: a title above the table."] if titles else []
