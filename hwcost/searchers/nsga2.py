"""NSGA-II on choices: fronts and crowding select, genes cross uniformly and mutate to near or any choices.

Source: Deb et al., "A fast and elitist multiobjective genetic algorithm: NSGA-II", 2002, with its rule for constraints:
candidates that violate less come first, whatever their values are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost import pareto
from hwcost._types import Codes
from hwcost.errors import UsageError
from hwcost.searchers import operators
from hwcost.searchers.generational import Generational
from hwcost.searchers.operators import crossed
from hwcost.searchers.problem import Problem
from hwcost.spaces.candidates import Candidates

NEAR = 0.5
"""Share of mutations of an ordered gene that go to a neighbouring choice."""


class Nsga2(Generational):
    """Evolution of a front.

    Args:
        problem: Problem with any number of objectives.
        seed: Seed of all random draws.
        population: Members, and children of a generation.
        probability: Probability that a gene of a child mutates; None for one gene on average.

    Raises:
        UsageError: When a number makes no sense.
    """

    name = "nsga2"

    def __init__(
        self, problem: Problem, seed: int = 0, *, population: int = 20, probability: float | None = None
    ) -> None:
        if population < 2:
            raise UsageError(f"a front needs at least two members, got population={population}")
        super().__init__(problem, seed, population=population)
        self.probability = 1 / len(problem.sizes) if probability is None else probability
        if not 0 < self.probability <= 1:
            raise UsageError(f"a probability lies in (0, 1], got {probability}")
        self.batch = population
        self._ordered = np.array([not gene.categorical for gene in problem.space.genes])

    def _survivors(self) -> NDArray[np.intp]:
        _, first = np.unique(self.archive.codes, axis=0, return_index=True)
        rank, crowd = self._order(first)
        return first[np.lexsort((-crowd, rank))][: self.population]

    def _order(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Returns the rank of members by violation and fronts, and how alone each stands on its own."""
        rank = np.zeros(len(rows), dtype=np.intp)
        crowd = np.zeros(len(rows))
        losses, violations = self.archive.losses[rows], self.archive.violations[rows]
        held = np.flatnonzero(violations == 0)
        if len(held):
            rank[held] = pareto.ranks(losses[held])
        _, later = np.unique(violations[violations > 0], return_inverse=True)
        rank[violations > 0] = later + rank.max(initial=0) + 1
        for one in np.unique(rank[held]):
            same = held[rank[held] == one]
            crowd[same] = pareto.crowding(losses[same])
        return rank, crowd

    def _children(self, rng: np.random.Generator) -> Candidates:
        codes = self.archive.codes
        rank, crowd = self._order(np.arange(len(codes)))

        def parents(count: int) -> Any:
            one, other = rng.integers(len(codes), size=(2, count))
            better = (rank[one] < rank[other]) | ((rank[one] == rank[other]) & (crowd[one] >= crowd[other]))
            return codes[np.where(better, one, other)]

        def children(count: int) -> Any:
            return self._mutated(crossed(parents(count), parents(count), rng), rng)

        return operators.fresh(self, self.population, children)

    def _mutated(self, codes: Codes, rng: np.random.Generator) -> Codes:
        sizes = self.problem.sizes
        stepped = np.clip(codes + rng.choice([-1, 1], size=codes.shape), 0, sizes - 1)
        near = (rng.random(codes.shape) < NEAR) & self._ordered
        changed = np.where(near, stepped, operators.uniform(sizes, len(codes), rng))
        return np.where(rng.random(codes.shape) < self.probability, changed, codes)
