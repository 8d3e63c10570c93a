"""Headers of more than one row, as spreadsheets and data frames have them: groups above names, or units below them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hwcost.exchange.column_names import is_statistic_name, split_unit, unit_of
from hwcost.exchange.sheet import places

MOST_ROWS = 4
"""Rows that a header has at most."""

_NUMBER = re.compile(r"[~<>=\"'$]*[+-]?\.?\d")
_BRACKETS = "[](){}"

LONGEST_UNIT = 6
"""Letters of a unit that is none of time, such as ``px`` or ``MiB/s``."""

Rows = list[tuple[int, list[str]]]


def joined_headers(rows: Rows) -> tuple[Rows, list[str]]:
    """Returns rows whose first one holds all that the rows of a header say, and what was done, in whole sentences.

    Groups are joined with what stands below them, ``latency_ms`` and ``mean`` as ``latency_ms.mean``; a group spans the
    empty cells to its right. Units in a row below the names are put behind those of times: ``latency (ms)``. A single cell
    above names is a title.

    Args:
        rows: Number of its line and cells of every row, the first one with names.
    """
    count = _count(rows)
    titles = []
    while count > 1 and sum(map(bool, rows[0][1])) == 1 and sum(map(bool, rows[1][1])) > 1:
        titles.append(rows[0][0])
        rows, count = rows[1:], count - 1
    remarks = [f"{places('line', titles)} skipped: a title above the table."] if titles else []
    if count < 2:
        return rows, remarks
    head = [row for _, row in rows[:count]]
    names = (_with_units(*head) if count == 2 else None) or _joined(head)
    if names is None:
        return rows, remarks
    remarks.append(f"{places('line', [line for line, _ in rows[:count]])} are one header: {', '.join(filter(None, names))}.")
    return [(rows[0][0], names), *rows[count:]], remarks


def _count(rows: Rows) -> int:
    """Returns the number of rows before the first one with a number in it, where there is such a row; all of one width."""
    width = len(rows[0][1]) if rows else 0
    for index, (_, row) in enumerate(rows[: MOST_ROWS + 1]):
        if any(map(_NUMBER.match, row)):
            return index
        if len(row) != width:
            return 0
    return 0


def _with_units(names: Sequence[str], units: Sequence[str]) -> list[str] | None:
    """Returns names with the units of times behind them; None where the second row holds something else than units."""
    plain = [unit.strip(_BRACKETS) for unit in units]
    if "" in names or len(set(names)) < len(names) or not any(map(unit_of, plain)):
        return None
    if any(unit_of(unit) is None and len(unit) > LONGEST_UNIT for unit in plain):
        return None
    return [
        f"{name} ({unit})" if unit_of(unit) and split_unit(name)[1] is None else name
        for name, unit in zip(names, plain, strict=True)
    ]


def _joined(head: Sequence[Sequence[str]]) -> list[str] | None:
    """Joins groups and names column by column; None where the first row is a header of its own, or no names result."""
    first = list(head[0])
    while first and not first[-1] and not any(row[len(first) - 1] for row in head):
        first.pop()
    is_whole = all(first[1:]) and len(set(first)) == len(first)
    if not any(first) or (is_whole and not _are_statistics(head[1])):
        return None
    levels = [_spanned(row, below) for row, below in zip(head, [*head[1:], []], strict=True)]
    names = [".".join(dict.fromkeys(part for part in parts if part)) for parts in zip(*levels, strict=True)]
    held = names[: len(first)]
    return names if all(held[1:]) and len(set(held)) == len(held) else None


def _are_statistics(names: Sequence[str]) -> bool:
    """Whether a row below a header without gaps holds further names: different ones, that of a statistic among them."""
    return "" not in names and len(set(names)) == len(names) and any(map(is_statistic_name, names))


def _spanned(row: Sequence[str], below: Sequence[str]) -> list[str]:
    """Fills the empty cells behind a group with it, where names stand below them; the last row is one of names."""
    filled: list[str] = []
    for i, cell in enumerate(row):
        spans = bool(below) and not cell and bool(below[i]) and i > 0
        filled.append(filled[-1] if spans else cell)
    return filled
