"""Tables of tab-separated values as GLUE has them: a header, no quoting, a row per line.

CoLA has no header. It is recognised by its rows: source, 0 or 1, an asterisk or nothing, and the sentence.
"""

from __future__ import annotations

from pathlib import Path

from hwcost._log import logger
from hwcost.errors import DataError
from hwcost.tasks.layouts import COLA_COLUMNS, QQP_COLUMNS
from hwcost.tasks.table import Table
from hwcost.tasks.text_lines import text_lines

_log = logger(__name__)


def read_tsv(path: Path) -> Table:
    """Reads a file of tab-separated values.

    Rows of Quora Question Pairs that were cut short are left out, as every reader of that file does; the log says how many.

    Raises:
        DataError: When the file cannot be read, has no header, or a row has another number of fields than the header.
    """
    lines = text_lines(path)
    if not lines:
        raise DataError(f"{path}: the file is empty. Expected a header of column names, and rows of as many fields.")
    rows = [(number, line) for number, line in enumerate(lines, 1) if line]
    header = COLA_COLUMNS if _is_cola(lines) else tuple(lines[0].split("\t"))
    if header != COLA_COLUMNS:
        rows = rows[1:]
    if len(set(header)) < len(header):
        raise DataError(f"{path}: a column name stands twice in the header: {', '.join(header)}. Give names of their own.")
    cut = [row for row in rows if row[1].count("\t") != len(header) - 1]
    if cut:
        _check_cut(path, header, *cut[0])
        _log.warning("%s: %d rows that were cut short are left out", path, len(cut))
    whole = [row for row in rows if row[1].count("\t") == len(header) - 1]
    places = {name: place for place, name in enumerate(header)}
    return Table(
        str(path), header, lambda name: [line.split("\t")[places[name]] for _, line in whole],
        [number for number, _ in whole],
    )  # fmt: skip


def _is_cola(lines: list[str]) -> bool:
    fields = (line.split("\t") for line in lines if line)
    return all(len(row) == len(COLA_COLUMNS) and row[1] in ("0", "1") and row[2] in ("", "*") for row in fields)


def _check_cut(path: Path, header: tuple[str, ...], number: int, line: str) -> None:
    """Raises DataError unless the table is the one that is known to have such rows."""
    if header != QQP_COLUMNS:
        raise DataError(
            f"{path}, line {number}: the row has {line.count(chr(9)) + 1} fields, and the header {len(header)} "
            f"({', '.join(header)}). Expected as many, with tabs between them."
        )
