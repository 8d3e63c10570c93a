"""Numbers with other signs in them: apostrophes and spaces between thousands, a percent sign or a multiple behind."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from hwcost.exchange.numerals import number
from hwcost.exchange.sheet import Sheet

_GROUPED = re.compile("[+-]?[1-9]\\d{0,2}(?:['\u2019\u00a0\u202f\u2009]\\d{3})+(?:\\.\\d*)?")
_SPACED = re.compile(r"[+-]?[1-9]\d{0,2}(?: \d{3})+(?:\.\d*)?")
_ZEROS = re.compile(r" 0\d\d")
_MARKED = re.compile(r"(?P<value>[^\s%A-Za-z]+(?:[eE][+-]?\d+)?)\s*(?P<mark>%|(?P<prefix>[kKMGTB])(?:i?B|FLOPs?|MACs?)?)")
_MULTIPLES = {"k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "B": 1e9, "T": 1e12}


def unmarked(sheet: Sheet, wanted: Collection[str] = ()) -> Sheet:
    """Returns the sheet with plain numbers in columns whose cells are all numbers, some with such signs.

    Multiples are multiplied (``1.2M`` is 1200000); percent signs are left out. Spaces stand between thousands only where a
    group begins with 0, as in no list of numbers: ``12 048``.

    Args:
        sheet: The table.
        wanted: Columns that stay as they are.
    """
    columns, remarks = dict(sheet.columns), []
    for name, texts in sheet.columns.items():
        plain = None if name in wanted or name in sheet.categories else _plain(texts)
        if plain is not None and plain != texts:
            columns[name] = plain
            was, now = next((old, new) for old, new in zip(texts, plain, strict=True) if old != new)
            remarks.append(f"column '{name}' holds numbers with other signs in them: '{was}' is read as {now}.")
    return replace(sheet, columns=columns).remarking(*remarks)


def _plain(texts: list[str]) -> list[str] | None:
    """Returns the numbers of a column; None where a cell is neither empty nor a number."""
    different = {text for text in set(texts) if text and number(text) is None}
    if not different:
        return None
    if all(map(_GROUPED.fullmatch, different)):
        return [re.sub("['\u2019\u00a0\u202f\u2009]", "", text) for text in texts]
    if all(map(_SPACED.fullmatch, different)) and any(map(_ZEROS.search, different)):
        return [text.replace(" ", "") for text in texts]
    return _multiplied(texts)


def _multiplied(texts: list[str]) -> list[str] | None:
    found = {text: _MARKED.fullmatch(text) for text in set(texts) if text and number(text) is None}
    marks = {match["mark"] if match is not None and number(match["value"]) is not None else "" for match in found.values()}
    if "" in marks:
        return None
    is_bare = any(number(text) is not None for text in texts)
    if "%" in marks and (len(marks) > 1 or is_bare):
        return None
    return [_product(match["value"], match["prefix"]) if (match := found.get(text)) else text for text in texts]


def _product(value: str, prefix: str | None) -> str:
    product = float(f"{float(value) * _MULTIPLES.get(prefix or '', 1.0):.12g}")
    return str(int(product)) if product.is_integer() else repr(product)
