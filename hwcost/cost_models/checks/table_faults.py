"""Faults for which a table is refused before anything is fitted: mixed units, leaked answers, rates in place of latencies.

A fit on such a table looks good and is wrong. An audit reports the same faults, with the rows and columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hwcost._types import Floats
from hwcost.cost_models.checks.direction import wrong_way
from hwcost.cost_models.checks.leaks import leaked_columns
from hwcost.cost_models.checks.unit_faults import UnitFault, unit_faults
from hwcost.cost_models.features.extractor import shared_features
from hwcost.errors import DataError
from hwcost.exchange.sheet import for_shell, places

if TYPE_CHECKING:
    from hwcost.cost_models.data import Data
    from hwcost.timing.measurement import Flag

MIXED_UNITS, LEAKED_ANSWER, REVERSED, LEVEL = "E_UNIT", "E_LEAK", "E_REVERSED", "E_LEVEL"
"""Stable codes of the faults that a fit refuses."""

FEWEST_SAME = 5
"""Rows with one latency from which that is not chance."""

LARGEST_LEVEL_RANGE = 4.5
"""Highest over lowest level beyond which it was not the machine: one that moves by 60 % either way spans a factor of 4."""

UNITS = {1000: ("milliseconds", "seconds"), 60: ("seconds", "minutes"), 3600: ("seconds", "hours")}
UNITS |= {10**6: ("microseconds", "seconds"), 10**9: ("nanoseconds", "seconds")}
"""Factor to the unit of the larger numbers and that of the smaller ones."""


@dataclass(frozen=True)
class TableFault:
    """Why a table cannot be fitted.

    Attributes:
        flag: Finding with a stable code, and what to do.
        rows: Row numbers from 0 in ascending order, where single rows are at fault.
        column: The column at fault; None where it is not one.
        factor: Latency of the rows over that of the others, where it is known.
    """

    flag: Flag
    rows: tuple[int, ...] = ()
    column: str | None = None
    factor: float | None = None


def table_faults(data: Data) -> list[TableFault]:
    """Looks for faults in the rows of a table; a campaign's measurements have none of these kinds.

    Args:
        data: The rows, in the order of the file; columns in ``kept`` are not doubted.
    """
    if not data.is_ordered:
        return []
    features = shared_features(data.space, **data.shape)
    faults = [*_mixed_units(data, unit_faults(features, data.genes, data.values))]
    repaired_s = repaired(data.values, faults)
    leaks = leaked_columns(features, data.genes, repaired_s, data.kept)
    faults += [_leak(leak.column, leak.how) for leak in leaks]
    wrong = wrong_way(features, data.genes, repaired_s, data.kept.union(leak.column for leak in leaks))
    return faults if wrong is None else [*faults, _reversed(wrong)]


def refuse_faults(data: Data) -> None:
    """Refuses a table with faults, and one whose latencies are all the same.

    Raises:
        DataError: When there is one; the message lists all of them.
    """
    if data.is_ordered and len(data) >= FEWEST_SAME and np.ptp(data.values) == 0:
        raise DataError(
            f"{data.source}: all {len(data)} rows have the same latency, {data.values[0]:g} s, so they say nothing about "
            "architectures. Was the configuration really applied to the model that ran?"
        )
    faults = table_faults(data)
    if faults:
        raise DataError("\n".join(f"{data.source}: {fault.flag.text} {fault.flag.remedy}" for fault in faults))


def repaired(latency_s: Floats, faults: Sequence[TableFault]) -> Floats:
    """Returns latencies (n,) with the rows in another unit brought to that of the others."""
    seconds = np.array(latency_s, dtype=np.float64)
    for fault in faults:
        if fault.flag.code == MIXED_UNITS and fault.factor is not None:
            seconds[list(fault.rows)] /= fault.factor
    return seconds


def level_fault(data: Data, rows: np.ndarray[tuple[int], np.dtype[np.intp]], log_level: Floats) -> TableFault | None:
    """Judges a level that was estimated from some rows of a table; None where a machine could have moved so far.

    Args:
        data: The table.
        rows: Row numbers, shape (n,).
        log_level: Log level at each of them, shape (n,).
    """
    factor = float(np.exp(np.ptp(log_level))) if len(log_level) else 1.0
    if factor <= LARGEST_LEVEL_RANGE:
        return None
    far = np.abs(log_level - np.median(log_level)) > np.log(LARGEST_LEVEL_RANGE) / 2
    found = tuple(sorted(rows[far].tolist()))
    text = (
        f"stretches of rows differ by a factor of {factor:.3g} that the architectures do not explain: "
        f"{numbered(data, found)} are furthest from the others. No machine's speed moves so far; more likely these rows "
        "were measured at another setting (batch size, threads, precision) or are in another unit."
    )
    remedy = "Correct or delete these rows, give the setting as a column, or take the rows as they stand with --drift none."
    return TableFault(_flag(LEVEL, text, remedy), found, None, None)


def _flag(code: str, text: str, remedy: str) -> Flag:
    from hwcost.timing.measurement import Flag  # whose modules a table without faults has no use for

    return Flag(code, text, remedy)


def _mixed_units(data: Data, found: Sequence[UnitFault]) -> Iterator[TableFault]:
    for one in found:
        rows = tuple(one.rows.tolist())
        large = one.factor > 1
        size = round(one.factor if large else 1.0 / one.factor)
        larger, smaller = UNITS.get(size, ("a smaller unit", "a larger one"))
        unit, others = (larger, smaller) if large else (smaller, larger)
        times = f"{size:,} times" if large else f"1/{size:,} of"
        text = (
            f"{len(rows)} of {len(data)} rows look{'s' if len(rows) == 1 else ''} like {unit} among {others}: the latency "
            f"of {numbered(data, rows)} is about {times} what the other rows predict."
        )
        remedy = (
            "Give all latencies in one unit; or, where two kinds of measurement truly differ so much, give a column that "
            "names the kind."
        )
        yield TableFault(_flag(MIXED_UNITS, text, remedy), rows, None, one.factor)


def _leak(column: str, how: str) -> TableFault:
    text = (
        f"the column '{column}' gives the answer away: it is {how}. A new architecture has no such value before it is "
        "measured."
    )
    remedy = f"Leave it out with --drop {for_shell(column)}, or keep it as a feature with --keep {for_shell(column)}."
    return TableFault(_flag(LEAKED_ANSWER, text, remedy), (), column)


def _reversed(share: float) -> TableFault:
    text = (
        f"larger architectures have shorter latencies: {100 * share:.0f} % of the effect of their sizes points that way. "
        "Are these rates (per second) rather than seconds?"
    )
    remedy = (
        "Give the latency in seconds, for example one over the rate; where larger ones truly are faster, name these columns "
        "with --keep."
    )
    return TableFault(_flag(REVERSED, text, remedy))


def numbered(data: Data, rows: Sequence[int]) -> str:
    """Returns the numbers of rows, and those of their lines in the file where they are known."""
    said = places("row", rows)
    if data.place == "row" or not data.lines:
        return f"{said}, counted from 0,"
    return f"{said} ({data.at(rows)})"
