"""Predicted against measured: what a search by a cost model found is measured before it is believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hwcost.cost_models.base import CostModel
from hwcost.spaces.base import Architecture


@dataclass(frozen=True)
class Remeasured:
    """One winner.

    Attributes:
        architecture: Which.
        predicted_s: What the cost model says.
        low_s: Lower end of its 90 % interval; None when the model has none.
        high_s: Upper end, likewise.
        measured_s: What was measured; None when no visit was usable.
        measured_low_s: Lower end of the measurement's 95 % interval, or None.
        measured_high_s: Upper end, likewise.
    """

    architecture: Architecture
    predicted_s: float
    low_s: float | None
    high_s: float | None
    measured_s: float | None
    measured_low_s: float | None
    measured_high_s: float | None

    @property
    def error(self) -> float | None:
        """Predicted over measured, less one; None without a measurement."""
        return None if self.measured_s is None else self.predicted_s / self.measured_s - 1

    @property
    def holds(self) -> bool | None:
        """Whether the measurement lies in the prediction's interval; None when either is missing."""
        if self.measured_s is None or self.low_s is None or self.high_s is None:
            return None
        return self.low_s <= self.measured_s <= self.high_s

    def keeps(self, max_s: float) -> bool | None:
        """Says whether the measurement keeps a limit, as far as its interval can tell; None without a measurement."""
        if self.measured_s is None:
            return None
        return (self.measured_s if self.measured_low_s is None else self.measured_low_s) <= max_s


def remeasured(
    cost: CostModel, archs: Sequence[Architecture], measured: Sequence[tuple[float | None, float | None, float | None]]
) -> list[Remeasured]:
    """Puts measurements beside predictions.

    Args:
        cost: The cost model that the search went by.
        archs: n winners.
        measured: Seconds, and the ends of their interval, of each.
    """
    found = cost.predict(archs)
    lows = [None] * len(archs) if found.low_s is None else found.low_s.tolist()
    highs = [None] * len(archs) if found.high_s is None else found.high_s.tolist()
    rows = zip(archs, found.latency_s.tolist(), lows, highs, measured, strict=True)
    return [Remeasured(arch, seconds, low, high, *one) for arch, seconds, low, high, one in rows]
