"""Cuts of a history by divisive estimation: where the energy distance between both sides is largest, again and again.

Distances are taken between values that are drawn towards the mean of their stretch until all have one variance, so that
nights that are vaguer than others do not make a change by themselves.

Source: D. S. Matteson and N. A. James, A nonparametric approach for multiple change point analysis of multivariate data,
JASA 2014 (statistic and bisection).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.history.stretch import Stretch
from hwcost.history.sums import Sums, p_of

__all__ = ["LEAST_NIGHTS", "cuts_of", "has_enough"]

LEAST_NIGHTS = 2
"""Fewest values on either side of a cut: a single one is an outlier until the next night."""

LEAST_EFFECTIVE = 1.8
"""Fewest values on either side of a cut as their weights count them: what two count as of which one tells twice as much as
the other. No value makes a change nearly alone, and two vague ones may. A side of less than that makes one where the cut is
significant without its strongest value too."""

ROUNDING = 1e-9
"""Relative error of sums of weights."""


def cuts_of(sums: Sums, first: int, last: int, p_value: float) -> Iterator[int]:
    """Yields the cuts of a stretch of the history, divided again and again, in no order.

    Where the best cut leaves too little on a side, another one takes its place. Where there is none, vague values deviate
    that are too few to tell it, and the rest is searched without them.

    Args:
        sums: Sums of the history.
        first: Index of the first value of the stretch.
        last: Index of the first value behind it.
        p_value: Level of the t test that a cut must survive.
    """
    if last - first < 2 * LEAST_NIGHTS:
        return
    stretch = sums.history.part(first, last)
    energy = _energy(stretch)
    place = LEAST_NIGHTS + int(np.argmax(energy))
    if sums.p(first, first + place, last) > p_value:
        return
    found: int | None = place
    if not sums.is_full:
        enough = has_enough(stretch.weight)
        is_told = enough[place - LEAST_NIGHTS] or _rests_on_several(stretch, place, p_value)
        found = place if is_told else _instead(stretch, np.where(enough, energy, -np.inf), p_value)
    if found is not None:
        yield first + found
        place = found
    yield from cuts_of(sums, first, first + place, p_value)
    yield from cuts_of(sums, first + place, last, p_value)


def has_enough(weight: Floats) -> NDArray[np.bool_]:
    """Returns whether both sides of every cut that leaves two values or more on either tell enough, shape (n - 3,).

    Args:
        weight: Share of a full value that each counts as, shape (n,).
    """
    before, after = _effective_up_to_each(weight), _effective_up_to_each(weight[::-1])[::-1]
    counts = np.minimum(before[:-1], after[1:])[LEAST_NIGHTS - 1 : len(weight) - LEAST_NIGHTS]
    return np.asarray(counts >= LEAST_EFFECTIVE - ROUNDING)


def _effective_up_to_each(weight: Floats) -> Floats:
    """Returns for each value what it and all before it count as (:func:`hwcost.history.stretch.effective`), shape (n,)."""
    return np.asarray(weight.cumsum() ** 2 / (weight**2).cumsum())


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
    return place if _rests_on_several(stretch, place, p_value) else None


def _rests_on_several(stretch: Stretch, place: int, p_value: float) -> bool:
    """Says whether a cut is significant, and stays so without the value of either side that makes most of it."""
    before, after = stretch.sides(place)
    pairs = (before, after), (before, _weakened(after, before.mean)), (_weakened(before, after.mean), after)
    return all(p_of(*pair) <= p_value for pair in pairs)


def _weakened(side: Stretch, other: float) -> Stretch:
    """Returns a side without the value that sets it off most from the mean of the other one."""
    pull = math.copysign(1.0, side.mean - other) * side.weight * (side.y - other)
    keep = np.arange(len(pull)) != int(np.argmax(pull))
    return Stretch(side.y[keep], side.weight[keep])


def _energy(stretch: Stretch) -> Floats:
    """Returns the scaled energy distance between both sides of every cut that leaves two values or more on either."""
    mean = stretch.mean
    z = mean + np.sqrt(stretch.weight) * (stretch.y - mean)
    factors, earlier = _factors(len(z))
    distances = np.subtract.outer(z, z)
    np.abs(distances, out=distances)
    to_all = np.add.reduce(distances, axis=1).cumsum()  # of distances from the values up to each to all
    distances *= earlier
    within = 2 * np.add.reduce(distances, axis=1).cumsum()  # among the values up to each
    places = slice(LEAST_NIGHTS - 1, len(z) - LEAST_NIGHTS)
    left, between = within[places], (to_all - within)[places]
    right = to_all[-1] - left - 2 * between
    return np.asarray(factors[0] * between - factors[1] * left - factors[2] * right)


@lru_cache(maxsize=256)
def _factors(n: int) -> tuple[Floats, Floats]:
    """Returns the factors of the distances between, before and after every cut, and 1 for pairs in order, 0 for others.

    Returns:
        Factors, shape (3, n - 3), and a lower triangle, shape (n, n).
    """
    before = np.arange(1.0, n)[LEAST_NIGHTS - 1 : n - LEAST_NIGHTS]
    after = n - before
    factors = np.stack([2 / (before * after), 1 / (before * (before - 1)), 1 / (after * (after - 1))])
    return factors * before * after / n, np.tri(n)
