"""How well the two runs of a pair agree, and whether the stated intervals say so."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from peer_tools.asked import Found, Reading
from peer_tools.runs import Run


@dataclass(frozen=True)
class Agreement:
    """Figures of a tool over pairs of runs; differences and half-widths are relative, shares are of all nets of all pairs.

    Attributes:
        pairs: Number of pairs.
        median: Median of the differences between the latencies of both runs; NaN without any, as for all figures.
        p95: 95th percentile of the differences.
        apart: Median of the differences less what all nets of a pair share: the machine's own level moves from run to run.
        apart_p95: 95th percentile of these.
        half_width: Median of the stated half-widths, in which a number without an interval counts as infinitely wide; None
            for a tool that states none.
        held: Share of nets whose difference lies within both half-widths together; None for a tool that states none.
        warned: Share of numbers that came with a warning of the tool's own.
        without: Share of nets that lack a number in one of the runs.
        unbounded: Share of numbers without an interval; None for a tool that states none.
        seconds: Median of the seconds of a run.
    """

    pairs: int
    median: float
    p95: float
    apart: float
    apart_p95: float
    half_width: float | None
    held: float | None
    warned: float
    without: float
    unbounded: float | None
    seconds: float


def agreement(pairs: Sequence[tuple[Run, Run]]) -> Agreement:
    """Returns the figures of a tool over its pairs of runs."""
    runs = [run for pair in pairs for run in pair]
    both = [two for a, b in pairs for two in compared(a.found, b.found)]
    differences = [difference(a, b) for a, b in both]
    without_level = [one for a, b in pairs for one in apart(a.found, b.found)]
    stated = [one.half_width for run in runs for one in run.found.readings.values()]
    halves = [math.inf if one is None else one for one in stated] if any(one is not None for one in stated) else []
    nets = sum(a.piece.nets for a, _ in pairs)
    return Agreement(
        len(pairs),
        float(np.median(differences)) if both else math.nan,
        float(np.quantile(differences, 0.95)) if both else math.nan,
        float(np.median(without_level)) if both else math.nan,
        float(np.quantile(without_level, 0.95)) if both else math.nan,
        statistics.median(halves) if halves else None,
        sum(is_held(a, b) for a, b in both) / nets if halves else None,
        sum(len(run.found.warned) for run in runs) / (2 * nets),
        1 - len(both) / nets,
        halves.count(math.inf) / len(halves) if halves else None,
        statistics.median(run.seconds for run in runs),
    )


def compared(a: Found, b: Found) -> list[tuple[Reading, Reading]]:
    """Returns the readings of the nets that have a number in both runs."""
    return [(one, b.readings[key]) for key, one in a.readings.items() if key in b.readings]


def difference(a: Reading, b: Reading) -> float:
    """Returns the absolute difference of log latency: relative, and the same whichever run comes first."""
    return abs(math.log(b.latency_s / a.latency_s))


def apart(a: Found, b: Found) -> list[float]:
    """Returns the absolute differences of log latency, less their median: of nets against each other."""
    found = [math.log(two.latency_s / one.latency_s) for one, two in compared(a, b)]
    common = statistics.median(found) if found else 0.0
    return [abs(one - common) for one in found]


def is_held(a: Reading, b: Reading) -> bool:
    """Says whether the difference lies within both half-widths together; not so where one of them is missing."""
    if a.half_width is None or b.half_width is None:
        return False
    return difference(a, b) <= math.hypot(a.half_width, b.half_width)
