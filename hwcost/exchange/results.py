"""Columns of results other than times: what a measurement gives says nothing about a net that is not measured yet."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Sequence

import numpy as np

from hwcost._types import Floats
from hwcost.exchange.column_names import (
    TIMES,
    is_input_extent,
    is_rate_name,
    is_typical,
    middle_of,
    split_unit,
    spread_of,
    words_of,
)
from hwcost.exchange.latencies import COUNTED
from hwcost.exchange.numerals import number
from hwcost.exchange.sheet import Sheet, for_shell
from hwcost.spaces.layouts import find_layout

FEWEST_ROWS = 5
"""Rows below which numbers that follow the latencies are chance."""

FALLS = -0.7
"""Correlation of logs with the latency below which numbers fall as it rises."""

DIFFERENT = 0.5
"""Share of the different latencies from which on the different values of a column may have been measured."""

NEAR = 0.01
"""Relative difference within which products are equal."""

DIGITS = 2
"""Digits that a number which somebody chose has at most; measured ones have more."""

_COUNTS = COUNTED | {"rounds", "samples"}
_BESIDE_COUNTS = frozenset(("n", "num", "no", "nr", "number", "of", "count", "benchmark", "measured", "timed"))
_PHYSICAL = frozenset(
    ("energy", "power", "mfu", "hfu", "goodput", "rtf",
     "rtfx", "speedup", "slowdown", "relative", "delay")
)  # fmt: skip
_OBSERVED = frozenset(
    ("utilization", "utilisation", "util", "temperature", "temp", "clock", "clk", "freq", "frequency", "battery", "fan",
     "rpm", "voltage", "loadavg", "steal", "ambient")
)  # fmt: skip
"""Words of the name of a state of the device, which of so many values nobody chose."""

_CLOCKS, SWEPT = frozenset(("clock", "clk", "freq", "frequency")), 1.5
"""Words of the name of a clock, and its highest over its lowest value from which somebody may have swept it."""

_LOAD, _LOADED = "load", frozenset(("cpu", "gpu", "system", "sys", "avg", "average"))
"""The word for a load, which may be that of requests too, and words with which it is one of the device."""

_THROTTLED = frozenset(("throttle", "throttled", "throttling", "throttles"))
"""Words of the name of a state of the device that nobody chooses, whatever the values are."""

_UNTHROTTLED = re.compile(r"|0x0*1?|[0.]+|f(alse)?|no?|none|off|nan|not active|inactive|\[\]", re.IGNORECASE)
"""Cells that say of a row that nothing was throttled; the lowest bit of NVIDIA's reasons says that the GPU was idle."""

MOST_CHOSEN = 10
"""Different values below which such a state may have been chosen."""

_THROUGHPUT = frozenset(("throughput", "tput"))
_MEMORY = frozenset(("memory", "mem", "vram", "rss"))
_IN_USE = frozenset(
    ("peak", "max", "maximum", "allocated", "reserved", "used", "usage", "free", "available")
)  # fmt: skip
"""Words that make a name of memory one of what a run took; its numbers tell it from what a device has."""

_CHOSEN = frozenset(
    ("peak", "max", "maximum", "theoretical", "rated", "nominal", "target", "offered", "arrival", "input", "limit", "cap")
)


def without_results(
    features: Sheet, table: Sheet, latency_s: Floats, wanted: Collection[str], times: Collection[str] = ()
) -> Sheet:
    """Returns the features without what the measurement gave: iterations that fit into its time, rates, energy, memory.

    The spread of a column goes with it: ``fps_std`` says nothing about a new net either.

    Args:
        features: The columns that may be features.
        table: All columns of the table.
        latency_s: Latencies, shape (n,).
        wanted: Columns that are features in any case.
        times: Columns of times whose cells say their unit, which need no unit in their names.
    """
    others = [name for name in features.columns if name not in wanted]
    layout = find_layout(table.columns)
    own = frozenset(() if layout is None else layout.results)
    found = [name for name in others if _is_of_tool(name, own) or _is_measured(name, features, latency_s, name in times)]
    rest = features.without(found)
    found += [name for name in rest.columns if name not in wanted and _is_spread_of_another(name, table, rest)]
    doubts = [doubt for name in found if (doubt := _doubt_of_unit(name, table, latency_s) or _throttled_rows(name, table))]
    return features.without(found).remarking(_left_out(found), *doubts) if found else features


def _doubt_of_unit(name: str, table: Sheet, latency_s: Floats) -> str | None:
    """Returns the remark on a rate per second whose product with the latencies in seconds is 1000 or the like in every row.

    It is what one call handles. None where a column says so many.
    """
    values = _positive(table.columns[name]) if is_rate_name(name) else None
    if values is None:
        return None
    products = values * latency_s
    middle = float(np.median(products))
    factor = next((one for one in (1e3, 1e6, 1e-3, 1e-6) if abs(middle / one - 1.0) < NEAR), None)
    if factor is None or float(np.quantile(np.abs(products / middle - 1.0), 0.9)) > NEAR:
        return None
    if any(all(number(text) == factor for text in set(texts)) for texts in table.columns.values()):
        return None
    return (
        f"the latencies in seconds times '{name}' are {factor:g} in every row. Where a call handles one sample, the "
        "latencies are in another unit than they are read in: say it with --unit."
    )


