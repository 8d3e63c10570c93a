"""Numbers with other signs in them: apostrophes, spaces and ``_`` between thousands, a percent sign or a multiple behind."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from hwcost._patterns import Pattern
from hwcost.exchange.column_names import is_latency_name
from hwcost.exchange.numerals import number
from hwcost.exchange.sheet import Sheet

_GROUPED = Pattern("[+-]?[1-9]\\d{0,2}(?:['\u2019\u00a0\u202f\u2009]\\d{3})+(?:\\.\\d*)?")
_SPACED = Pattern(r"[+-]?[1-9]\d{0,2}(?P<sign>[ _])\d{3}(?:(?P=sign)\d{3})*(?:\.\d*)?")
_THOUSANDS = Pattern(r"[ _]0\d\d|\.\d")
_MARKED = Pattern(
    r"(?P<value>[^\s%A-Za-z]+(?:[eE][+-]?\d+)?)\s*(?P<mark>%|(?P<prefix>[kKMGT])(?:(?P<bytes>i?B)|FLOPs?|MACs?)?|(?P<b>B))"
)
_COUNTED = Pattern(
    r"(?P<value>[+-]?\d+(?:\.\d+)?)[ -]?(?P<what>x|×|px|pixels?|layers?|L|heads?|H|dims?|ch|channels?|units?|tokens?|bits?"
    r"|threads?|cores?|[MG]Hz|W|°C)"
)
_OF_ANOTHER = ("x", "×", "%")
"""Marks of multiples and shares of another number."""

_POWERS = {"k": 1, "K": 1, "M": 2, "G": 3, "T": 4}
_OF_BYTES = Pattern(r"bytes?|mem(?:ory)?|storage|buffer|cache|ram", re.IGNORECASE)


def unmarked(sheet: Sheet, wanted: Collection[str] = ()) -> Sheet:
    """Returns the sheet with plain numbers in columns whose cells are all numbers, some with such signs.

    Multiples are multiplied (``1.2M`` is 1200000, ``1 KiB`` is 1024); percent signs are left out. ``512 B`` is a number of
    bytes where others are ``2 KB``, or the column is named as bytes are; elsewhere ``7B`` are billions. Spaces and ``_``
    stand between thousands only where a group begins with 0 or decimals follow, as in no list of numbers: ``12 048``.

    What all cells of a column count is left out: ``224px``, ``12 layers``, ``1.8x``. In a column of latencies ``1.8x`` and
    ``5%`` stay: these are shares of another number.

    Args:
        sheet: The table.
        wanted: Columns that stay as they are.
    """
    columns, remarks = dict(sheet.columns), []
    for name, texts in sheet.columns.items():
        plain = None if name in wanted or name in sheet.categories else _plain(name, texts)
        if plain is not None and plain != texts:
            columns[name] = plain
            was, now = next((old, new) for old, new in zip(texts, plain, strict=True) if old != new)
            remarks.append(f"column '{name}' holds numbers with other signs in them: '{was}' is read as {now}.")
    return replace(sheet, columns=columns).remarking(*remarks)


def _plain(name: str, texts: list[str]) -> list[str] | None:
    """Returns the numbers of a column; None where a cell is neither empty nor a number."""
    different = {text for text in set(texts) if text and number(text) is None}
    if not different:
        return None
    if all(map(_GROUPED.fullmatch, different)):
        return [re.sub("['\u2019\u00a0\u202f\u2009]", "", text) for text in texts]
    if all(map(_SPACED.fullmatch, different)) and any(map(_THOUSANDS.search, different)):
        return [text.replace(" ", "").replace("_", "") for text in texts]
    if is_latency_name(name) and all(text.endswith(_OF_ANOTHER) for text in different):
        return None
    return _multiplied(name, texts) or _counted(texts)


def _counted(texts: list[str]) -> list[str] | None:
    """Returns the numbers of cells that all say the same thing that they count: ``224px``, ``12 layers``, ``1.8x``."""
    found = {text: _COUNTED.fullmatch(text) for text in set(texts) if text}
    things = {"" if match is None else match["what"] for match in found.values()}
    if len(things) != 1 or "" in things:
        return None
    return [match["value"] if (match := found.get(text)) else text for text in texts]


def _multiplied(name: str, texts: list[str]) -> list[str] | None:
    found = {text: _MARKED.fullmatch(text) for text in set(texts) if text and number(text) is None}
    marks = {match["mark"] if match is not None and number(match["value"]) is not None else "" for match in found.values()}
    if "" in marks:
        return None
    is_bare = any(number(text) is not None for text in texts)
    if "%" in marks and (len(marks) > 1 or is_bare):
        return None
    is_bytes = any(match is not None and match["bytes"] for match in found.values()) or _OF_BYTES.search(name) is not None
    return [_product(match, is_bytes) if (match := found.get(text)) else text for text in texts]


def _product(match: re.Match[str], is_bytes: bool) -> str:
    base = 1024.0 if match["bytes"] == "iB" else 1e3
    power = (0 if is_bytes else 3) if match["b"] else _POWERS.get(match["prefix"] or "", 0)
    product = float(f"{float(match['value']) * base**power:.12g}")
    return str(int(product)) if product.is_integer() else repr(product)
