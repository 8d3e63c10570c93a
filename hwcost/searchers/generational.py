"""The base of searchers by generations: a queue of children, and the archive that they are bred from."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.searchers import operators
from hwcost.searchers.archive import Archive
from hwcost.searchers.base import Searcher
from hwcost.searchers.problem import Problem
from hwcost.spaces.candidates import Candidates


class Generational(Searcher):
    """Breeds a generation when the trials of the one before it are known; hands it out in pieces as it is asked for.

    Args:
        problem: Problem to be searched.
        seed: Seed of all random draws.
        population: Members of the first generation.

    Attributes:
        archive: Survivors of earlier generations and the candidates evaluated since; a failed one has an infinite violation.
    """

    def __init__(self, problem: Problem, seed: int = 0, *, population: int = 100) -> None:
        super().__init__(problem, seed)
        self.population = population
        self.archive = Archive(problem)
        self._queue = Candidates.none(problem.space)

    @abstractmethod
    def _survivors(self) -> Indices:
        """Returns the rows of the archive that the next generation is bred from, best first."""

    @abstractmethod
    def _children(self, rng: np.random.Generator) -> Candidates:
        """Breeds from the archive, which holds the survivors."""

    @property
    def size(self) -> int:
        """Number of candidates of a generation."""
        return self.population

    def _ask(self, n: int, rng: np.random.Generator) -> Candidates:
        if not len(self._queue):
            if self.pending:
                return self._queue
            self._queue = self._generation(rng)
        taken, self._queue = self._queue[:n], self._queue[n:]
        return taken

    def _generation(self, rng: np.random.Generator) -> Candidates:
        if not len(self.archive):
            return operators.random(self, self.population, rng)
        self.archive.keep(self._survivors())
        children = self._children(rng)
        return children if len(children) else operators.random(self, self.size, rng)

    def _tell(self, candidates: Candidates, losses: Floats, violations: Floats) -> None:
        failed = np.isinf(losses).any(axis=1)
        self.archive.add(candidates.codes, losses, np.where(failed, np.inf, violations))

    def _state(self) -> dict[str, Any]:
        return {**self.archive.state(), "queue": self._queue.codes.tolist()}

    def _restore(self, state: dict[str, Any]) -> None:
        self.archive.restore(state)
        self._queue = Candidates(self.problem.space, state["queue"])
