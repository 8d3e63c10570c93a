"""Draws architectures of any space, evenly over genes or evenly over the range of parameter counts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hwcost._arguments import SEED, WHOLE, check
from hwcost.errors import UsageError
from hwcost.spaces.base import Architecture

if TYPE_CHECKING:
    from hwcost.spaces.base import Design, SearchSpace

TRIES = 200
"""Draws without a new architecture before the space counts as exhausted."""

LISTED = 2000
"""Spaces with no more points are listed, so that whatever they hold can be drawn."""

WIDEN = 20
"""Draws without a new architecture after which a stratum takes in its neighbours; the outermost ones hold only a few."""


def sample(
    space: SearchSpace, n: int, seed: int, design: Design, params: tuple[float, float] | None
) -> list[Architecture]:
    """See :meth:`hwcost.spaces.base.SearchSpace.sample`."""
    check({"n": n, "seed": seed}, n=WHOLE, seed=SEED)
    if n < 0:
        raise UsageError(f"the number of architectures must not be negative, got {n}")
    if design not in ("uniform", "spread"):
        raise UsageError(f"unknown design '{design}'. Known: spread, uniform")
    if n > space.size:
        raise UsageError(f"space '{space.name}' holds {space.size} architectures; {n} distinct ones were asked for")
    rng = np.random.default_rng(seed)
    if not space.is_buildable:
        if params is not None:
            raise UsageError(f"space '{space.name}' counts no parameters, so they cannot be kept within a range")
        return _without_counts(space, n, rng, design)
    if space.size <= LISTED:
        return _from_list(space, n, rng, design, params)
    if design == "uniform" and params is None:
        return _distinct(n, lambda index, tried: _uniform(space, rng), space)
    tilted = _Tilted(space, rng)
    lo, hi = params or (tilted.smallest, tilted.largest)
    if lo > hi:
        raise UsageError(f"the parameter range is empty: {lo:g} to {hi:g}")
    if design == "uniform":
        return _distinct(n, lambda index, tried: tilted.draw(lo, hi, _uniform(space, rng)), space)
    edges = np.linspace(lo, hi, n + 1)

    def near(index: int, tried: int) -> Architecture:
        wider = tried // WIDEN
        return tilted.draw_near(edges[max(0, index - wider)], edges[min(n, index + 1 + wider)], lo, hi)

    return _distinct(n, near, space)


def _from_list(
    space: SearchSpace, n: int, rng: np.random.Generator, design: Design, params: tuple[float, float] | None
) -> list[Architecture]:
    """Draws from a space small enough to be listed: without replacement, and whatever there is can be had."""
    archs = list(space.architectures())
    counts = np.array([space.params(arch) for arch in archs])
    lo, hi = params or (counts.min(), counts.max())
    free = (counts >= lo) & (counts <= hi)
    if free.sum() < n:
        raise UsageError(
            f"space '{space.name}' holds {free.sum()} architectures with {lo:g} to {hi:g} parameters, {n} were asked for; "
            f"it reaches from {counts.min()} to {counts.max()}"
        )
    if design == "uniform":
        return [archs[i] for i in rng.permutation(np.flatnonzero(free))[:n]]
    edges = np.linspace(lo, hi, n + 1)
    chosen = []
    for index in range(n):
        for wider in range(n):  # a stratum without any takes in its neighbours
            low, high = edges[max(0, index - wider)], edges[min(n, index + 1 + wider)]
            near = np.flatnonzero(free & (counts >= low) & (counts <= high))
            if len(near):
                break
        chosen.append(int(rng.choice(near)))
        free[chosen[-1]] = False
    return [archs[i] for i in chosen]


def _without_counts(space: SearchSpace, n: int, rng: np.random.Generator, design: Design) -> list[Architecture]:
    """Draws from a space that counts no parameters: ``spread`` has every choice of every gene about equally often."""
    found: dict[Architecture, None] = {}
    if design == "spread":
        found = dict.fromkeys(_latin(space, n, rng))
    if space.size <= LISTED:
        rest = [arch for arch in space.architectures() if arch not in found]
        return [*found, *(rest[i] for i in rng.permutation(len(rest))[: n - len(found)])]
    for arch in _distinct(n, lambda index, tried: _uniform(space, rng), space):
        if len(found) < n:
            found[arch] = None
    return list(found)


def _latin(space: SearchSpace, n: int, rng: np.random.Generator) -> list[Architecture]:
    """Draws a Latin hypercube: each gene's n values are spread evenly over its choices, and matched at random."""
    columns = []
    for gene in space.genes:
        places = (np.arange(n) + rng.random()) * len(gene.choices) / n
        columns.append([gene.choices[int(place)] for place in rng.permutation(places)])
    return [space.made(genes) for genes in zip(*columns, strict=True)]


