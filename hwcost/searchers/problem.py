"""The problem that a searcher works on: a space, objectives with directions, and constraints. It never changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hwcost._cached import cached_property
from hwcost._types import Floats, Indices
from hwcost.cost_models.features.tabulate import Tables
from hwcost.errors import InfeasibleError, UsageError
from hwcost.objectives.constraint import Constraint
from hwcost.objectives.cost_function import check_agrees
from hwcost.objectives.objective import Objective
from hwcost.searchers.group_draws import group_draws_of
from hwcost.searchers.layer_draws import layer_draws_of
from hwcost.searchers.sum_draws import SumDraws, ends_of, sums_of
from hwcost.searchers.trial import Trial
from hwcost.spaces.base import SearchSpace
from hwcost.spaces.candidates import Candidates

Member = TypeVar("Member")

ENUMERATED = 100_000
"""Spaces with no more points are listed, so that all feasible architectures are known beforehand."""

FEASIBLE = -1
"""The number that stands for no constraint in :meth:`Problem.violated`."""


class Problem:
    """A space with objectives and constraints; immutable, so that several searches may share it.

    Args:
        space: A space whose architectures can be listed.
        objectives: Objectives, one or more.
        constraints: Constraints; those that are measured are reported in trials, all others are checked before anything is
            evaluated.

    Attributes:
        references: Losses to be dominated, shape (objectives,); None unless every objective has a reference.

    Raises:
        UsageError: Without any objective, or when two objectives or measured constraints have the same name.
        ContractError: When a vectorised function of the user's values an architecture otherwise alone than among others.
    """

    def __init__(
        self, space: SearchSpace, objectives: Sequence[Objective], constraints: Sequence[Constraint] = ()
    ) -> None:
        if not isinstance(space, SearchSpace):
            raise UsageError(f"a search needs a search space, such as hwcost.space('supershaper'), got {space!r:.60}")
        _ = space.size
        self._space = space
        self._objectives = _all_are(Objective, objectives, "objectives: a list of Minimize(...) and Maximize(...)")
        self._constraints = _all_are(Constraint, constraints, "constraints: a list of Constraint(value, most=...)")
        names = [objective.name for objective in self._objectives]
        if not names:
            raise UsageError("a search needs at least one objective: Minimize(...) or Maximize(...)")
        names += [one.name for one in self.measured]
        if len(set(names)) < len(names):
            raise UsageError(
                f"objectives and measured constraints need different names, got {', '.join(names)}; give one with name="
            )
        for value in self.asked:
            check_agrees(value, space)

    @property
    def space(self) -> SearchSpace:
        """The space."""
        return self._space

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """The objectives, in the order of losses."""
        return self._objectives

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """All constraints."""
        return self._constraints

    @property
    def asked(self) -> list[Any]:
        """Cost functions of all objectives and constraints, in order."""
        return [*(one.value for one in self._objectives), *(one.value for one in self._constraints)]

    @cached_property
    def measured(self) -> tuple[Constraint, ...]:
        """Constraints whose values are found together with the objectives."""
        return tuple(one for one in self._constraints if one.measured)

    @cached_property
    def sizes(self) -> Indices:
        """Number of choices of every gene, shape (genes,)."""
        return np.array([len(gene.choices) for gene in self._space.genes], dtype=np.intp)

    @cached_property
    def signs(self) -> Floats:
        """1 for objectives that are minimised and -1 for those that are maximised, shape (objectives,)."""
        return np.array([objective.sign for objective in self._objectives], dtype=np.float64)

    @cached_property
    def references(self) -> Floats | None:
        """Losses to be dominated, shape (objectives,); None unless every objective has a reference."""
        given = [one.reference for one in self._objectives if one.reference is not None]
        return self.signs * np.array(given) if len(given) == len(self._objectives) else None

    # -- constraints ---------------------------------------------------------------------------------------------------

    def feasible(self, candidates: Candidates) -> NDArray[np.bool_]:
        """Says which candidates satisfy all constraints that can be checked before evaluation, shape (n,)."""
        return np.asarray(self.violated(candidates) == FEASIBLE)

    def violated(self, candidates: Candidates) -> Indices:
        """Returns the index of the first constraint that each candidate violates, or ``FEASIBLE``, shape (n,)."""
        found = np.full(len(candidates), FEASIBLE, dtype=np.intp)
        for index, constraint in enumerate(self._constraints):
            rows = np.flatnonzero(found == FEASIBLE)
            if constraint.measured or not len(rows):
                continue
            feasible = constraint.feasible(candidates if len(rows) == len(candidates) else candidates[rows])
            found[rows[~feasible]] = index
        return found

    @cached_property
    def listed(self) -> Candidates | None:
        """Every architecture, feasible or not, of a space small enough to be listed; None for larger ones."""
        return Candidates.all(self._space) if self._space.size <= ENUMERATED else None

    @cached_property
    def judged(self) -> tuple[Constraint, ...]:
        """Constraints that are checked before anything is evaluated."""
        return tuple(one for one in self._constraints if not one.measured)

    def violations(self, candidates: Candidates) -> Floats:
        """Returns how far candidates are outside each constraint, shape (constraints, n); 0 for those that are measured."""
        none = np.zeros(len(candidates))
        found = [none if one.measured else one.violation(candidates) for one in self._constraints]
        return np.reshape(found, (len(found), len(candidates)))

    @cached_property
    def sums(self) -> tuple[tuple[Constraint, Tables], ...]:
        """Constraints on sums over genes that are checked beforehand, each with the sum."""
        found = ((one, sums_of(one, self.sizes)) for one in self.judged)
        return tuple((one, tables) for one, tables in found if tables is not None)

    @cached_property
    def draws(self) -> tuple[tuple[Constraint, SumDraws], ...]:
        """Constraints on sums over genes, or over layers, each with what draws from all architectures that satisfy it."""
        plain = [one for one, _ in self.sums]
        found = ((one, layer_draws_of(one, self._space)) for one in self.judged if one not in plain)
        layered = [(one, draws) for one, draws in found if draws is not None]
        return (*((one, SumDraws(tables, *ends_of(one))) for one, tables in self.sums), *layered)

    @cached_property
    def group_draws(self) -> tuple[tuple[Constraint, SumDraws], ...]:
        """The same of constraints on sums over groups of genes; all points of all groups are counted for it."""
        plain = [one for one, _ in self.draws]
        found = ((one, group_draws_of(one, self.sizes)) for one in self.judged if one not in plain)
        return tuple((one, draws) for one, draws in found if draws is not None)

    def refuse_impossible(self, has_groups: bool = False) -> None:
        """Refuses bounds on a sum over genes between which no architecture lies; nothing is drawn for it.

        Spaces that are listed are not looked at, since all of their architectures are judged anyway.

        Args:
            has_groups: Whether sums over groups of genes are looked at too, all points of which are then counted.

        Raises:
            InfeasibleError: When there is such a constraint; says what the space reaches.
        """
        if self._space.size <= ENUMERATED:
            return
        for constraint, draws in (*self.draws, *(self.group_draws if has_groups else ())):
            if draws.is_empty:
                least, largest = map(constraint.formatted, draws.reach)
                below, above = draws.nearest
                is_gap = draws.is_exact and below is not None and above is not None
                near = f"; the nearest to these bounds are {below:.12g} and {above:.12g}" if is_gap else ""
                raise InfeasibleError(
                    f"no architecture of space '{self._space.name}' satisfies {constraint.bounds}: they reach from {least} "
                    f"to {largest}{near}. Loosen the constraint, or take another space"
                )

    # -- numbers -------------------------------------------------------------------------------------------------------

    def losses(self, trials: Sequence[Trial]) -> Floats:
        """Returns the values to be minimised, shape (n, objectives); infinite for trials without values."""
        empty = (np.nan,) * len(self._objectives)
        rows = np.array([trial.values or empty for trial in trials], dtype=np.float64)
        losses = self.signs * rows.reshape(len(trials), len(self._objectives))
        return np.where(np.isnan(losses), np.inf, losses)

    def known(self, candidates: Candidates) -> list[Floats | None]:
        """Returns every candidate's loss for each objective that is vectorised, shape (n,); None for the others."""
        return [
            sign * objective.values(candidates) if objective.is_vectorised else None
            for sign, objective in zip(self.signs, self._objectives, strict=True)
        ]


def _all_are(kind: type[Member], given: Sequence[Member], what: str) -> tuple[Member, ...]:
    """Returns objectives or constraints as a tuple.

    Raises:
        UsageError: When they are something else, or one that does not stand in a list.
    """
    found = tuple(given) if isinstance(given, Iterable) else (given,)
    wrong = [given] if not isinstance(given, Iterable) else [one for one in found if not isinstance(one, kind)]
    if wrong:
        raise UsageError(f"a search takes {what}; got {wrong[0]!r:.60}")
    return found
