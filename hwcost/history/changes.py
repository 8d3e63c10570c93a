"""Where a history of latencies changed: divisive estimation by energy distances, with a minimum effect.

The history is cut where the energy distance between both sides is largest, the sides are cut again, and so on, as long as a
t test on the two sides of a cut is significant at a generous level. Cuts that do not survive the wanted level, or change
the latency by less than the minimum effect, are then taken back one by one, the least of them first, because a cut that
hides a small second one often looks weak before its neighbour is known.

Values may count less than in full: those with wide intervals of their own. Means are weighted then. Distances are taken
between values that are drawn towards the mean of their stretch until all have one variance, so that nights that are vaguer
than others do not make a change by themselves.

Sources: D. S. Matteson and N. A. James, A nonparametric approach for multiple change point analysis of multivariate data,
JASA 2014 (statistic and bisection); M. Fleming et al., Hunter: Using change point detection to hunt for performance
regressions, ICPE 2023 (t test in place of permutations, weak cuts first); D. Siegmund, Confidence sets in change-point
problems, International Statistical Review 1988 (the range in which a change began).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.errors import UsageError

LEAST = math.log(1.03)
"""Least log ratio of both sides of a change: 3 %."""

P_VALUE = 4e-3
"""Level of the t test that a change must survive: a lower one tells a change of 5 % from a noise of 2 % only after the
fourth night, a higher one finds changes in more than 3 % of quiet histories of 60 nights."""

WEAK = 10.0
"""Factor by which a cut may miss the level while others are looked for."""

REGION = 7.35
"""Fall of twice the log likelihood at the edge of a 95 % region of a change's place: the root of
``(1 - exp(-x / 2))**2 = 0.95``, as a place has likelihoods on both sides to lose against."""

LEAST_NIGHTS = 2
"""Fewest values on either side of a change: a single one is an outlier until the next night."""

LEAST_EFFECTIVE = 1.8
"""Fewest values on either side of a change as their weights count them: what two count as of which one tells twice as much
as the other. No value makes a change nearly alone, and two vague ones may."""

ROUNDING = 1e-9
"""Relative error of sums of weights."""

FULL = 4
"""Values that count in full from which their own scatter is a bound on that of all."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a history.

    Attributes:
        at: Index of the first value after it.
        earliest: Least index at which it may have begun, by the values alone.
        latest: Largest such index.
        log_ratio: Log of the mean after it over the mean before it, up to the neighbouring changes.
        p: Two-sided p value of the t test on both sides.
    """

    at: int
    earliest: int
    latest: int
    log_ratio: float
    p: float

    @property
    def ratio(self) -> float:
        """Latency after the change over latency before it; above 1 it is slower."""
        return math.exp(self.log_ratio)


def effective(weights: Floats) -> float:
    """Returns how many values of equal weight tell as much about their mean as values of these weights, beside their sum.

    Args:
        weights: The weights, shape (n,); n where all are equal, 1 where one outweighs all others.

    Source: L. Kish, Survey Sampling, 1965 (effective sample size).
    """
    return float(weights.sum()) ** 2 / float((weights**2).sum())


class Stretch(NamedTuple):
    """Values that follow one another.

    Attributes:
        y: Log values, shape (n,).
        weight: Share of a full value that each counts as, shape (n,).
    """

    y: Floats
    weight: Floats

    def part(self, first: int, last: int) -> Stretch:
        """Returns the values from an index up to another."""
        return Stretch(self.y[first:last], self.weight[first:last])

    def sides(self, place: int) -> tuple[Stretch, Stretch]:
        """Returns the values before an index, and those from it on."""
        return self.part(0, place), self.part(place, len(self.y))

    @property
    def amount(self) -> float:
        """Number of full values that they count as."""
        return float(self.weight.sum())

    @property
    def mean(self) -> float:
        """Weighted mean."""
        return float((self.weight * self.y).sum()) / self.amount


def find_changes(
    log_values: Floats, weights: Floats | None = None, *, least: float = LEAST, p_value: float = P_VALUE
) -> tuple[Change, ...]:
    """Finds the changes of a history.

    Args:
        log_values: Log latencies in the order of their nights, shape (n,), without gaps.
        weights: Share of a full value that each counts as, above 0 and at most 1, shape (n,): the variance of a full value
            over its own; None for full ones.
        least: Least log ratio of a change.
        p_value: Level of the t test.

    Returns:
        The changes in order; empty for fewer than four values.

    Raises:
        UsageError: When a value is not finite, or a weight is out of bounds.
    """
    y = np.asarray(log_values, dtype=np.float64)
    weight = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)
    if not np.isfinite(y).all():
        at = int(np.flatnonzero(~np.isfinite(y))[0])
        raise UsageError(f"value {at} of the history is {y[at]}: leave nights without a latency out")
    if weight.shape != y.shape or not ((weight > 0) & (weight <= 1)).all():
        raise UsageError(f"expected {len(y)} weights above 0 and at most 1, got {weight.tolist()}")
    history = Stretch(y, weight)
    cuts = sorted(_cuts(history, 0, len(y), p_value * WEAK))
    return tuple(_judged(history, _lasting(history, cuts, least, p_value)))


def _cuts(history: Stretch, first: int, last: int, p_value: float) -> Iterator[int]:
    """Yields the cuts of a stretch of the history, divided again and again.

    Where the best cut leaves too little on a side, another one takes its place. Where there is none, vague values deviate
    that are too few to tell it, and the rest is searched without them.
    """
    if last - first < 2 * LEAST_NIGHTS:
        return
    stretch = history.part(first, last)
    energy = _energy(stretch)
    place = LEAST_NIGHTS + int(np.argmax(energy))
    if _p(*stretch.sides(place)) > p_value:
        return
    enough = _enough(stretch.weight)
    found = place if enough[place - LEAST_NIGHTS] else _instead(stretch, np.where(enough, energy, -np.inf), p_value)
    if found is not None:
        yield first + found
        place = found
    yield from _cuts(history, first, first + place, p_value)
    yield from _cuts(history, first + place, last, p_value)


def _instead(stretch: Stretch, energy: Floats, p_value: float) -> int | None:
    """Returns the best cut of some, where it is significant and rests on more than one value; None otherwise.

    Args:
        stretch: The values.
        energy: Energy distance of every cut that leaves two values or more on either side; minus infinity for excluded ones.
        p_value: Level of the test.
    """
    if not np.isfinite(energy).any():
        return None
    place = LEAST_NIGHTS + int(np.argmax(energy))
    before, after = stretch.sides(place)
    pairs = (before, after), (before, _weakened(after, before.mean)), (_weakened(before, after.mean), after)
    return place if all(_p(*pair) <= p_value for pair in pairs) else None


def _weakened(side: Stretch, other: float) -> Stretch:
    """Returns a side without the value that sets it off most from the mean of the other one."""
    pull = math.copysign(1.0, side.mean - other) * side.weight * (side.y - other)
    keep = np.arange(len(pull)) != int(np.argmax(pull))
    return Stretch(side.y[keep], side.weight[keep])


def _enough(weight: Floats) -> NDArray[np.bool_]:
    """Returns whether both sides of every cut that leaves two values or more on either tell enough."""
    places = range(LEAST_NIGHTS, len(weight) - LEAST_NIGHTS + 1)
    counts = [min(effective(weight[:place]), effective(weight[place:])) for place in places]
    return np.array(counts) >= LEAST_EFFECTIVE - ROUNDING


def _energy(stretch: Stretch) -> Floats:
    """Returns the scaled energy distance between both sides of every cut that leaves two values or more on either."""
    z = stretch.mean + np.sqrt(stretch.weight) * (stretch.y - stretch.mean)
    n = len(z)
    places = np.arange(LEAST_NIGHTS, n - LEAST_NIGHTS + 1)
    sums = np.zeros((n + 1, n + 1))  # of the distances between all values before two indices
    sums[1:, 1:] = np.abs(z[:, None] - z).cumsum(0).cumsum(1)
    before, after = places.astype(float), (n - places).astype(float)
    left, between = sums[places, places], sums[places, n] - sums[places, places]
    right = sums[n, n] - left - 2 * between
    distance = 2 * between / (before * after) - left / (before * (before - 1)) - right / (after * (after - 1))
    return np.asarray(before * after / (before + after) * distance)


def _lasting(history: Stretch, cuts: list[int], least: float, p_value: float) -> list[int]:
    """Takes back the cuts that do not last, the weakest first."""
    while cuts:
        sides = [_sides(history, cuts, k) for k in range(len(cuts))]
        p = np.array([_p(*both) for both in sides])
        size = np.array([abs(after.mean - before.mean) for before, after in sides])
        if (p > p_value).any():
            del cuts[int(np.argmax(p))]
        elif (size < least).any():
            del cuts[int(np.argmin(size))]
        else:
            break
    return cuts


def _sides(history: Stretch, cuts: Sequence[int], k: int) -> tuple[Stretch, Stretch]:
    edges = [0, *cuts, len(history.y)]
    return history.part(edges[k], edges[k + 1]), history.part(edges[k + 1], edges[k + 2])


def _judged(history: Stretch, cuts: list[int]) -> Iterator[Change]:
    edges = [0, *cuts, len(history.y)]
    for k, cut in enumerate(cuts):
        before, after = _sides(history, cuts, k)
        earliest, latest = _range(history.part(edges[k], edges[k + 2]), cut - edges[k])
        yield Change(cut, edges[k] + earliest, edges[k] + latest, after.mean - before.mean, _p(before, after))


def _range(stretch: Stretch, cut: int) -> tuple[int, int]:
    """Returns the least and largest index of the cuts whose likelihood is within a 95 % region of the best one's."""
    y, weight = stretch
    places = np.arange(1, len(y))
    total = np.cumsum(weight * (y - stretch.mean))[:-1]
    before = np.cumsum(weight)[:-1]
    gain = total**2 * stretch.amount / (before * (stretch.amount - before))
    rest = max(float((weight * (y - stretch.mean) ** 2).sum()) - float(gain[cut - 1]), 1e-300)
    near = places[gain >= gain[cut - 1] - rest * math.expm1(REGION / stretch.amount)]
    return int(near.min()), int(near.max())


