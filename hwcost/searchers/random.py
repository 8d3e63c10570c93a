"""Random search without replacement."""

from __future__ import annotations

import numpy as np

from hwcost._types import Floats
from hwcost.searchers import operators
from hwcost.searchers.base import Searcher
from hwcost.searchers.problem import Problem
from hwcost.spaces.candidates import Candidates

AT_ONCE = 64
"""Candidates of an ask where a call of the functions values all of them."""


class Random(Searcher):
    """Asks for feasible architectures in random order, each once; the baseline that every searcher is compared with.

    Args:
        problem: Space, objectives and constraints. Where every function values many architectures in a call, it asks for as
            many at once; a function that takes one at a time may be slow, so that a search can end after each.
        seed: Seed of all random draws.
    """

    name = "random"

    def __init__(self, problem: Problem, seed: int = 0) -> None:
        super().__init__(problem, seed)
        if all([one.is_vectorised for one in problem.objectives] + [one.is_vectorised for one in problem.measured]):
            self.batch = AT_ONCE

    def _ask(self, n: int, rng: np.random.Generator) -> Candidates:
        return operators.random(self, n, rng)

    def _tell(self, candidates: Candidates, losses: Floats, violations: Floats) -> None:
        """Learns nothing."""
