"""Types of the values of facts, each with its unit. A value is plain JSON and bounded; unknown is None or absent."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MAX_TEXT = 10_000
MAX_INTEGER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Value:
    """A type of value.

    Attributes:
        name: Name of the type, for people.
        accepts: Whether a value is of this type.
        unit: Unit of the number; empty for what has none.
    """

    name: str
    accepts: Callable[[Any], bool]
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.unit})" if self.unit else self.name


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return _is_whole(value) and 0 <= value <= MAX_INTEGER


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_amount(value: Any) -> bool:
    return _is_number(value) and value >= 0


def _is_list_of(accepts: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, (list, tuple)) and all(map(accepts, value))


def _is_map_of(accepts: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(map(accepts, value.values()))


TEXT = Value("text", _is_text)
TEXTS = Value("list of texts", _is_list_of(_is_text))
TEXT_BY_NAME = Value("map of texts", _is_map_of(_is_text))
YES_NO = Value("yes or no", lambda value: isinstance(value, bool))
WHOLE = Value("whole number", _is_whole)
COUNT = Value("count", _is_count)
COUNTS = Value("list of counts", _is_list_of(_is_count))
EVENTS = Value("number of events", _is_amount)
NUMBER = Value("number", _is_amount)
FRACTION = Value("fraction", lambda value: _is_number(value) and 0 <= value <= 1)
BYTES = Value("count", _is_count, "bytes")
SECONDS = Value("number", _is_amount, "s")
HERTZ = Value("number", _is_amount, "Hz")
FRACTIONS = Value("list of fractions", _is_list_of(FRACTION.accepts))
SECONDS_BY_BLOCK = Value("list of lists of numbers", _is_list_of(_is_list_of(_is_amount)), "s")
HERTZ_SERIES = Value("list of numbers", _is_list_of(_is_amount), "Hz")
SECONDS_SERIES = Value("list of numbers", _is_list_of(_is_amount), "s")
WATTS = Value("number", _is_amount, "W")
JOULES = Value("number", _is_amount, "J")
CELSIUS = Value("number or map of numbers", lambda value: _is_number(value) or _is_map_of(_is_number)(value), "°C")
SAMPLES_BY_NAME = Value("map of lists of numbers", _is_map_of(_is_list_of(_is_amount)), "s")
DOCUMENT = Value("map", lambda value: isinstance(value, dict))
