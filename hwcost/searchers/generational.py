"""What searchers by generations share: a queue of children, and the members that they come from."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Codes, Floats
from hwcost.objectives.population import Population
from hwcost.searchers import drawing
from hwcost.searchers.base import Searcher
from hwcost.searchers.members import Members
from hwcost.searchers.problem import Problem


class Generational(Searcher):
    """Breeds a generation when the one before it is told; hands it out in as many pieces as it is asked for.

    Args:
        problem: See the base class.
        seed: See the base class.
        population: Members of the first generation.

    Attributes:
        members: Survivors of earlier generations, and what was told since; the violation of a failed one is infinite.
    """

    def __init__(self, problem: Problem, seed: int = 0, *, population: int = 100) -> None:
        super().__init__(problem, seed)
        self.population = population
        self.members = Members(problem)
        self._queue: Codes = self.members.codes

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
        if not len(self.members):
            return drawing.random(self, self.population, rng)
        self.members.keep(self._survivors())
        children = self._children(rng)
        return children if len(children) else drawing.random(self, self.size, rng)

    def _tell(self, population: Population, losses: Floats, violations: Floats) -> None:
        failed = np.isinf(losses).any(axis=1)
        self.members.add(population.codes, losses, np.where(failed, np.inf, violations))

    def _state(self) -> dict[str, Any]:
        return {**self.members.state(), "queue": self._queue.tolist()}

    def _restore(self, state: dict[str, Any]) -> None:
        self.members.restore(state)
        self._queue = np.array(state["queue"], dtype=np.intp).reshape(-1, len(self.problem.sizes))
