"""Quotes that are opened in a table of texts and closed lines later: the rows between them would be one cell."""

from __future__ import annotations

import csv

from hwcost.errors import DataError
from hwcost.exchange.numerals import is_number

LONGEST = 40
"""Characters of a cell that an error shows."""


def check_quotes(cells: list[str], width: int, delimiter: str, line: int, source: str) -> None:
    """Refuses a row one of whose cells holds rows of the table.

    Args:
        cells: Texts of a row.
        width: Number of columns.
        delimiter: Sign between cells.
        line: Number of the last line of the row.
        source: Name of the file in messages.

    Raises:
        DataError: When a cell holds the end of its own row, or whole rows.
    """
    for place, cell in enumerate(cells):
        first, *others = cell.splitlines() or [""]
        if not others:
            continue
        is_row_ended = _ends_row(first, width - place, delimiter)
        held = sum(_ends_row(one, width, delimiter) for one in others)
        if is_row_ended or held > 0:
            start = line - sum(len(one.splitlines()) - 1 for one in cells[place:] if one)
            raise DataError(
                f"{source}: line {start}: a quotation mark is opened before '{first[:LONGEST]}' and not closed there, so "
                f"that further lines, up to line {line}, would be one cell. Close it, or delete it."
            )


def _ends_row(text: str, width: int, delimiter: str) -> bool:
    """Whether a text has as many cells as are left of a row, more than one, of which the last one is a number."""
    try:
        cells = next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:
        return False
    return len(cells) == width > 1 and is_number(cells[-1].strip())
