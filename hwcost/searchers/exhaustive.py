"""Every architecture once, the last gene moving fastest."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwcost._types import Codes, Floats
from hwcost.errors import SpaceExhausted
from hwcost.searchers.base import Searcher
from hwcost.spaces.candidates import Candidates

CHUNK = 4096
"""Points that are examined together."""
LOOKED = 500_000
"""Infeasible points in a row after which the walk is given up."""


class Exhaustive(Searcher):
    """Asks for all feasible architectures in order; spaces too large to be listed are walked through lazily."""

    name = "exhaustive"
    batch = 256

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._next = 0

    def _ask(self, n: int, rng: np.random.Generator) -> Candidates:
        size, shape = self.problem.space.size, tuple(self.problem.sizes.tolist())
        found = Candidates.none(self.problem.space)
        end = min(size, self._next + LOOKED)
        while not len(found) and self._next < end:
            numbers = range(self._next, min(size, self._next + min(n, CHUNK)))
            rows = Candidates(self.problem.space, _codes(numbers, shape))
            found = rows[self.is_new(rows)]
            found = found[self.feasible(found)]
            self._next = numbers.stop
        if not len(found) and not self.pending:
            if not self.evaluated:
                raise self.rejections.infeasible()
            if self._next < size:
                raise SpaceExhausted(
                    f"none of {LOOKED} architectures in a row satisfies the constraints: take a searcher that draws"
                )
        return found

    def _tell(self, candidates: Candidates, losses: Floats, violations: Floats) -> None:
        """Learns nothing."""

    def _state(self) -> dict[str, Any]:
        return {"next": self._next}

    def _restore(self, state: dict[str, Any]) -> None:
        self._next = int(state["next"])


def _codes(numbers: range, shape: tuple[int, ...]) -> Codes:
    """Writes numbers in the mixed radix of the genes; spaces may be larger than machine integers."""
    columns = []
    left = [int(number) for number in numbers]
    for size in reversed(shape):
        columns.append([number % size for number in left])
        left = [number // size for number in left]
    return np.array(columns[::-1], dtype=np.intp).T.reshape(len(numbers), len(shape))
