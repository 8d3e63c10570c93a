"""Draws of codes whose sum over layers lies within bounds, in spaces whose depth is a gene.

Partial nets are counted layer by layer, on a grid of sums, by the link of the last layer; a net of each depth ends where its
layers do. So all depths share one dynamic programming. Nets are drawn as often as uniform draws of all genes would come upon
them, were those outside the bounds left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Codes, Floats, Indices
from hwcost.objectives.constraint import Constraint
from hwcost.searchers.layer_sums import LayerSums, layer_sums
from hwcost.searchers.sum_draws import TINY, SumDraws, choice, ends_of
from hwcost.spaces.base import SearchSpace


class _Layer(NamedTuple):
    """A layer's sums on the grid.

    Attributes:
        pairs: Steps that a link adds beside the link before, shape (links before, links).
        steps: The different steps that points add, by their link, shape (links, most of a link).
        shares: Share of all points of the layer that add them, likewise; 0 beyond a link's.
        points: Numbers of the points that add a step, by link and step.
    """

    pairs: Indices
    steps: Indices
    shares: Floats
    points: list[list[Indices]]


class LayerDraws(SumDraws):
    """Codes of nets whose sum over layers lies within bounds.

    Args:
        sums: The sum.
        low: Least sum that is allowed.
        high: Largest sum that is allowed.
    """

    steps = 2**16

    def __init__(self, sums: LayerSums, low: float, high: float) -> None:
        self._sums, places = sums, range(len(sums.own))
        parts = [one for place in places for one in (sums.pairs[place], sums.own[place])]
        before = np.cumsum([one.min() for one in parts])[1::2]  # the least that layers up to each one add
        counts = np.array(sums.layers.counts)
        starts = sums.base + before[counts - 1] + [one.min() for one in sums.ends]
        above = [one - one.min() for one in (*parts, starts, *sums.ends)]
        self._set_grid(above, _span(above, len(parts)), 2 * sum(pair.shape[1] for pair in sums.pairs) + len(counts))
        steps = [np.rint(one / self._unit).astype(np.intp) for one in above]
        self._layers = [self._layer(place, *steps[2 * place : 2 * place + 2]) for place in places]
        self._starts, self._ends = steps[len(parts)], steps[len(parts) + 1 :]
        self._set_bounds(float(starts.min()), low, high, addends=len(parts) + 2)
        self._arrived, self._passed = self._walked(1 + _span(steps, len(parts)))
        self._counts = [self._ended()]
        self.reach = sums.reach
        self._is_beyond = high < self.reach[0] or low > self.reach[1]

    def _layer(self, place: int, pairs: Indices, steps: Indices) -> _Layer:
        links = self._sums.links[place]
        found = [np.unique(steps[links == link], return_inverse=True) for link in range(pairs.shape[1])]
        most = max(len(different) for different, _ in found)
        table, shares = np.zeros((len(found), most), dtype=np.intp), np.zeros((len(found), most))
        points = []
        for link, (different, which) in enumerate(found):
            own = np.flatnonzero(links == link)
            table[link, : len(different)] = different
            shares[link, : len(different)] = np.bincount(which.ravel()) / len(steps)
            points.append([own[which.ravel() == step] for step in range(len(different))])
        return _Layer(pairs, table, shares, points)

    def _walked(self, size: int) -> tuple[list[Floats], list[Floats]]:
        """Returns, by layer, the share of partial nets at each sum before the layer's points are added and after.

        Shapes are (links, sums).
        """
        before = np.zeros((1, size))
        before[0, 0] = 1.0
        arrived, passed = [], []
        for layer in self._layers:
            at, after = np.zeros((layer.pairs.shape[1], size)), np.zeros((layer.pairs.shape[1], size))
            for last, link in np.ndindex(*layer.pairs.shape):
                step = int(layer.pairs[last, link])
                at[link, step:] += before[last, : size - step]
            for link, place in np.argwhere(layer.shares > 0):
                step = int(layer.steps[link, place])
                after[link, step:] += layer.shares[link, place] * at[link, : size - step]
            before = np.where(after > 0, np.maximum(after, TINY), 0.0)
            arrived.append(at)
            passed.append(before)
        return arrived, passed

    def _ended(self) -> Floats:
        """Returns the share of nets of each depth at each sum, shape (depths, sums)."""
        found = np.zeros((len(self._starts), self._passed[0].shape[1]))
        for depth, count in enumerate(self._sums.layers.counts):
            for link, before in enumerate(self._passed[count - 1]):
                step = int(self._starts[depth] + self._ends[depth][link])
                found[depth, step:] += before[: len(before) - step]
        return found

    def draw(self, n: int, rng: np.random.Generator) -> Codes:
        """See the base class; genes of layers that are not there have their first code."""
        layers = self._sums.layers
        codes = np.zeros((0 if self.is_empty else n, len(self._sums.sizes)), dtype=np.intp)
        if self.is_empty:
            return codes
        shares = self._counts[-1][:, self._within()]
        places = rng.choice(shares.size, size=n, p=(shares / shares.sum()).ravel())
        depths, above = np.unravel_index(places, shares.shape)
        codes[:, layers.depth] = depths
        for depth in np.unique(depths).tolist():
            rows = np.flatnonzero(depths == depth)
            self._draw_layers(codes, rows, depth, above[rows] + self._first, rng)
        return codes

    def _draw_layers(self, codes: Codes, rows: Indices, depth: int, sums: Indices, rng: np.random.Generator) -> None:
        """Draws the layers of nets of one depth that reach given sums, from the last one on."""
        left = (sums - self._starts[depth])[:, None] - self._ends[depth]
        for place in reversed(range(self._sums.layers.counts[depth])):
            layer, genes = self._layers[place], list(self._sums.layers.genes[place])
            link = choice(_shares(self._passed[place], np.arange(left.shape[1]), left), rng)
            sums = left[np.arange(len(rows)), link]
            left = sums[:, None] - layer.steps[link]
            added = choice(_shares(self._arrived[place], link[:, None], left) * layer.shares[link], rng)
            sums = left[np.arange(len(rows)), added]
            points = [layer.points[one][step] for one, step in zip(link.tolist(), added.tolist(), strict=True)]
            chosen = np.array([own[int(draw * len(own))] for own, draw in zip(points, rng.random(len(rows)), strict=True)])
            codes[rows[:, None], genes] = np.stack(np.unravel_index(chosen, tuple(self._sums.sizes[genes])), axis=1)
            left = sums[:, None] - layer.pairs[:, link].T


def _span(above: Sequence[NDArray[Any]], parts: int) -> Any:
    """Returns the largest sum of so many parts, a start and one of the ends that follow them."""
    largest = [one.max() for one in above]
    return sum(largest[: parts + 1]) + max(largest[parts + 1 :])


def _shares(counted: Floats, links: Indices, sums: Indices) -> Floats:
    """Returns the share of partial nets at links and sums, shape (n, choices); 0 at sums below the grid."""
    return np.where(sums >= 0, counted[links, np.maximum(sums, 0)], 0.0)


def layer_draws_of(constraint: Constraint, space: SearchSpace) -> LayerDraws | None:
    """Returns what draws codes that satisfy a constraint; None where it is not on a sum over the layers of a space.

    Args:
        constraint: The constraint.
        space: The space.
    """
    function = None if constraint.probability is not None else getattr(constraint.value, "predict_codes", None)
    sums = None if function is None else layer_sums(function, space)
    return None if sums is None else LayerDraws(sums, *ends_of(constraint))