def _throttled_rows(name: str, table: Sheet) -> str | None:
    """Returns the remark on rows that a column says were measured on a throttled device."""
    texts = table.columns[name]
    rows = [i for i, text in enumerate(texts) if not _UNTHROTTLED.fullmatch(text.strip())]
    if words_of(name).isdisjoint(_THROTTLED) or not 0 < len(rows) < len(texts):
        return None
    return (
        f"{len(rows)} of {len(texts)} rows have '{name}' ({table.at(rows)}): latencies of a throttled device are not those "
        "that it has otherwise. Leave these rows out, or measure them again."
    )


def _is_spread_of_another(name: str, table: Sheet, features: Sheet) -> bool:
    """Whether a column gives the spread of columns of the table none of which is a feature."""
    what = spread_of(name)
    means = [one for one in table.columns if one != name and spread_of(one) is None and middle_of(one) == what]
    return what is not None and bool(means) and features.columns.keys().isdisjoint(means)


def _left_out(names: Sequence[str]) -> str:
    quoted = ", ".join(f"'{name}'" for name in names)
    column, what, one = ("columns", "results", "them features") if len(names) > 1 else ("column", "a result", "it a feature")
    return (
        f"{column} {quoted} left out: {what} of the measurement by name and numbers, which a new net does not have. "
        f"--keep {for_shell(*names)} makes {one}."
    )


def _is_of_tool(name: str, own: Collection[str]) -> bool:
    """Whether a column, or the one that it is an entry of, is one of the results that a tool writes."""
    return name in own or name.partition(".")[0] in own


def _is_measured(name: str, features: Sheet, latency_s: Floats, is_time: bool) -> bool:
    """Whether a column is named as a result is, and its numbers are those of one."""
    texts = features.columns[name]
    if not words_of(name).isdisjoint(_THROTTLED) and words_of(name).isdisjoint(_CHOSEN):
        return True
    is_count = _counts_runs(name) or "score" in words_of(name)
    if len(texts) < FEWEST_ROWS or not (is_count or _may_be_measured(f"{name}_s" if is_time else name)):
        return False
    values = _numbers(texts)
    if is_typical(name) and not words_of(name).isdisjoint(_PHYSICAL | _OBSERVED):  # nobody chooses a mean
        return not bool(np.isnan(values).any())
    is_held = values > 0
    if _names_state(name) and len(np.unique(values[~np.isnan(values)])) >= MOST_CHOSEN:
        return words_of(name).isdisjoint(_CLOCKS) or not _may_be_swept(values, len(texts))
    if not bool(np.all(values >= 0)) or 2 * int(is_held.sum()) < len(values):
        return False
    values, latency_s = values[is_held], latency_s[is_held]
    if np.ptp(values) == 0 or np.ptp(latency_s) == 0:
        return False
    falls = float(np.corrcoef(np.log(values), np.log(latency_s))[0, 1]) <= FALLS
    if is_count:
        return falls
    is_varied = len(np.unique(values)) >= DIFFERENT * len(np.unique(latency_s))
    return is_varied and (falls or 2 * sum(map(_has_more_digits, values)) >= len(values))


def _names_state(name: str) -> bool:
    """Whether a column is named as a state of the device is: ``gpu_temp``, ``sm_clock_mhz``, ``cpu_load``."""
    words = words_of(name)
    if "wall" in words:  # a wall clock tells the time
        return False
    return not words.isdisjoint(_OBSERVED) or (_LOAD in words and not words.isdisjoint(_LOADED))


def _may_be_swept(clocks: Floats, rows: int) -> bool:
    """Whether somebody may have set a clock to each of a few values far apart; NaN counts for nothing."""
    held = clocks[clocks > 0]
    return bool(len(held)) and float(held.max()) >= SWEPT * float(held.min()) and len(np.unique(held)) < DIFFERENT * rows


def _counts_runs(name: str) -> bool:
    """Whether a column is named as the number of runs that were timed: ``iterations``, ``num_runs``."""
    words = words_of(name)
    return not words.isdisjoint(_COUNTS) and words <= _COUNTS | _BESIDE_COUNTS


def _may_be_measured(name: str) -> bool:
    """Whether a column is named as a rate, an energy or the like, or as seconds are: ``prefill_s``, ``time_decode``."""
    words = words_of(name)
    if is_input_extent(name):
        return False
    if not words.isdisjoint(_MEMORY) and not words.isdisjoint(_IN_USE):
        return True
    is_named = is_rate_name(name) or split_unit(name)[1] is not None
    is_named = is_named or not words.isdisjoint(_PHYSICAL | TIMES) or _names_state(name)
    chosen = _CHOSEN - {"input"} if not words.isdisjoint(_THROUGHPUT) else _CHOSEN  # a rate of inputs may be offered
    return is_named and words.isdisjoint(chosen)


def _positive(texts: Iterable[str]) -> Floats | None:
    """Returns the numbers of a column; None where one is none, or not positive."""
    values = _numbers(texts)
    return values if bool(np.all(values > 0)) else None


def _numbers(texts: Iterable[str]) -> Floats:
    """Returns the numbers of a column; NaN for anything else."""
    values = np.array([math.nan if (value := number(text)) is None else value for text in texts], dtype=np.float64)
    return np.where(np.isfinite(values), values, math.nan)


def _has_more_digits(value: float) -> bool:
    return float(f"{value:.{DIGITS}g}") != value
