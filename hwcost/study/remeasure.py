"""Predicted against measured: what a search by a cost model found is measured before it is believed.

The machine may have become faster or slower since the model's rows were measured, which is not an error of the model. So
some of those rows are measured again beside the winners, as anchors that link the two campaigns: the mean of their log
ratios is the level of the machine now, and predictions and constraints are compared with the latencies of the winners at the
model's level.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hwcost.cost_models.base import CostModel
from hwcost.spaces.base import Architecture

__all__ = ["ANCHORS", "Interval", "Level", "Remeasured", "anchors", "level_of", "remeasured"]

ANCHORS = 8
"""Rows of the model that are measured again."""
LEAST_ANCHORS = 3
"""Fewest anchors that give a level with a useful interval."""

Interval = tuple[float | None, float | None, float | None]
"""Seconds, and both ends of their 95 % interval; None where one is unknown."""


@dataclass(frozen=True)
class Level:
    """The machine's slowness now, relative to the time when a cost model's rows were measured.

    Attributes:
        ratio: Latency now over latency then.
        half_width: Half-width of the 95 % interval of its logarithm.
        anchors: Number of architectures that it was found by.
    """

    ratio: float
    half_width: float
    anchors: int

    @property
    def low(self) -> float:
        """Lower end of the ratio's 95 % interval."""
        return self.ratio / math.exp(self.half_width)

    @property
    def high(self) -> float:
        """Upper end, likewise."""
        return self.ratio * math.exp(self.half_width)

    def plain(self) -> dict[str, float]:
        """Returns ratio, ends of its interval, and number of anchors, as plain JSON."""
        return {"ratio": self.ratio, "low": self.low, "high": self.high, "anchors": self.anchors}

    def undone(self, measured: Interval) -> Interval:
        """Returns a measurement as it would have been on the model's level; its interval holds the level's too."""
        seconds, low, high = measured
        if seconds is None:
            return None, None, None
        at = seconds / self.ratio
        if low is None or high is None:
            return at, None, None
        below, above = (math.hypot(math.log(ratio), self.half_width) for ratio in (seconds / low, high / seconds))
        return at, at / math.exp(below), at * math.exp(above)


@dataclass(frozen=True)
class Remeasured:
    """One winner.

    Attributes:
        architecture: The winner.
        predicted_s: Prediction of the cost model.
        low_s: Lower end of its 90 % interval; None when the model has none.
        high_s: Upper end, likewise.
        measured_s: Measured latency; None when no visit was usable.
        measured_low_s: Lower end of the measurement's 95 % interval, or None.
        measured_high_s: Upper end, likewise.
        level: Level of the machine when it was measured; None when it is unknown.
    """

    architecture: Architecture
    predicted_s: float
    low_s: float | None
    high_s: float | None
    measured_s: float | None
    measured_low_s: float | None
    measured_high_s: float | None
    level: Level | None = None

    @property
    def at_level(self) -> Interval:
        """The measurement as it would have been on the model's level; as it is where the level is not known."""
        found = self.measured_s, self.measured_low_s, self.measured_high_s
        return found if self.level is None else self.level.undone(found)

    @property
    def error(self) -> float | None:
        """Predicted over measured on the model's level, less one; None without a measurement."""
        seconds = self.at_level[0]
        return None if seconds is None else self.predicted_s / seconds - 1

    @property
    def holds(self) -> bool | None:
        """Whether the measurement lies in the prediction's interval; None when either is missing."""
        seconds = self.at_level[0]
        if seconds is None or self.low_s is None or self.high_s is None:
            return None
        return self.low_s <= seconds <= self.high_s

    def keeps(self, max_s: float) -> bool | None:
        """Says whether the whole interval of the measurement is within a bound; None without an interval."""
        high = self.at_level[2]
        return None if high is None else high <= max_s


def anchors(cost: CostModel, count: int = ANCHORS) -> list[Architecture]:
    """Returns architectures that a cost model was fitted on, evenly spread over their latencies; none where it kept none.

    Args:
        cost: The cost model.
        count: Largest number of architectures.
    """
    by_latency = sorted(cost.measured_, key=cost.measured_.__getitem__)
    places = np.unique(np.linspace(0, len(by_latency) - 1, min(count, len(by_latency))).round().astype(int))
    return [cost.space.architecture(by_latency[place]) for place in places]


def level_of(cost: CostModel, archs: Sequence[Architecture], measured: Sequence[Interval]) -> Level | None:
    """Finds the level of the machine by architectures that a cost model was fitted on and that were measured again.

    Args:
        cost: The cost model.
        archs: Anchors, see :func:`anchors`. No winners: those were chosen for having been measured fast.
        measured: Seconds and the ends of their interval, for each.

    Returns:
        The level; None when fewer than three could be compared.
    """
    from scipy import stats

    pairs = [(cost.measured_.get(arch.genes), now[0]) for arch, now in zip(archs, measured, strict=True)]
    moved = np.array([math.log(now / then) for then, now in pairs if then is not None and now is not None])
    if len(moved) < LEAST_ANCHORS:
        return None
    error = float(moved.std(ddof=1)) / math.sqrt(len(moved))
    return Level(math.exp(float(moved.mean())), float(stats.t.ppf(0.975, len(moved) - 1)) * error, len(moved))


def remeasured(
    cost: CostModel, archs: Sequence[Architecture], measured: Sequence[Interval], level: Level | None = None
) -> list[Remeasured]:
    """Puts measurements beside predictions.

    Args:
        cost: Cost model of the search.
        archs: n winners.
        measured: Seconds and the ends of their interval, for each.
        level: Level of the machine meanwhile; None takes the measurements as they are.
    """
    found = cost.predict(archs)
    lows, highs = ([None if math.isnan(one) else one for one in side.tolist()] for side in (found.low_s, found.high_s))
    rows = zip(archs, found.latency_s.tolist(), lows, highs, measured, strict=True)
    return [Remeasured(arch, seconds, low, high, *one, level) for arch, seconds, low, high, one in rows]
