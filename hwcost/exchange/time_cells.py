"""What a cell of a column of times says: a number, with or without a unit of its own and a spread, or a duration."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from hwcost.exchange.column_names import UNIT, UNIT_NAMES
from hwcost.exchange.numerals import is_number, number
from hwcost.exchange.options import UNITS
from hwcost.exchange.sheet import Sheet

_UNIT_NAMES = UNIT_NAMES | dict.fromkeys(("min", "mins", "minute", "minutes"), "min")
_CELL = re.compile(
    rf"(?P<value>[^\s±a-zµμ]+(?:e[+-]?\d+)?)\s*(?:(?:±|\+/-|\+-)\s*[\d.]+\s*)?(?P<unit>{UNIT}|min(?:ute)?s?)?", re.IGNORECASE
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
        unit: Unit of the result, and of a cell that says none: one of ``UNITS``.
    """
    value = number(text)
    if value is not None and math.isfinite(value):
        return value
    if (seconds := _duration(text)) is not None:
        return seconds / UNITS[unit]
    match = _CELL.fullmatch(text)
    if match is None or (own := number(match["value"])) is None:
        return value
    return own if match["unit"] is None else own * UNITS[_UNIT_NAMES[match["unit"].lower()]] / UNITS[unit]


def columns_of_times(sheet: Sheet, wanted: Collection[str] = ()) -> list[str]:
    """Returns the columns all of whose cells are times that say their unit: ``8.92s``, ``0:00:27``.

    A clock that never falls from row to row (``0:00:27``, ``0:01:03``) says when a row was measured, and is none of them.

    Args:
        sheet: The table.
        wanted: Columns of which a clock is one of times in any case.
    """
    return [name for name, texts in sheet.columns.items() if _are_times(texts) and (name in wanted or not _rises(texts))]


def _are_times(texts: Sequence[str]) -> bool:
    """Whether all cells of a column are times that say their unit; some may be empty."""
    held = {text for text in texts if text}
    return bool(held) and all(is_time(text) and _says_unit(text) for text in held)


def _rises(texts: Sequence[str]) -> bool:
    """Whether all cells are times of a clock, none of which is before that of an earlier row."""
    values = [_duration(text) for text in texts if text]
    clock = [value for value in values if value is not None]
    return len(clock) == len(values) and len(set(clock)) > 1 and clock == sorted(clock)


def in_seconds(sheet: Sheet, names: Collection[str]) -> Sheet:
    """Returns the sheet with plain numbers of seconds in columns of times; see :func:`columns_of_times`."""
    columns, remarks = dict(sheet.columns), []
    for name in names:
        columns[name] = [f"{value_in(text, 's'):.12g}" if text else text for text in sheet.columns[name]]
        was, now = next((old, new) for old, new in zip(sheet.columns[name], columns[name], strict=True) if old)
        remarks.append(f"column '{name}' holds times: '{was}' is read as {now} seconds.")
    return replace(sheet, columns=columns).remarking(*remarks)