def _p(before: Stretch, after: Stretch) -> float:
    """Returns the two-sided p value of Student's t test on two sides with one variance; 0 where only the mean varies."""
    from scipy import special

    difference = after.mean - before.mean
    variance, dof = variance_of([before, after])
    if variance <= 0.0:
        return 0.0 if difference else 1.0
    t = abs(difference) / math.sqrt(variance * (1 / before.amount + 1 / after.amount))
    return float(2.0 * special.stdtr(dof, -t))


def variance_of(parts: Sequence[Stretch]) -> tuple[float, int]:
    """Returns the variance of a full value about the means of some parts of a history, and its degrees of freedom.

    It is that of all values by their weights, or that of the full ones alone where that is larger: intervals may be wider
    than the errors are, and values that lie closer together than they say must not make the others look sure.

    Args:
        parts: The parts, none of them empty.
    """
    rest = np.concatenate([part.y - part.mean for part in parts])
    weight = np.concatenate([part.weight for part in parts])
    dof = max(1, len(rest) - len(parts))
    variance = float((weight * rest**2).sum()) / dof
    full = rest[weight >= 1.0]
    if FULL <= len(full) < len(rest):
        of_full = max(1, len(full) - len(parts))
        if float((full**2).sum()) / of_full > variance:
            return float((full**2).sum()) / of_full, of_full
    return variance, dof
