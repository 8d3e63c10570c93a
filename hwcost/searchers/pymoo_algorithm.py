"""pymoo's NSGA-II as a searcher, generation by generation; needs the extra ``search``."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwcost._extras import imported
from hwcost.errors import UsageError
from hwcost.searchers.adapters import Adapter
from hwcost.searchers.problem import Problem

UNKNOWN = 1e30
"""Loss that stands for a member that failed or is infeasible."""


class PymooAlgorithm(Adapter):
    """Asks pymoo's NSGA-II on integers (simulated binary crossover, polynomial mutation).

    Args:
        problem: Problem with any number of objectives.
        seed: Seed of all random draws.
        population: Members, and children of a generation.

    Raises:
        MissingExtraError: When pymoo is not installed.
        UsageError: When there are fewer than two members.
    """

    name = "pymoo"

    def __init__(self, problem: Problem, seed: int = 0, *, population: int = 20) -> None:
        if population < 2:
            raise UsageError(f"a front needs at least two members, got population={population}")
        self.population = population
        super().__init__(problem, seed)

    def _begin(self) -> None:
        nsga2, sampling, crossover, mutation, repair, core = map(_pymoo, (
            "algorithms.moo.nsga2", "operators.sampling.rnd", "operators.crossover.sbx", "operators.mutation.pm",
            "operators.repair.rounding", "core.problem",
        ))  # fmt: skip
        whole: dict[str, Any] = {"vtype": float, "repair": repair.RoundingRepair()}
        algorithm = nsga2.NSGA2(
            pop_size=self.population,
            sampling=sampling.IntegerRandomSampling(),
            crossover=crossover.SBX(prob=1.0, eta=3.0, **whole),
            mutation=mutation.PM(prob=1.0, eta=3.0, **whole),
            eliminate_duplicates=True,
        )
        sizes = self.problem.sizes
        space = core.Problem(
            n_var=len(sizes), n_obj=len(self.problem.objectives), xl=np.zeros(len(sizes)), xu=sizes - 1, vtype=int
        )
        algorithm.setup(space, seed=self.seed, verbose=False, termination=("n_gen", 10**9))
        self._algorithm = algorithm
        self._generation: Any = None
        self._rows: list[list[int]] = []
        self._next = 0
        self._losses: dict[int, list[float]] = {}

    def _propose(self) -> list[int] | None:
        if self._next >= len(self._rows) and not self._advance():
            return None
        self._next += 1
        return self._rows[self._next - 1]

    def _advance(self) -> bool:
        """Reports the results of a whole generation, and asks for the next one; says whether it exists."""
        if self._generation is not None:
            self._generation.set("F", np.array([self._losses[row] for row in range(len(self._rows))]))
            self._algorithm.evaluator.eval(self._algorithm.problem, self._generation, skip_already_evaluated=True)
            self._algorithm.tell(infills=self._generation)
        self._generation = self._algorithm.ask()
        if self._generation is None:  # it breeds nothing new any more
            return False
        self._rows = np.rint(self._generation.get("X")).astype(int).tolist()
        self._next, self._losses = 0, {}
        return True

    def _is_ready(self) -> bool:
        return self._next < len(self._rows) or len(self._losses) == len(self._rows)

    def _learn(self, codes: list[int], losses: list[float] | None) -> None:
        for row, own in enumerate(self._rows[: self._next]):
            if own == codes and row not in self._losses:
                self._losses[row] = [UNKNOWN] * len(self.problem.objectives) if losses is None else losses
                return


def _pymoo(module: str) -> Any:
    return imported(f"pymoo.{module}", "search")
