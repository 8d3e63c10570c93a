"""When two values of a fact agree, so that latencies measured with them can be compared.

A fact that is unknown on one side is never a difference. What changes with a reboot or a patch, and not the machine, is
compared roughly or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Pair = tuple[Any, Any]

TOLERANCE = 0.05
"""Relative difference up to which two sizes of memory, or two power limits, agree: a reboot moves them by kilobytes."""

UNSET = "unset"
"""Value in messages of an environment variable that one side does not have."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """A way in which two known values must agree.

    Attributes:
        rule: One line for documentation and messages.
        differing: Function that returns what differs: both values by a suffix to the fact's label, empty for the whole.
    """

    rule: str
    differing: Callable[[Any, Any], Mapping[str, Pair]]


def _unless(same: bool, one: Any, other: Any) -> dict[str, Pair]:
    return {} if same else {"": (one, other)}


def _series(version: str) -> str:
    """Returns the first two numbers of a version."""
    match = re.match(r"\d+\.\d+", version)
    return match[0] if match else version


def _nearly(one: float, other: float) -> bool:
    return abs(one - other) <= TOLERANCE * max(abs(one), abs(other))


def _entries(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[tuple[str, Pair]]:
    for name in sorted({*one, *other}):
        pair = one.get(name, UNSET), other.get(name, UNSET)
        if pair[0] != pair[1]:
            yield f".{name}", pair


FREE = Agreement("need not agree", lambda one, other: {})
EQUAL = Agreement("equal", lambda one, other: _unless(one == other, one, other))
NEARLY = Agreement("within 5 %", lambda one, other: _unless(_nearly(one, other), one, other))
SERIES = Agreement(
    "the first two numbers", lambda one, other: _unless(_series(one) == _series(other), _series(one), _series(other))
)
SHARED = Agreement(
    "equal where both sides have it",
    lambda one, other: {suffix: pair for suffix, pair in _entries(one, other) if UNSET not in pair},
)
EXACT = Agreement("equal, an absent entry included", lambda one, other: dict(_entries(one, other)))
