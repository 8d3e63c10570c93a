"""What searchers by generations share: a queue of children, and the members that they come from."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost.cost.population import Population
from hwcost.searchers import drawing
from hwcost.searchers.base import Searcher
from hwcost.searchers.problem import Floats, Problem

Codes = NDArray[np.intp]


class Generational(Searcher):
    """Breeds a generation when the one before it is told; hands it out in as many pieces as it is asked for.

    Args:
        problem: See the base class.
        seed: See the base class.
        population: Members of the first generation.

    Attributes:
        codes: The members, shape (n, genes): survivors of earlier generations, and what was told since.
        losses: Of the members, shape (n, objectives).
        violations: Of the members, shape (n,).
    """

    def __init__(self, problem: Problem, seed: int = 0, *, population: int = 100) -> None:
        super().__init__(problem, seed)
        genes = len(problem.sizes)
        self.population = population
        self.codes: Codes = np.empty((0, genes), dtype=np.intp)
        self.losses: Floats = np.empty((0, len(problem.objectives)))
        self.violations: Floats = np.empty(0)
        self._queue: Codes = np.empty((0, genes), dtype=np.intp)

    @abstractmethod
    def _survivors(self) -> NDArray[np.intp]:
        """Returns the rows of the members that the next generation comes from, best first."""

    @abstractmethod
    def _children(self, rng: np.random.Generator) -> Population:
        """Breeds from the members, which are the survivors."""

    @property
    def size(self) -> int:
        """How many a generation has."""
        return self.population

    def _ask(self, n: int, rng: np.random.Generator) -> Population:
        if not len(self._queue):
            if self.pending:
                return Population(self.problem.space, self._queue)
            self._queue = self._generation(rng).codes
        taken, self._queue = self._queue[:n], self._queue[n:]
        return Population(self.problem.space, taken)

    def _generation(self, rng: np.random.Generator) -> Population:
        if not len(self.codes):
            return drawing.random(self, self.population, rng)
        rows = self._survivors()
        self.codes, self.losses, self.violations = self.codes[rows], self.losses[rows], self.violations[rows]
        children = self._children(rng)
        return children if len(children) else drawing.random(self, self.size, rng)

    def _tell(self, population: Population, losses: Floats, violations: Floats) -> None:
        self.codes = np.concatenate([self.codes, population.codes])
        self.losses = np.concatenate([self.losses, losses])
        failed = np.isinf(losses).any(axis=1)
        self.violations = np.concatenate([self.violations, np.where(failed, np.inf, violations)])

    def _state(self) -> dict[str, Any]:
        return {
            "codes": self.codes.tolist(), "losses": _texts(self.losses), "violations": _texts(self.violations),
            "queue": self._queue.tolist(),
        }  # fmt: skip

    def _restore(self, state: dict[str, Any]) -> None:
        genes = len(self.problem.sizes)
        self.codes = np.array(state["codes"], dtype=np.intp).reshape(-1, genes)
        self.losses = np.array(state["losses"], dtype=np.float64).reshape(-1, len(self.problem.objectives))
        self.violations = np.array(state["violations"], dtype=np.float64).reshape(-1)
        self._queue = np.array(state["queue"], dtype=np.intp).reshape(-1, genes)


def _texts(values: Floats) -> list[str]:
    """Writes numbers so that infinity is plain JSON too; every bit is kept."""
    return [repr(value) for value in values.ravel().tolist()]


def mutated(codes: Codes, sizes: Codes, probability: float, rng: np.random.Generator) -> Codes:
    """Draws each gene anew, from all its choices, with a probability."""
    drawn = drawing.uniform(sizes, len(codes), rng)
    return np.where(rng.random(codes.shape) < probability, drawn, codes)


def crossed(one: Codes, other: Codes, rng: np.random.Generator) -> Codes:
    """Takes each gene from either parent with equal odds."""
    return np.where(rng.random(one.shape) < 0.5, one, other)