def _distinct(n: int, draw: Callable[[int, int], Architecture], space: SearchSpace) -> list[Architecture]:
    """Draws until there are n different ones; ``draw`` takes the number of the next one and of the draws lost on it."""
    found: dict[Architecture, None] = {}
    for index in range(n):
        for tried in range(TRIES):
            arch = draw(index, tried)
            if arch not in found:
                found[arch] = None
                break
        else:
            raise UsageError(f"space '{space.name}' gave only {len(found)} of {n} distinct architectures in that range")
    return list(found)


def _uniform(space: SearchSpace, rng: np.random.Generator) -> Architecture:
    genes = tuple(gene.choices[int(rng.integers(len(gene.choices)))] for gene in space.genes)
    return space.made(genes)


class _Tilted:
    """Draws architectures near a wanted parameter count by tilting the odds of every gene (exponential family)."""

    def __init__(self, space: SearchSpace, rng: np.random.Generator) -> None:
        self.space = space
        self.rng = rng
        middle = [gene.choices[len(gene.choices) // 2] for gene in space.genes]
        base = space.params(space.architecture(middle))
        self.effects: list[NDArray[np.float64]] = []
        for index, gene in enumerate(space.genes):
            row = [
                space.params(space.architecture([*middle[:index], choice, *middle[index + 1 :]])) - base
                for choice in gene.choices
            ]
            self.effects.append(np.array(row, dtype=np.float64))
        self.base = base
        self._padded, self._is_choice = _padded(self.effects)
        highest, lowest = (np.array([[end(effect)] for effect in self.effects]) for end in (np.max, np.min))
        self._below, self._above = self._is_choice * (self._padded - highest), self._is_choice * (self._padded - lowest)
        self._scale = float((highest - lowest).max()) or 1.0
        self.smallest = space.params(self._pick([int(e.argmin()) for e in self.effects]))
        self.largest = space.params(self._pick([int(e.argmax()) for e in self.effects]))

    def _pick(self, indices: list[int]) -> Architecture:
        return self.space.architecture(
            [gene.choices[i] for gene, i in zip(self.space.genes, indices, strict=True)]
        )

    def _odds(self, tilt: float) -> NDArray[np.float64]:
        """Returns the chance of every choice, shape (genes, choices of the gene that has most)."""
        shifted = self._below if tilt > 0 else self._above  # no power of e above 1
        weights = self._is_choice * np.exp(tilt * shifted / self._scale)
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    def _mean(self, tilt: float) -> float:
        return self.base + float((self._odds(tilt) * self._padded).sum())

    def _tilt_for(self, target: float) -> float:
        low, high = -60.0, 60.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self._mean(middle) < target else (low, middle)
        return (low + high) / 2

    def draw_near(self, lo: float, hi: float, floor: float, ceiling: float) -> Architecture:
        """Draws an architecture with a parameter count aimed at a stratum, and certainly within the whole range."""
        odds = self._odds(self._tilt_for(float(self.rng.uniform(lo, hi))))
        counts = [len(effect) for effect in self.effects]
        start = self._pick([int(self.rng.choice(n, p=row[:n])) for n, row in zip(counts, odds, strict=True)])
        try:
            return self.draw(lo, hi, start)
        except UsageError:  # strata finer than the space's own steps
            return self.draw(floor, ceiling, start)

    def draw(self, lo: float, hi: float, start: Architecture) -> Architecture:
        """Moves genes one at a time, in random order, until the parameter count lies within the range.

        Raises:
            UsageError: When no walk from any of ``TRIES`` starts gets there.
        """
        for _ in range(TRIES):
            arch: Architecture | None = start
            target = float(self.rng.uniform(lo, hi))
            nearest = math.inf
            while arch is not None:
                gap = target - self.space.params(arch)
                if lo <= target - gap <= hi:
                    return arch
                if abs(gap) >= nearest:  # effects of genes are only about additive
                    break
                nearest = abs(gap)
                arch = self._step(arch, gap)
            start = _uniform(self.space, self.rng)
        raise UsageError(
            f"no architecture of space '{self.space.name}' was found with {lo:.0f} to {hi:.0f} parameters; "
            f"the space reaches from {self.smallest} to {self.largest}"
        )

    def _step(self, arch: Architecture, gap: float) -> Architecture | None:
        """Changes the gene, of those in random order, that first brings the count nearer; None when none does."""
        for index in self.rng.permutation(len(self.space.genes)):
            choices = self.space.genes[index].choices
            effect = self.effects[index] - self.effects[index][choices.index(arch.genes[index])]
            after = np.abs(gap - effect)
            pick = int(after.argmin())
            if after[pick] < abs(gap):
                genes = list(arch.genes)
                genes[index] = choices[pick]
                return self.space.made(genes)
        return None


def _padded(rows: list[NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Returns rows of several lengths as a table filled up with 0, and where it holds one of theirs."""
    table = np.zeros((len(rows), max(map(len, rows))))
    is_own = np.arange(table.shape[1]) < np.array([[len(row)] for row in rows])
    table[is_own] = np.concatenate(rows)
    return table, is_own
