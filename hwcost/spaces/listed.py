"""Draws from a space that is listed whole: without replacement, and whatever there is can be had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwcost.errors import UsageError
from hwcost.spaces.points import Architecture

if TYPE_CHECKING:
    from hwcost.spaces.base import Design, SearchSpace

Numbers = NDArray[np.intp]


def from_list(
    space: SearchSpace, n: int, rng: np.random.Generator, design: Design, params: tuple[float, float] | None
) -> list[Architecture]:
    """See :meth:`hwcost.spaces.base.SearchSpace.sample`; the space has components, so that parameters are counted.

    Raises:
        UsageError: When it has fewer architectures, or fewer within the range.
    """
    archs = list(space.architectures())
    counts = np.array([space.params(arch) for arch in archs])
    lo, hi = params or (counts.min(), counts.max())
    rows = np.flatnonzero((counts >= lo) & (counts <= hi))
    if len(rows) < n:
        raise UsageError(
            f"space '{space.name}' holds {len(rows)} architectures with {lo:g} to {hi:g} parameters, {n} were asked for; "
            f"it reaches from {counts.min()} to {counts.max()}"
        )
    if design == "uniform":
        return [archs[i] for i in rng.permutation(rows)[:n]]
    return [archs[i] for i in spread(rows, counts[rows], np.linspace(lo, hi, n + 1), rng)]


def spread(rows: Numbers, counts: NDArray[Any], edges: NDArray[np.float64], rng: np.random.Generator) -> list[int]:
    """Draws one row from each stratum; a stratum without any takes in its neighbours, on both sides alike.

    Args:
        rows: Numbers of the rows to draw from, ascending; at least as many as there are strata.
        counts: Count of each, between the first edge and the last.
        edges: Edges of the strata, ascending; a count on an edge lies in both strata.
        rng: Source of chance.
    """
    order = np.argsort(counts, kind="stable")
    ordered, last = counts[order], len(edges) - 2
    first_of = np.clip(np.searchsorted(edges, ordered, "left") - 1, 0, last)
    last_of = np.clip(np.searchsorted(edges, ordered, "right") - 1, 0, last)
    is_free, nearest = np.ones(len(rows), dtype=bool), _Nearest(len(rows))
    chosen = []
    for stratum in range(last + 1):
        place = int(np.searchsorted(ordered, edges[stratum]))
        below, above = nearest.at(place)
        gaps = [stratum - int(last_of[below])] if below >= 0 else []
        gaps += [int(first_of[above]) - stratum] if above < len(rows) else []
        wider = max(0, min(gaps))
        begin, end = np.searchsorted(last_of, stratum - wider), np.searchsorted(first_of, stratum + wider, "right")
        near = np.sort(order[begin:end][is_free[begin:end]])
        taken = int(rng.choice(near))
        chosen.append(int(rows[taken]))
        where = int(begin) + int(np.flatnonzero(order[begin:end] == taken)[0])
        is_free[where] = False
        nearest.take(where)
    return chosen


class _Nearest:
    """Which of n places in a row are free yet, asked by the nearest one on either side."""

    def __init__(self, n: int) -> None:
        self._below, self._above = list(range(n + 1)), list(range(n + 1))

    def at(self, place: int) -> tuple[int, int]:
        """Returns the nearest free place before this one, or -1, and the nearest from it on, or n."""
        return _end(self._below, place) - 1, _end(self._above, place)

    def take(self, place: int) -> None:
        """Takes a place."""
        self._above[place] = place + 1
        self._below[place + 1] = place


def _end(after: list[int], place: int) -> int:
    """Follows places that are taken to one that is free; what it passes leads there more directly from then on."""
    while after[place] != place:
        after[place] = after[after[place]]
        place = after[place]
    return place
