"""Headers in the middle of a table, where several files were joined: the same ones are skipped, others are refused."""

from __future__ import annotations

from hwcost.errors import DataError
from hwcost.exchange.numerals import is_number
from hwcost.exchange.sheet import places

Rows = list[tuple[int, list[str]]]

LONGEST = 200
"""Characters of a header that an error shows."""


def without_headers(header: list[str], body: Rows, source: str) -> tuple[Rows, list[str]]:
    """Skips lines that repeat the header, in capitals or not.

    Args:
        header: Names of the columns.
        body: Number of its line and cells of every row.
        source: Name of the file in messages.

    Returns:
        The other rows, and what was done, in whole sentences.

    Raises:
        DataError: When a line is a header with as many other columns, or the same ones in another order.
    """
    lower = [name.lower() for name in header]
    known, repeated = set(lower), []
    for line, row in body:
        cells = list(map(str.lower, row))
        if known.isdisjoint(cells):
            continue
        if cells == lower:
            repeated.append(line)
        elif _is_header(cells, lower):
            raise _other_header(line, row, header, source)
    if not repeated:
        return body, []
    remark = f"{places('line', repeated)} skipped: the header again. Several files seem to be joined here."
    left_out = set(repeated)
    return [(line, row) for line, row in body if line not in left_out], [remark]


def _is_header(cells: list[str], names: list[str]) -> bool:
    """Whether cells in small letters are as many names: at least two and half of them known, none of them a number."""
    if len(cells) != len(names):
        return False
    common = set(cells).intersection(names) - {""}
    if len(common) < 2 or 2 * len(common) < len(set(cells)):
        return False
    return len(set(cells)) == len(cells) and not any(map(is_number, cells))


def _other_header(line: int, row: list[str], header: list[str], source: str) -> DataError:
    is_turned = sorted(cell.lower() for cell in row) == sorted(name.lower() for name in header)
    what = "the columns of line 1 in another order" if is_turned else "other columns than line 1"
    return DataError(
        f"{source}: line {line} is a header again, with {what}: {', '.join(row)[:LONGEST]}, and not "
        f"{', '.join(header)[:LONGEST]}. Several files seem to be joined here: give each in a file of its own."
    )
