"""Prices of components that agree with the measurements and are positive, as every price is.

A price whose interval holds zero is replaced by its mean under the condition that it lies between zero and what the whole
call took; one whose interval is positive stays as it is, unless the overhead moves. A component of one depth and the
overhead are known by their sum: where the one must be larger, the other is smaller, and so is what was taken off all others.
The sum over a model then stays what was measured.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from hwcost.campaign.components.slopes import ComponentTable, Fit, Z
from hwcost.errors import DataError
from hwcost.units import format_seconds

CONSISTENT = 3.0
"""Standard errors below zero up to which a price may still be a positive one with noise."""

NOTABLE = 0.01
"""A price that changes by more than this share of itself, or of its half-width, is reported."""


@dataclass(frozen=True, slots=True)
class Shrunk:
    """A price that was moved.

    Attributes:
        measured_s: Measured price.
        low_s: Lower end of its 95 % interval.
        high_s: Upper end.
        used_s: The price that is used.
    """

    measured_s: float
    low_s: float
    high_s: float
    used_s: float


@dataclass(frozen=True, slots=True)
class PositivePrices:
    """Positive prices.

    Attributes:
        costs_s: Seconds per copy, by the component's name.
        overhead_s: Seconds that a call takes beside its components.
        shrunk: The prices that were moved, by the component's name.
    """

    costs_s: dict[str, float]
    overhead_s: float
    shrunk: dict[str, Shrunk]


def described(name: str, fit: Fit) -> str:
    """Returns a component's price and its interval for a sentence."""
    price = f"{name} {format_seconds(fit.cost_s, 4)}"
    if fit.interval_s is None:
        return f"{price} (no interval)"
    low, high = (format_seconds(end) for end in fit.interval_s)
    return f"{price} (95 % interval {low} to {high})"


def positive_prices(table: ComponentTable, names: Collection[str]) -> PositivePrices:
    """Returns positive prices.

    Args:
        table: Measured prices.
        names: Names of the components that are wanted.

    Raises:
        DataError: When a wanted price is negative beyond its noise, or negative without an interval; names each.
    """
    fits = {name: fit for name, fit in table.fits.items() if name in names}
    lost = [described(name, fit) for name, fit in fits.items() if _is_lost(fit)]
    if lost:
        raise DataError(
            f"no positive price agrees with what was measured: {', '.join(lost)}. Measure the components again on a quieter "
            "machine or with more rounds, or fit a cost model on whole architectures."
        )
    costs_s, overhead_s = _without_overhead(fits, table)
    lines = {name: fit for name, fit in fits.items() if len(fit.depths) > 1}
    costs_s |= {name: _truncated(fit.cost_s, fit.half_width_s, fit.most_s)[0] for name, fit in lines.items()}
    moved = {name: _moved(fit, costs_s[name]) for name, fit in fits.items()}
    return PositivePrices(costs_s, overhead_s, {name: one for name, one in moved.items() if one is not None})


def _is_lost(fit: Fit) -> bool:
    if fit.cost_s > 0:
        return False
    return not fit.half_width_s or fit.cost_s < -CONSISTENT * fit.half_width_s / Z


def _without_overhead(fits: dict[str, Fit], table: ComponentTable) -> tuple[dict[str, float], float]:
    """Prices the components of one depth: one after another, the least certain first, each moving the overhead."""
    points = {name: fit for name, fit in fits.items() if len(fit.depths) == 1}
    overhead_s, variance = table.overhead_s, ((table.overhead_half_s or 0.0) / Z) ** 2
    wholes = {name: fit.cost_s * fit.depths[0] + overhead_s for name, fit in points.items()}
    for name in sorted(points, key=lambda name: _certainty(points[name])):
        fit = points[name]
        depth, half_s = fit.depths[0], fit.half_width_s
        if not half_s:
            continue
        own = max(0.0, (half_s * depth / Z) ** 2 - ((table.overhead_half_s or 0.0) / Z) ** 2)
        total = own + variance
        price_s = wholes[name] - overhead_s
        mean_s, left = _truncated(price_s, Z * math.sqrt(total), fit.most_s * depth)
        share = variance / total
        overhead_s -= share * (mean_s - price_s)
        wholes[name] += (1.0 - share) * (mean_s - price_s)
        variance -= share * variance * (1.0 - left)
    return {name: (wholes[name] - overhead_s) / fit.depths[0] for name, fit in points.items()}, overhead_s


def _certainty(fit: Fit) -> float:
    """Returns the price in half-widths; infinite for one that is exact."""
    return fit.cost_s / fit.half_width_s if fit.half_width_s else math.inf


def _truncated(price_s: float, half_s: float | None, most_s: float) -> tuple[float, float]:
    """Returns the mean of a price between zero and the most that it can be, and the share of its variance that is left.

    A price whose interval is positive stays as it is.
    """
    if not half_s or price_s > half_s:
        return price_s, 1.0
    from scipy import stats

    sd = half_s / Z
    left = stats.truncnorm(-price_s / sd, (most_s - price_s) / sd)
    return price_s + sd * float(left.mean()), float(left.var())


def _moved(fit: Fit, used_s: float) -> Shrunk | None:
    if fit.interval_s is None or abs(used_s - fit.cost_s) <= NOTABLE * max(abs(fit.cost_s), fit.half_width_s or 0.0):
        return None
    return Shrunk(fit.cost_s, *fit.interval_s, used_s)
