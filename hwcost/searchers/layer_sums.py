"""Sums over the layers of nets whose depth is a gene: what each layer adds, alone and beside the one before it.

``value = base[depth] + sum over layers of own_i[point] + sum over neighbours of pair_i[link, link] + end[depth][link]``, of
the layers that are there. A point is one choice of all genes of a layer, a link one of the genes that neighbours see. The
numbers are found from nets that differ from one of first choices in a layer or two, and are exact where there is such a sum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hwcost._cached import cached_property
from hwcost._types import Codes, Floats, Indices
from hwcost.spaces.base import SearchSpace
from hwcost.spaces.candidates import Candidates
from hwcost.spaces.layers import Layers

LARGEST = 2**17
"""Architectures that are valued for one sum, at the most."""
PROBES = 64
"""Random architectures on which a sum is compared with the value that it stands for."""


@dataclass(frozen=True)
class LayerSums:
    """A sum over the layers that are there.

    Attributes:
        layers: The layers and their genes.
        sizes: Number of choices of every gene, shape (genes,).
        base: Value of the net of first choices at each code of the depth, shape (depths,).
        own: Addends of each layer's points, shape (points,) a layer.
        pairs: Addends of each layer's links beside those of the layer before, shape (links before, links); of the first
            layer shape (1, links), and 0.
        ends: Addends of the last layer's links at each code of the depth, shape (links,) a code.
    """

    layers: Layers
    sizes: Codes
    base: Floats
    own: tuple[Floats, ...]
    pairs: tuple[Floats, ...]
    ends: tuple[Floats, ...]

    def __call__(self, codes: Codes) -> Floats:
        """Returns the sum for codes (n, genes), shape (n,)."""
        depths = codes[:, self.layers.depth]
        there, total = np.array(self.layers.counts)[depths], self.base[depths]
        before = np.zeros(len(codes), dtype=np.intp)
        for place, (own, pair) in enumerate(zip(self.own, self.pairs, strict=True)):
            points = self.points(place, codes)
            link = self.links[place][points]
            total = total + np.where(place < there, own[points] + pair[before, link], 0.0)
            for depth, count in enumerate(self.layers.counts):
                if count == place + 1:
                    total = total + np.where(depths == depth, self.ends[depth][link], 0.0)
            before = link
        return total

    def points(self, place: int, codes: Codes) -> Indices:
        """Returns the number of the point of a layer in each row of codes (n, genes), shape (n,)."""
        genes = list(self.layers.genes[place])
        return np.asarray(np.ravel_multi_index(tuple(codes[:, genes].T), tuple(self.sizes[genes])))

    @cached_property
    def links(self) -> list[Indices]:
        """Link of each point, shape (points,) a layer."""
        return [self._links_of(genes) for genes in self.layers.genes]

    def _links_of(self, genes: Sequence[int]) -> Indices:
        points, linked = _choices(self.sizes, genes)[:, list(self.layers.linked)], _linked(self.layers, genes)
        return np.ravel_multi_index(tuple(points.T), tuple(self.sizes[linked])) if linked else np.zeros(len(points), np.intp)

    @cached_property
    def reach(self) -> tuple[float, float]:
        """The least sum and the largest one of all nets."""
        return self._least(1.0), -self._least(-1.0)

    def _least(self, sign: float) -> float:
        """Returns the least sum, each term times a sign; by dynamic programming over the layers."""
        found, before = np.inf, np.zeros(1)
        for place, (own, pair) in enumerate(zip(self.own, self.pairs, strict=True)):
            after = np.full(pair.shape[1], np.inf)
            np.minimum.at(after, self.links[place], sign * own)
            before = (before[:, None] + sign * pair).min(axis=0) + after
            for depth, count in enumerate(self.layers.counts):
                if count == place + 1:
                    found = min(found, float((before + sign * self.ends[depth]).min() + sign * self.base[depth]))
        return found


def layer_sums(function: Callable[[Codes], Floats], space: SearchSpace) -> LayerSums | None:
    """Returns what a function of codes (n, genes) is as a sum over layers; None where it is none, or would need many calls.

    Args:
        function: Values of architectures by the codes of the points that stand for them.
        space: Their space.
    """
    layers, sizes = space.layers_of_genes(), np.array([len(gene.choices) for gene in space.genes], dtype=np.intp)
    if layers is None or not _is_plain(layers, sizes):
        return None

    def valued(codes: Codes) -> Floats:
        return np.asarray(function(Candidates(space, codes).codes), dtype=np.float64)

    rng = np.random.default_rng(0)
    probes = Candidates(space, np.stack([rng.integers(size, size=PROBES) for size in sizes.tolist()], axis=1)).codes
    wanted = valued(probes)
    found = _Nets(valued, layers, sizes).sums() if np.isfinite(wanted).all() else None
    return found if found is not None and np.allclose(found(probes), wanted, rtol=1e-12, atol=0.0) else None


def _is_plain(layers: Layers, sizes: Codes) -> bool:
    """Whether depth and layers hold every gene once, some layer is always there, and there are not too many points."""
    held = sorted([layers.depth, *(gene for genes in layers.genes for gene in genes)])
    if held != list(range(len(sizes))) or len(layers.counts) != sizes[layers.depth]:
        return False
    points = sum(_number(sizes, genes) + _number(sizes, _linked(layers, genes)) ** 2 for genes in layers.genes)
    return min(layers.counts) >= 1 and max(layers.counts) == len(layers.genes) and points <= LARGEST


def _number(sizes: Codes, genes: Sequence[int]) -> int:
    return math.prod(sizes[list(genes)].tolist())


def _linked(layers: Layers, genes: Sequence[int]) -> list[int]:
    return [genes[place] for place in layers.linked]


def _choices(sizes: Codes, genes: Sequence[int]) -> Codes:
    """Returns all choices of some genes, shape (choices, genes), the last one moving fastest."""
    number = _number(sizes, genes)
    return np.indices(tuple(sizes[list(genes)])).reshape(len(genes), number).T


class _Nets:
    """Nets that differ from one of first choices in a layer, or in the links of two neighbours, and their values.

    Args:
        valued: Function of codes (n, genes).
        layers: The layers and their genes.
        sizes: Number of choices of every gene.
    """

    def __init__(self, valued: Callable[[Codes], Floats], layers: Layers, sizes: Codes) -> None:
        self._valued, self._layers, self._sizes = valued, layers, sizes
        self._deepest = int(np.argmax(layers.counts))
        plain = np.zeros((1, 0), dtype=np.intp)
        self._base = np.concatenate([self._values(depth, (), plain) for depth in range(len(layers.counts))])

    def sums(self) -> LayerSums:
        """Returns the sum that the values are, if they are one."""
        layers, base = self._layers, self._base
        own = [self._values(self._deepest, genes, _choices(self._sizes, genes)) for genes in layers.genes]
        own = [values - base[self._deepest] for values in own]
        links = [self._of_links(self._deepest, place) for place in range(len(own))]  # what each adds likewise
        pairs = [np.zeros((1, len(links[0]))), *(self._beside(place, links) for place in range(1, len(own)))]
        ends = [self._of_links(depth, count - 1) - links[count - 1] for depth, count in enumerate(layers.counts)]
        return LayerSums(layers, self._sizes, base, tuple(own), tuple(pairs), tuple(ends))

    def _values(self, depth: int, genes: Sequence[int], choices: Codes) -> Floats:
        """Values nets of a depth with these choices of some genes, and the first ones of all others."""
        codes = np.zeros((len(choices), len(self._sizes)), dtype=np.intp)
        codes[:, self._layers.depth] = depth
        codes[:, list(genes)] = choices
        return self._valued(codes)

    def _of_links(self, depth: int, place: int) -> Floats:
        """Returns what each link of a layer adds to the net of first choices, shape (links,)."""
        genes = _linked(self._layers, self._layers.genes[place])
        return np.asarray(self._values(depth, genes, _choices(self._sizes, genes)) - self._base[depth])

    def _beside(self, place: int, links: Sequence[Floats]) -> Floats:
        """Returns what links of a layer and of the one before add together, shape (links before, links)."""
        genes = [gene for one in (place - 1, place) for gene in _linked(self._layers, self._layers.genes[one])]
        both = self._values(self._deepest, genes, _choices(self._sizes, genes)) - self._base[self._deepest]
        return np.asarray(both.reshape(len(links[place - 1]), -1) - links[place - 1][:, None] - links[place])
