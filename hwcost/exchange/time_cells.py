"""What a cell of a column of times says: a number, with or without a unit of its own and a spread, or a duration."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from hwcost.exchange.column_names import UNIT, UNIT_NAMES
from hwcost.exchange.numerals import is_number, number
from hwcost.exchange.options import UNITS

_CELL = re.compile(
    rf"(?P<value>[^\s±a-zµμ]+(?:e[+-]?\d+)?)\s*(?:(?:±|\+/-|\+-)\s*[\d.]+\s*)?(?P<unit>{UNIT})?", re.IGNORECASE
)
_CLOCK = re.compile(r"(?:0 days,? )?0?0:(?P<minutes>[0-5]\d):(?P<seconds>[0-5]\d(?:\.\d+)?)")
_SPOKEN = re.compile(r"(?P<minutes>\d+)m ?(?P<seconds>\d+(?:\.\d+)?)s")


def is_time(text: str) -> bool:
    """Whether a cell is a number, with or without a unit of time of its own and a spread: ``12.5 ms``, ``12.5 ± 0.1``."""
    if is_number(text) or _duration(text) is not None:
        return True
    return (match := _CELL.fullmatch(text)) is not None and is_number(match["value"])


def _duration(text: str) -> float | None:
    """Returns the seconds of ``0 days 00:00:00.0123``, ``00:01:02.5`` or ``1m2.5s``; None where a text is none of these.

    A duration has no hours: ``12:30:05`` is a time of the day.
    """
    match = _CLOCK.fullmatch(text) or _SPOKEN.fullmatch(text)
    return None if match is None else 60.0 * int(match["minutes"]) + float(match["seconds"])


def say_their_unit(texts: Sequence[str]) -> bool:
    """Whether every cell that is a number says its unit."""
    held = [text for text in texts if is_time(text)]
    return bool(held) and all(map(_says_unit, held))


def _says_unit(text: str) -> bool:
    match = _CELL.fullmatch(text)
    return _duration(text) is not None or (match is not None and bool(match["unit"]))


def value_in(text: str, unit: str) -> float | None:
    """Returns a number in a unit, converted where the cell says its own; None where it holds no number.

    Args:
        text: The cell.
        unit: Unit of the result, and of a cell that says none: ``s``, ``ms``, ``us`` or ``ns``.
    """
    value = number(text)
    if value is not None and math.isfinite(value):
        return value
    if (seconds := _duration(text)) is not None:
        return seconds / UNITS[unit]
    match = _CELL.fullmatch(text)
    if match is None or (own := number(match["value"])) is None:
        return value
    return own if match["unit"] is None else own * UNITS[UNIT_NAMES[match["unit"].lower()]] / UNITS[unit]
