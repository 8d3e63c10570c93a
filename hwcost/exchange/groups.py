"""Columns that give a value in the first row of a group only, as cells that were merged in a spreadsheet do."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import replace

from hwcost.exchange.sheet import Sheet

FEWEST_GROUPS = 3
MOST_FILLED = 0.5
"""Groups that a column must have at least, and the share of its rows that hold a value at most."""

LONGEST_GROUP = 4
"""The longest group is at most so many times as long as half of them are: notes beside single rows make no groups."""


def filled(sheet: Sheet, wanted: Collection[str] = ()) -> Sheet:
    """Returns the sheet with the value of a group in all of its rows, where a column gives it in the first one only.

    It does where the first row has a value, no value occurs twice in a row, and groups are about as long as each other.

    Args:
        sheet: The table.
        wanted: Columns that stay as they are.
    """
    columns, remarks = dict(sheet.columns), []
    for name, texts in sheet.columns.items():
        if name in wanted or not _is_of_groups(texts):
            continue
        columns[name] = list(itertools.accumulate(texts, _following))
        remarks.append(f"column '{name}' gives a value at the beginning of a group only: the empty cells below take it.")
    return replace(sheet, columns=columns).remarking(*remarks)


def _following(last: str, text: str) -> str:
    return text or last


def _is_of_groups(texts: list[str]) -> bool:
    if "" not in texts:
        return False
    starts = [row for row, text in enumerate(texts) if text]
    if len(starts) < FEWEST_GROUPS or starts[0] != 0 or len(starts) > MOST_FILLED * len(texts):
        return False
    if any(texts[one] == texts[after] for one, after in itertools.pairwise(starts)):
        return False
    sizes = sorted(after - one for one, after in itertools.pairwise([*starts, len(texts)]))
    return sizes[0] > 1 and sizes[-1] <= LONGEST_GROUP * sizes[len(sizes) // 2]
