"""Columns of names: what of them a user should know before a cost model is fitted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from hwcost.exchange.numerals import number
from hwcost.exchange.sheet import Sheet, for_shell

MANY_CHOICES = 50
"""Values of a categorical column beyond which a remark says that architectures with other values cannot be predicted."""

FEWEST_NAMES = 10
"""Values below which a remark does not say so, however few rows each of them has."""

FEWEST_NUMBERS = 3
"""Different numbers among texts from which a column may be one of numbers, with marks where there is none."""

_LETTERS = re.compile(r"[\s_-]+")
"""Signs within a category that people leave out or write otherwise."""


def remarks_on_categories(sheet: Sheet, columns: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns remarks on columns of names: empty cells, spellings, numbers among texts, and names that hardly repeat.

    Args:
        sheet: The table.
        columns: Columns of the space ``table``, see :class:`hwcost.spaces.table.Table`.
    """
    missing = [
        f"column '{column['name']}' is empty in {count} of {len(sheet)} rows: that counts as a value of its own."
        for column in columns
        if column.get("choices") and (count := sheet.columns[column["name"]].count(""))
    ]
    spelled = [
        f"column '{column['name']}' has values that differ in capitals or spaces only, and count as different: {alike}."
        for column in columns
        if (alike := _spelled_alike(column.get("choices", ())))
    ]
    mixed = [
        f"column '{column['name']}' holds numbers and texts such as '{text}': all count as names, so that no value between "
        "two of the numbers can be predicted."
        for column in columns
        if (text := _text_among_numbers(column.get("choices", ()))) is not None
    ]
    many = [
        f"column '{column['name']}' has {len(column['choices'])} values in {len(sheet)} rows: a net with another value "
        f"cannot be predicted{slow}. --drop {for_shell(column['name'])} leaves it out."
        for column in columns
        if (slow := _how_many(len(column.get("choices", ())), len(sheet))) is not None
    ]
    return missing + spelled + mixed + many


def _how_many(count: int, n_rows: int) -> str | None:
    """Says what else follows from so many values in so many rows; None where these are few."""
    if count > max(MANY_CHOICES, n_rows // 10):
        return ", and fits take long"
    return "" if count >= FEWEST_NAMES and 2 * count > n_rows else None


def _spelled_alike(choices: Sequence[Any]) -> str:
    """Returns the choices of a column of texts that differ in capitals, spaces and the like only; empty for none."""
    seen: dict[str, list[str]] = {}
    for choice in choices:
        seen.setdefault(_LETTERS.sub("", str(choice)).lower(), []).append(f"'{choice}'")
    return "; ".join(" and ".join(same) for same in seen.values() if len(same) > 1)


def _text_among_numbers(choices: Sequence[Any]) -> str | None:
    """Returns the first text among choices that are numbers otherwise, at least three of them; None without one."""
    texts = [str(choice) for choice in choices if isinstance(choice, str) and choice]
    others = [text for text in texts if number(text) is None]
    return others[0] if others and len(texts) - len(others) >= FEWEST_NUMBERS else None
