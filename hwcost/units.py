"""Units: numbers are in SI base units everywhere, and are parsed and formatted here only."""

from __future__ import annotations

import math
import re

from hwcost.errors import UsageError

__all__ = [
    "about_half_width", "format_bytes", "format_clock", "format_count", "format_half_width", "format_percent",
    "format_quantity", "format_seconds", "format_si", "has_time_unit", "in_words", "parse_duration", "parse_percent",
    "parse_quantity", "parse_wait", "unit_of", "written_unit",
]  # fmt: skip

DIMENSIONLESS = "1"
"""Unit of a bare number."""

UNITS = {
    "flops_per_s": "FLOP/s", "bytes_per_s": "B/s", "_per_s": "1/s", "_s": "s", "_j": "J", "_w": "W", "_bytes": "B",
    "_flops": "flop",
}  # fmt: skip
"""Unit by the end of a quantity's name; the first end that fits counts."""

PREFIXES = {"n": 1e-9, "µ": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}
"""SI prefix to factor."""

UNEVEN = 0.2
"""Half-width on the log scale from which the ends of an interval lie at visibly different distances: -18 and +22 %."""

VAST = math.log(10.0)
"""Half-width on the log scale above which an interval is shown as a factor."""

MOST_LOG = 100.0
"""Largest exponent of a factor that is shown."""

_DURATIONS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_WRITTEN = {
    "s": {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0},
    "J": {"mJ": 1e-3, "J": 1.0, "kJ": 1e3},
    "W": {"mW": 1e-3, "W": 1.0, "kW": 1e3},
    "B": {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30},
    DIMENSIONLESS: {"%": 0.01},
}
"""Units that a value may be written with, as factors, by the unit that they make."""

_FACTORS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, **{k: v for one in _WRITTEN.values() for k, v in one.items()}}
_QUANTITY = re.compile(
    rf"\s*([+-]?[0-9]*\.?[0-9]+(?:e[+-]?\d+)?)\s*({'|'.join(sorted(filter(None, _FACTORS), key=len, reverse=True))})?\s*"
)
_UNIT_AT_END = re.compile(r"(?<=\w)(?<!_per)_(s|j|w|bytes)$")
_PERCENT = re.compile(r"\s*([0-9]*\.?[0-9]+(?:e[+-]?\d+)?)\s*%\s*")
_DURATION = re.compile(r"\s*([0-9]*\.?[0-9]+(?:e[+-]?\d+)?)\s*(ns|us|µs|ms|min|s|m|h)?\s*", re.IGNORECASE)


def format_si(value: float | None, unit: str, digits: int = 3) -> str:
    """Formats a number of SI base units with the prefix that keeps it between 1 and 1000.

    Args:
        value: Value in base units; None is shown as a dash, because unknown is not zero.
        unit: Symbol of the base unit, for example ``s`` or ``FLOP/s``.
        digits: Number of significant digits.

    Returns:
        The text, for example ``format_si(0.0123, "s") == "12.3 ms"``.
    """
    if value is None or math.isnan(value):
        return "-"
    if value == 0 or math.isinf(value):
        return f"{value:g} {unit}"
    size = float(f"{abs(value):.{digits - 1}e}")
    prefix = max((p for p in PREFIXES.items() if p[1] <= size), key=lambda p: p[1], default=("n", 1e-9))
    scaled = value / prefix[1]
    decimals = max(0, digits - 1 - max(0, math.floor(math.log10(abs(size / prefix[1])) + 1e-12)))
    return f"{scaled:.{decimals}f} {prefix[0]}{unit}"


def format_seconds(value: float | None, digits: int = 3) -> str:
    """Formats seconds, for example ``12.3 ms``."""
    return format_si(value, "s", digits)


def format_bytes(value: float | None) -> str:
    """Formats bytes with decimal prefixes, for example ``1.50 GB``."""
    return format_si(value, "B")


def format_count(value: float | None, digits: int = 4) -> str:
    """Formats a plain count such as parameters, for example ``64.7 M``."""
    return format_si(value, "", digits).strip()


def format_percent(fraction: float | None, digits: int = 2) -> str:
    """Formats a fraction as percent, for example ``1.25 %``."""
    return "-" if fraction is None or math.isnan(fraction) else f"{100 * fraction:.{digits}f} %"


