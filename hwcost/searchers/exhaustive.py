"""Every architecture once, the last gene moving fastest."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from hwcost._cached import cached_property
from hwcost._types import Codes, Floats
from hwcost.errors import SpaceExhausted
from hwcost.objectives.constraint import Constraint
from hwcost.searchers.base import Searcher
from hwcost.searchers.branches import Branches
from hwcost.searchers.problem import FEASIBLE
from hwcost.searchers.sum_draws import ends_of
from hwcost.spaces.candidates import Candidates

CHUNK = 4096
"""Points that are examined together, at the most."""
LOOKED = 500_000
"""Infeasible points, and branches, in a row after which the walk is given up."""


class Exhaustive(Searcher):
    """Asks for all feasible architectures in order; spaces too large to be listed are walked through lazily.

    Once as many rejections are recorded as are remembered, branches of the space that a bound on a sum over genes keeps out
    as a whole are passed over, and their points are counted as rejected by the constraint.
    """

    name = "exhaustive"
    batch = 256

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._next = 0

    def _ask(self, n: int, rng: np.random.Generator) -> Candidates:
        size = self.problem.space.size
        found, looked, rows = Candidates.none(self.problem.space), 0, n
        while not len(found) and self._next < size and looked < LOOKED:
            end = self._end() if self._is_pruned else size
            if end is None:
                looked += 1
                continue
            end = min(end, self._next + min(rows, CHUNK, LOOKED - looked))
            looked, rows = looked + end - self._next, 2 * rows
            found = self._examined(end, n)
        if not len(found) and not self.pending:
            if not self.evaluated:
                raise self.rejections.infeasible()
            if self._next < size:
                raise SpaceExhausted(
                    f"none of {LOOKED} architectures in a row satisfies the constraints: take a searcher that draws"
                )
        return found

    def _examined(self, end: int, n: int) -> Candidates:
        """Examines the points up to an end, or to the n-th feasible one, and returns the feasible ones among them."""
        rows = Candidates(self.problem.space, _codes(self._next, end, self._sizes))
        places = np.flatnonzero(self.is_new(rows))
        violated = self.problem.violated(rows[places])
        last = np.flatnonzero(violated == FEASIBLE)[n - 1 : n]
        if len(last):
            places, violated = places[: last[0] + 1], violated[: last[0] + 1]
            end = self._next + int(places[-1]) + 1
        self._next = end
        self.rejections.record(rows[places], violated)
        found: Candidates = rows[places[violated == FEASIBLE]]
        return found

    # -- branches ------------------------------------------------------------------------------------------------------

    @property
    def _is_pruned(self) -> bool:
        return self.rejections.is_full and bool(self._branches)

    @cached_property
    def _branches(self) -> list[tuple[Constraint, Branches]]:
        return [(one, Branches(tables, *ends_of(one))) for one, tables in self.problem.sums]

    @cached_property
    def _sizes(self) -> list[int]:
        """Number of choices of every gene, as numbers of any size."""
        return [int(size) for size in self.problem.sizes]

    @cached_property
    def _points(self) -> list[int]:
        """Number of points of a branch that is named by the first k genes, for k from 0 on."""
        return [prod(self._sizes[chosen:]) for chosen in range(len(self._sizes) + 1)]

    @cached_property
    def _most(self) -> int:
        """Genes that branches are named by, at the most: points of smaller ones are examined together."""
        return min(len(self._points) - 2, next(k for k, points in enumerate(self._points) if points <= CHUNK))

    def _end(self) -> int | None:
        """Returns the end of the smallest branch that the next point lies in; passes over one that is kept out, for None."""
        smallest = self._points[self._most]
        if self._next % smallest == 0:
            codes = [self._next // below % size for below, size in zip(self._points[1:], self._sizes, strict=True)]
            fewest = next(chosen for chosen, points in enumerate(self._points) if self._next % points == 0)
            found = [(one.excluded(codes, fewest, self._most), constraint) for constraint, one in self._branches]
            kept_out = [(chosen, constraint) for chosen, constraint in found if chosen is not None]
            if kept_out:
                chosen, constraint = min(kept_out, key=lambda one: one[0])
                self.rejections.pass_over(constraint, self._points[chosen])
                self._next += self._points[chosen]
                return None
        return self._next - self._next % smallest + smallest

    def _tell(self, candidates: Candidates, losses: Floats, violations: Floats) -> None:
        """Learns nothing."""

    def _state(self) -> dict[str, Any]:
        return {"next": self._next}

    def _restore(self, state: dict[str, Any]) -> None:
        self._next = int(state["next"])


def _codes(start: int, end: int, shape: Sequence[int]) -> Codes:
    """Writes numbers in the mixed radix of the genes; spaces may be larger than machine integers."""
    columns, carried = [], np.arange(end - start)
    for size in reversed(shape):
        start, first = divmod(start, size)
        carried, column = np.divmod(carried + first, size)
        columns.append(column)
    return np.stack(columns[::-1], axis=1)
