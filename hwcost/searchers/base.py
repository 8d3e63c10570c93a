"""The contract of a searcher: it asks for architectures and is told what became of them; it evaluates nothing.

Randomness is a function of the seed and of how often the searcher was asked before. So asking anew, after telling the same
trials, gives the same architectures, on any machine and after any interruption.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.errors import SpaceExhausted, UsageError
from hwcost.objectives.population import Population
from hwcost.searchers.problem import Problem
from hwcost.searchers.trial import Trial
from hwcost.spaces.base import Architecture


class Searcher(ABC):
    """Proposes architectures of a problem.

    Subclasses give ``_ask`` and ``_tell`` and, where they remember more than what they were told, ``_state`` and
    ``_restore``.

    Args:
        problem: Space, objectives and limits.
        seed: Equal seeds give equal searches.

    Attributes:
        max_objectives: How many it can pursue at once; None for any number.
        batch: How many architectures it likes to be asked for at a time.

    Raises:
        UsageError: When there are more objectives than it can pursue.
    """

    name: ClassVar[str]
    max_objectives: ClassVar[int | None] = None
    batch: int = 1

    def __init__(self, problem: Problem, seed: int = 0) -> None:
        if self.max_objectives is not None and len(problem.objectives) > self.max_objectives:
            raise UsageError(
                f"the searcher '{self.name}' pursues {self.max_objectives} objective, not {len(problem.objectives)}: make "
                f"limits of the others, or take one that knows fronts, such as nsga2 or bayesian"
            )
        self.problem = problem
        self.seed = seed
        self.asks = 0
        self.pending: dict[bytes, Architecture] = {}
        self.told: dict[bytes, None] = {}

    # -- what a subclass gives -----------------------------------------------------------------------------------------

    @abstractmethod
    def _ask(self, n: int, rng: np.random.Generator) -> Population:
        """Returns at most n allowed architectures; none at all to wait for what is pending.

        Raises:
            SpaceExhausted: When nothing is left to ask for.
            InfeasibleError: When nothing keeps the limits.
        """

    @abstractmethod
    def _tell(self, population: Population, losses: Floats, violations: Floats) -> None:
        """Learns losses (n, objectives), infinite for failed trials, and violations (n,) of limits that are told back."""

    def _state(self) -> dict[str, Any]:
        """Returns what else is remembered, as plain JSON."""
        return {}

    def _restore(self, state: dict[str, Any]) -> None:  # noqa: B027 - most have nothing else to remember
        """Reads what ``_state`` returned."""

    # -- the protocol --------------------------------------------------------------------------------------------------

    def ask(self, n: int | None = None) -> list[Architecture]:
        """Proposes architectures.

        Args:
            n: How many; by default as many as the searcher likes.

        Returns:
            At most n; none when the results of pending ones are needed first.

        Raises:
            SpaceExhausted: When nothing is left to ask for.
            InfeasibleError: When nothing keeps the limits.
            UsageError: When n is not positive.
        """
        number = self.batch if n is None else n
        if number < 1:
            raise UsageError(f"at least one architecture must be asked for, got {number}")
        rng = np.random.default_rng([self.seed, self.asks])
        self.asks += 1
        population = self._ask(number, rng)
        if not len(population) and not self.pending:
            raise SpaceExhausted(f"the searcher '{self.name}' has nothing left to ask for after {len(self.told)} trials")
        self.pending.update(zip(population.keys, population.archs, strict=True))
        return population.archs

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results: in any order, and also of architectures that were never asked for."""
        if not trials:
            return
        population = Population.of(self.problem.space, [trial.architecture for trial in trials])
        for key in population.keys:
            self.pending.pop(key, None)
            self.told[key] = None
        self._tell(population, self.problem.losses(trials), np.array([trial.violation for trial in trials]))

    def state(self) -> dict[str, Any]:
        """Returns everything that is remembered, as plain JSON."""
        return {
            "searcher": self.name,
            "seed": self.seed,
            "asks": self.asks,
            "pending": [list(arch.genes) for arch in self.pending.values()],
            "told": [list(np.frombuffer(key, dtype=np.uint16).tolist()) for key in self.told],
            "own": self._state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on where :meth:`state` was taken.

        Raises:
            UsageError: When the state is of another searcher or seed.
        """
        if (state.get("searcher"), state.get("seed")) != (self.name, self.seed):
            raise UsageError(
                f"the state is of searcher '{state.get('searcher')}' with seed {state.get('seed')}, this is '{self.name}' "
                f"with seed {self.seed}"
            )
        self.asks = int(state["asks"])
        archs = [self.problem.space.architecture(genes) for genes in state["pending"]]
        self.pending = dict(zip(Population.of(self.problem.space, archs).keys, archs, strict=True)) if archs else {}
        self.told = dict.fromkeys(np.array(codes, dtype=np.uint16).tobytes() for codes in state["told"])
        self._restore(state["own"])

    # -- what many of them need ----------------------------------------------------------------------------------------

    def is_new(self, population: Population) -> NDArray[np.bool_]:
        """Says which rows were neither asked for nor told, and stand in no earlier row; shape (n,)."""
        seen: set[bytes] = set()
        found = np.zeros(len(population), dtype=bool)
        for row, key in enumerate(population.keys):
            found[row] = not (key in self.told or key in self.pending or key in seen)
            seen.add(key)
        return found