def format_half_width(half_width: float | None, digits: int = 2, sign: str = "") -> str:
    """Formats the half-width of an interval of a logarithm: ``1.25 %``, and a wide one by both ends: ``-69 % to +225 %``.

    Args:
        half_width: Half-width on the log scale; None where there is no interval.
        digits: Digits behind the point of a narrow one.
        sign: Text before a narrow one, such as ``±``.
    """
    if half_width is None or half_width < UNEVEN or math.isnan(half_width):
        return ("" if half_width is None else sign) + format_percent(half_width, digits)
    if half_width > VAST:
        return f"a factor of {math.exp(min(half_width, MOST_LOG)):.2g}"
    return f"{100 * math.expm1(-half_width):.0f} % to {100 * math.expm1(half_width):+.0f} %"


def about_half_width(half_width: float, sign: str = "") -> str:
    """Formats one that is expected, to two digits; arguments as of :func:`format_half_width`."""
    narrow = f"{sign}{100 * half_width:.2g} %"
    return narrow if half_width < UNEVEN else format_half_width(half_width)


def unit_of(name: str) -> str:
    """Returns the unit of a quantity by the end of its name; ``1`` for a bare number such as ``perplexity``."""
    return next((unit for end, unit in UNITS.items() if name.endswith(end)), DIMENSIONLESS)


def in_words(name: str) -> str:
    """Returns the name of a quantity as people say it, without its unit: ``peak memory`` of ``peak_memory_bytes``."""
    return _UNIT_AT_END.sub("", name).replace("_per_s", " per second").replace("_", " ")


def format_quantity(name: str, value: float | None) -> str:
    """Formats a value of a quantity by its name: with its unit, shares as percent, large bare numbers as counts."""
    if value is None:
        return "-"
    if name.endswith("_utilisation"):
        return format_percent(value, 1)
    unit = unit_of(name)
    if unit == "1/s":
        return f"{format_count(value)}/s"
    if unit not in (DIMENSIONLESS, "flop"):
        return format_si(value, unit)
    return format_count(value) if abs(value) >= 1e4 else f"{value:.5g}"


def format_clock(seconds: float) -> str:
    """Formats a duration for people, for example ``7 min 05 s``."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def parse_duration(text: str) -> float:
    """Reads a duration such as ``90``, ``90s``, ``8m``, ``1.5h`` or ``20ms`` into seconds.

    Raises:
        UsageError: When the text is not a positive duration.
    """
    match = _DURATION.fullmatch(text)
    value = float(match[1]) * _DURATIONS[(match[2] or "s").lower()] if match else 0.0
    if not value > 0 or not math.isfinite(value):
        raise UsageError(f"'{text}' is not a duration. Expected a positive number with ns, us, ms, s, m or h, such as 8m.")
    return value


def parse_wait(text: str) -> float:
    """Reads the longest time to wait into seconds: a duration, or ``0`` or ``0s`` for none.

    Raises:
        UsageError: When the text is neither.
    """
    return 0.0 if text in ("0", "0s") else parse_duration(text)


def written_unit(text: str) -> str | None:
    """Returns the unit that a value is written with, ``s`` for ``50ms`` and ``B`` for ``4GB``; None without one."""
    match = _QUANTITY.fullmatch(text)
    return next((unit for unit, written in _WRITTEN.items() if match and match[2] in written), None)


def has_time_unit(text: str) -> bool:
    """Whether a quantity is written with a unit of time, such as ``50ms``."""
    return written_unit(text) == "s"


def parse_quantity(text: str) -> float:
    """Reads a number with or without a unit: ``66M``, ``50ms``, ``2J``, ``4GB``, ``40%``, ``0.02``.

    ``k``, ``M``, ``G`` and ``T`` are factors; units of time make seconds, of energy joules, of memory bytes.

    Raises:
        UsageError: When the text is not a finite number.
    """
    match = _QUANTITY.fullmatch(text)
    value = float(match[1]) * _FACTORS[match[2] or ""] if match else math.nan
    if not math.isfinite(value):
        raise UsageError(f"'{text}' is not a quantity. Expected a number, perhaps with a unit, such as 66M or 50ms.")
    return value


def parse_percent(text: str) -> float:
    """Reads a number with a percent sign, such as ``2%`` or ``0.5 %``, into percent.

    Raises:
        UsageError: When the text is not a finite number with a percent sign.
    """
    match = _PERCENT.fullmatch(text)
    value = float(match[1]) if match else math.nan
    if not math.isfinite(value):
        raise UsageError(f"'{text}' is not a percentage. Expected a number with a percent sign, such as 2%.")
    return value
