"""Reads a backend's options, whether they come from Python or as texts from a command line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from hwcost.errors import UsageError


def number(options: dict[str, Any], name: str, default: float, least: float = 0.0) -> float:
    """Reads a finite number that is at least ``least``."""
    given = options.get(name, default)
    try:
        value = float(given)
    except (TypeError, ValueError):
        value = math.nan
    if not (math.isfinite(value) and value >= least):
        raise UsageError(f"option '{name}' must be a number of at least {least:g}, got {given!r}")
    return value


def integer(options: dict[str, Any], name: str, default: int) -> int:
    """Reads a whole number that is not negative."""
    value = number(options, name, default)
    if not value.is_integer():
        raise UsageError(f"option '{name}' must be a whole number, got {options[name]!r}")
    return int(value)


def switch(options: dict[str, Any], name: str, default: bool) -> bool:
    """Reads true or false."""
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    given = str(options.get(name, default)).lower()
    if given not in words:
        raise UsageError(f"option '{name}' must be true or false, got {options[name]!r}")
    return words[given]


def choice(options: dict[str, Any], name: str, default: str, known: Sequence[str]) -> str:
    """Reads one of several words."""
    given = str(options.get(name, default))
    if given not in known:
        raise UsageError(f"option '{name}' cannot be '{given}'. Known: {', '.join(known)}")
    return given
