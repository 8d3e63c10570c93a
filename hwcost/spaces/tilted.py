"""Draws architectures near a wanted parameter count, of spaces that are too large to be listed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hwcost.errors import UsageError
from hwcost.spaces.points import Architecture

if TYPE_CHECKING:
    from hwcost.spaces.base import SearchSpace

TRIES = 200
"""Draws without a new architecture before those that are left are looked for among neighbours."""

WALKS = 5
"""Walks into a stratum before any net near it is taken, as strata may be finer than the steps between sizes."""


def uniform(space: SearchSpace, rng: np.random.Generator) -> Architecture:
    """Draws every gene by itself."""
    genes = tuple(gene.choices[int(rng.integers(len(gene.choices)))] for gene in space.genes)
    return space.made(genes)


class Tilted:
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
            return self.draw(lo, hi, start, WALKS)
        except UsageError:  # strata finer than the space's own steps
            return self.draw(floor, ceiling, start)

    def draw(self, lo: float, hi: float, start: Architecture, walks: int = TRIES) -> Architecture:
        """Moves genes one at a time, in random order, until the parameter count lies within the range.

        Raises:
            UsageError: When no walk from any of so many starts gets there, or of a few where it lies beyond the reach of the
                space; says what was nearest.
        """
        is_beyond = hi < self.smallest or lo > self.largest  # effects of genes are only about additive, so that some walk
        nets = [self.smallest, self.largest]
        for _ in range(min(walks, WALKS) if is_beyond else walks):
            arch: Architecture | None = start
            target = float(self.rng.uniform(lo, hi))
            nearest = math.inf
            while arch is not None:
                count = self.space.params(arch)
                if lo <= count <= hi:
                    return arch
                nets.append(count)
                gap = target - count
                if abs(gap) >= nearest:  # effects of genes are only about additive
                    break
                nearest = abs(gap)
                arch = self._step(arch, gap)
            start = uniform(self.space, self.rng)
        below, above = [one for one in nets if one < lo], [one for one in nets if one > hi]
        beside = f", the nearest that were found have {max(below)} and {min(above)}" if below and above else ""
        raise UsageError(
            f"no architecture of space '{self.space.name}' was found with {lo:.0f} to {hi:.0f} parameters{beside}; "
            f"the space reaches from {min(nets)} to {max(nets)}"
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
