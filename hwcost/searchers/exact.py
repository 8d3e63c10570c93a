"""Exact search: the front of two sums over genes, or the best under a constraint; see :mod:`hwcost.searchers.sum_front`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Codes, Floats
from hwcost.cost_models.features.tabulate import Tables
from hwcost.errors import UsageError
from hwcost.objectives.constraint import Constraint
from hwcost.searchers.base import Searcher
from hwcost.searchers.problem import Problem
from hwcost.searchers.sum_front import front, tables_of
from hwcost.spaces.candidates import Candidates


class Exact(Searcher):
    """Asks for nothing but the answer: the front of two objectives, or the best of one under a constraint.

    Args:
        problem: Problem of two sums over genes: two objectives, or one and at most one constraint on another.
        seed: Unused; part of the protocol.

    Attributes:
        is_proved: Whether no other architecture can be better. It is not where a cost model's domain, which is not a sum,
            keeps a member of the front out, or an architecture with narrower intervals may be within the bounds.

    Raises:
        UsageError: When the problem is not of that kind, or several points of the space stand for one net.
    """

    name = "exact"
    max_objectives = 2
    batch = 256

    def __init__(self, problem: Problem, seed: int = 0) -> None:
        super().__init__(problem, seed)
        if problem.space.has_isomorphs:
            raise UsageError(
                f"in space '{problem.space.name}' several points stand for one net, so that its cost is not a sum over "
                f"genes; take another searcher"
            )
        if problem.measured or len(problem.constraints) + len(problem.objectives) > 2:
            raise UsageError(
                f"exact search takes two sums: two objectives, or one and a constraint that is not measured; got "
                f"{len(problem.objectives)} objectives and {len(problem.constraints)} constraints"
            )
        own = [_signed(tables_of(one.value, problem.sizes), one.sign) for one in problem.objectives]
        others = [_constrained(one, problem.sizes) for one in problem.constraints]
        found = Candidates(problem.space, front((others or own)[0], own[-1]).codes)
        self.is_proved = True
        self._answer: Candidates | None = None
        self._front = found
        self._next = 0

    def _ask(self, n: int, rng: np.random.Generator) -> Candidates:
        if self._answer is None:
            self._answer = self._answered()
        taken = self._answer[self._next : self._next + n]
        self._next += n
        return taken

    def _answered(self) -> Candidates:
        """Returns the feasible members of the front that have values; of one objective, the best of them."""
        known = [values for values in self.problem.known(self._front) if values is not None]
        has_values = np.all([np.isfinite(values) for values in known], axis=0)
        kept: NDArray[np.bool_] = has_values & self.feasible(self._front)
        if not kept.any():
            if self._sums_hold(self._front).all(axis=0).any():
                raise UsageError(
                    "the whole exact front lies outside what a cost model was fitted on; fit it on more, or take a searcher "
                    "that looks elsewhere"
                )
            raise self.rejections.infeasible()
        if len(self.problem.objectives) == 2:
            self.is_proved = bool(kept.all())
            return self._front[kept]
        last = int(np.flatnonzero(kept)[-1])  # the front goes up in the constrained sum and down in the objective
        better = self._front[np.arange(last + 1, len(self._front))]
        could = [one.could_hold(one.value.predict_codes(better.codes)) for one in self.problem.constraints]
        self.is_proved = not np.any(could)
        return self._front[[last]]

    def _sums_hold(self, candidates: Candidates) -> NDArray[np.bool_]:
        """Says where each constraint holds as far as it is a sum, without a cost model's domain; shape (constraints, n)."""
        found = [
            one.within(one.value.predict_codes(candidates.codes), one.widths(candidates))
            for one in self.problem.constraints
        ]
        return np.array(found, dtype=bool).reshape(len(found), len(candidates))

    def _tell(self, candidates: Candidates, losses: Floats, violations: Floats) -> None:
        """Learns nothing."""

    def _state(self) -> dict[str, Any]:
        return {"next": self._next}

    def _restore(self, state: dict[str, Any]) -> None:
        self._answer = self._answered() if state["next"] else None
        self._next = int(state["next"])


def _constrained(constraint: Constraint, sizes: Sequence[int] | Codes) -> Tables:
    """Returns the tables of a constraint's value, with the sign that makes less of it feasible."""
    if constraint.most is not None and constraint.least is not None:
        raise UsageError(f"exact search takes constraints with one bound, on cost models and sizes; got {constraint!r}")
    return _signed(tables_of(constraint.value, sizes), 1 if constraint.most is not None else -1)


def _signed(tables: Tables, sign: int) -> Tables:
    return Tables(sign * tables.base, [sign * one for one in tables.single], [sign * one for one in tables.pairs])

