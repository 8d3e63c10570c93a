"""The candidates that constraints kept from being evaluated, with the reason of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, overload

import numpy as np

from hwcost._types import Indices
from hwcost.errors import InfeasibleError
from hwcost.objectives.constraint import Constraint
from hwcost.searchers.problem import FEASIBLE, Problem
from hwcost.spaces.base import Architecture
from hwcost.spaces.candidates import Candidates

REMEMBERED = 200_000
"""Rejections, repeats included, after which further ones are only counted."""


class Rejection(NamedTuple):
    """An architecture that a constraint kept from being evaluated.

    Attributes:
        architecture: The infeasible architecture.
        constraint: Name of the first constraint that it violates.
        reason: The violation in words.
    """

    architecture: Architecture
    constraint: str
    reason: str


class Rejections(Sequence[Rejection]):
    """Rejected architectures, each once, in the order of rejection; of very many the first ones.

    Args:
        problem: The problem whose constraints reject.

    Attributes:
        counts: Number of candidates that each constraint rejected, by its name, repeats included.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.counts: Counter[str] = Counter()
        self._recorded: list[tuple[Candidates, int]] = []
        self._distinct: list[Rejection] | None = None

    def record(self, candidates: Candidates, violated: Indices) -> None:
        """Records the candidates that violate a constraint.

        Args:
            candidates: n candidates.
            violated: Answer of :meth:`~hwcost.searchers.problem.Problem.violated`, shape (n,).
        """
        for index in sorted(set(violated.tolist()) - {FEASIBLE}):
            rows = candidates[violated == index]
            if not self.is_full:
                self._recorded.append((rows, index))
                self._distinct = None
            self.counts[self.problem.constraints[index].name] += len(rows)

    @property
    def is_full(self) -> bool:
        """Whether further rejections are only counted."""
        return self.counts.total() >= REMEMBERED

    def pass_over(self, constraint: Constraint, number: int) -> None:
        """Counts architectures that a constraint keeps out and nobody looks at.

        Args:
            constraint: A constraint of the problem.
            number: Number of architectures.
        """
        self.counts[constraint.name] += number

    def infeasible(self, nearest: Candidates | None = None) -> InfeasibleError:
        """Returns the error that says which constraints rejected everything that was tried.

        Args:
            nearest: The candidate that violates the constraints least, of all that were tried; None where that is unknown.
        """
        counted = ", ".join(f"'{name}' rejected {count}" for name, count in self.counts.most_common())
        sizes, space = self.problem.sizes, self.problem.space
        first, last = (self._why(Candidates(space, ends[None])) for ends in (np.zeros_like(sizes), sizes - 1))
        closest = "" if nearest is None else f"The nearest one that was tried: {self._why(nearest)}. "
        return InfeasibleError(
            f"no architecture of space '{space.name}' was found that satisfies the constraints: {counted}. With all the "
            f"first choices: {first}; with all the last ones: {last}. {closest}Loosen a constraint, or take another space"
        )

    def _why(self, one: Candidates) -> str:
        checked = [constraint for constraint in self.problem.constraints if not constraint.measured]
        return ", ".join(reason for constraint in checked for reason in constraint.reasons(one) if reason) or "feasible"

    def __repr__(self) -> str:
        return f"<rejections by constraint, repeats included: {dict(self.counts)}>"

    # -- the sequence --------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._all())

    @overload
    def __getitem__(self, index: int) -> Rejection: ...
    @overload
    def __getitem__(self, index: slice) -> list[Rejection]: ...
    def __getitem__(self, index: int | slice) -> Rejection | list[Rejection]:
        return self._all()[index]

    def _all(self) -> list[Rejection]:
        """Returns every rejected architecture once; reasons are found when they are first asked for."""
        if self._distinct is None:
            known: set[bytes] = set()
            self._distinct = []
            for candidates, index in self._recorded:
                new = {key: row for row, key in enumerate(candidates.keys) if key not in known}
                known.update(new)
                constraint, rows = self.problem.constraints[index], candidates[sorted(new.values())]
                pairs = zip(rows, constraint.reasons(rows), strict=True)
                self._distinct += [Rejection(arch, constraint.name, reason or "rejected") for arch, reason in pairs]
        return self._distinct
