"""Cells that hold a number and how far it scatters: ``12.3 ± 0.4``, ``12.3 (0.4)``, ``12.3 ms ± 45 us per loop``."""

from __future__ import annotations

import re
from dataclasses import replace

from hwcost._patterns import Pattern
from hwcost.exchange.sheet import Sheet

_NUMBER = r"[+-]?\d[\d.,'\u2019\u00a0\u202f\u2009]*(?:[eE][+-]?\d+)?"
_UNIT = r"[A-Za-zµμ]{1,12}"
_SIGN = r"(?:±|\+/-|\+-|\\pm)"
_WITH_SIGN = Pattern(
    rf"\$?(?P<value>{_NUMBER})\s*(?P<own>{_UNIT})?\s*\(?{_SIGN}\s*(?P<spread>{_NUMBER})\s*%?\s*(?P<unit>{_UNIT})?\)?\$?"
    r"(?: per loop\b.*)?"
)
_IN_BRACKETS = Pattern(
    rf"(?P<value>{_NUMBER})\s*(?P<own>{_UNIT})?\s*\((?P<spread>{_NUMBER})\s*(?P<unit>{_UNIT})?\)"
)
_POINT = Pattern(r"\d[.,]\d")
_MARKS = frozenset("(±+\\")
_SIMPLE = Pattern(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


def without_spreads(sheet: Sheet) -> Sheet:
    """Returns the sheet with the number alone, and its unit, where at least half of a column's cells hold a spread too.

    In brackets without a sign, a number counts as a spread where it is smaller than the one before it in every cell, and not
    all of them are whole: ``12 (8)`` may be layers and heads.

    Args:
        sheet: Texts as they were written, decimal commas among them.
    """
    columns, remarks = dict(sheet.columns), []
    for name, texts in sheet.columns.items():
        if _MARKS.isdisjoint("".join(texts)):
            continue
        plain = _plain(texts)
        if plain != texts:
            columns[name] = plain
            was, now = next((old, new) for old, new in zip(texts, plain, strict=True) if old != new)
            remarks.append(f"column '{name}' holds numbers with their spread, which is left out: '{was}' is read as {now}.")
    return replace(sheet, columns=columns).remarking(*remarks)


def _plain(texts: list[str]) -> list[str]:
    full = sum(map(bool, texts))
    for pattern in (_WITH_SIGN, _IN_BRACKETS):
        found = {text: match for text in set(texts) if (match := pattern.fullmatch(text)) is not None}
        if pattern is _IN_BRACKETS and not (all(map(_is_spread, found.values())) and any(map(_POINT.search, found))):
            continue
        if found and 2 * sum(text in found for text in texts) >= full:
            return [_alone(found[text]) if text in found else text for text in texts]
    return texts


def _alone(match: re.Match[str]) -> str:
    unit = match["own"] or match["unit"]
    return f"{match['value']} {unit}" if unit else match["value"]


def _is_spread(match: re.Match[str]) -> bool:
    """Whether the number in brackets is smaller than the one before it, and in the same unit where it names one."""
    value, spread = (_SIMPLE.fullmatch(match[part].replace(",", ".")) for part in ("value", "spread"))
    is_smaller = value is not None and spread is not None and abs(float(spread[0])) < abs(float(value[0]))
    return is_smaller and match["unit"] in (None, match["own"])
