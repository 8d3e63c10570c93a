"""What a searcher sees: a space, directions, limits that are checked before anything is asked for, and numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.errors import InfeasibleError, UsageError
from hwcost.objectives.objective import Objective
from hwcost.objectives.population import Population, sizes_of
from hwcost.searchers.trial import Trial
from hwcost.spaces.base import Architecture, SearchSpace

ENUMERATED = 100_000
"""Spaces with no more points are listed, so that what the limits allow is known beforehand."""


REMEMBERED = 200_000
"""Refusals, repeats included, after which further ones are only counted."""


class Check(Protocol):
    """A limit, see :class:`hwcost.objectives.Limit` and :class:`hwcost.objectives.Bound`."""

    name: str
    measured: bool

    def holds(self, archs: Sequence[Architecture] | Population) -> NDArray[np.bool_]:
        """Says for each architecture whether it may be taken."""

    def refusals(self, archs: Sequence[Architecture] | Population) -> list[str | None]:
        """Returns for each architecture why it is refused; None where it is not."""


class Refusal(NamedTuple):
    """An architecture that a limit kept from being asked for.

    Attributes:
        architecture: Which.
        limit: Name of the limit.
        reason: In words.
    """

    architecture: Architecture
    limit: str
    reason: str


class Problem:
    """A space with objectives and limits.

    Args:
        space: A space whose architectures can be listed.
        objectives: At least one.
        limits: What must hold; those that are measured are told back in trials.

    Attributes:
        references: Losses to be dominated, shape (objectives,); None unless every objective has a reference. A study sets
            them when it has evaluated the architecture that is its reference.
        refused: How often each limit refused an architecture, repeats included.

    Raises:
        UsageError: When there is no objective, or two, or two measured limits, have one name.
    """

    def __init__(self, space: SearchSpace, objectives: Sequence[Objective], limits: Sequence[Check] = ()) -> None:
        _ = space.size
        names = [objective.name for objective in objectives]
        if not names:
            raise UsageError("a search needs at least one objective: Minimize(...) or Maximize(...)")
        names += [limit.name for limit in limits if limit.measured]
        if len(set(names)) < len(names):
            raise UsageError(
                f"objectives, and limits that are told back, have names of their own, got {', '.join(names)}; give one with "
                f"name="
            )
        self.space = space
        self.objectives = tuple(objectives)
        self.limits = tuple(limits)
        self.signs = np.array([objective.sign for objective in objectives], dtype=np.float64)
        given = [objective.reference for objective in objectives]
        self.references: Floats | None = None if None in given else self.signs * np.array(given, dtype=np.float64)
        self.refused: Counter[str] = Counter()
        self._refused: list[tuple[NDArray[np.intp], int]] = []

    @cached_property
    def sizes(self) -> NDArray[np.intp]:
        """Number of choices of every gene."""
        return np.array(sizes_of(self.space), dtype=np.intp)

    # -- limits --------------------------------------------------------------------------------------------------------

    def allowed(self, population: Population) -> NDArray[np.bool_]:
        """Says which architectures keep all limits that can be checked now; remembers the others with their reason."""
        kept = np.ones(len(population), dtype=bool)
        for index, limit in enumerate(self.limits):
            if limit.measured or not kept.any():
                continue
            rows = np.flatnonzero(kept)
            holds = limit.holds(population.where(rows))
            if not holds.all():
                self._remember(population.codes[rows[~holds]], index)
                kept[rows[~holds]] = False
        return kept

    def _remember(self, codes: NDArray[np.intp], index: int) -> None:
        """Counts refusals, and keeps the first ones for whoever asks for the reasons."""
        if self.refused.total() < REMEMBERED:
            self._refused.append((codes, index))
        self.refused[self.limits[index].name] += len(codes)

    def refusals(self) -> Iterator[Refusal]:
        """Yields refused architectures, each once, with the limit that refused it first; of very many the first ones."""
        known: set[bytes] = set()
        for codes, index in self._refused:
            population = Population(self.space, codes)
            fresh = {key: row for row, key in enumerate(population.keys) if key not in known}
            known.update(fresh)
            limit, rows = self.limits[index], population.where(sorted(fresh.values()))
            for arch, reason in zip(rows.archs, limit.refusals(rows), strict=True):
                yield Refusal(arch, limit.name, reason or "refused")

    def infeasible(self) -> InfeasibleError:
        """Returns the error that says which limits refused what was tried."""
        told = ", ".join(f"'{name}' refused {count}" for name, count in self.refused.most_common())
        ends = Population(self.space, np.stack([np.zeros_like(self.sizes), self.sizes - 1]))
        return InfeasibleError(
            f"no architecture of space '{self.space.name}' was found that keeps the limits: {told}. With all the first "
            f"choices: {self._why(ends.where([0]))}; with all the last ones: {self._why(ends.where([1]))}. Loosen a limit, "
            f"or take another space"
        )

    def _why(self, one: Population) -> str:
        reasons = [reason for limit in self.limits if not limit.measured for reason in limit.refusals(one) if reason]
        return ", ".join(reasons) or "allowed"

    @cached_property
    def candidates(self) -> Population | None:
        """Every allowed architecture of a space small enough to be listed; None for larger ones.

        Raises:
            InfeasibleError: When there is none.
        """
        if self.space.size > ENUMERATED:
            return None
        whole = Population.everything(self.space)
        kept = whole.where(np.flatnonzero(self.allowed(whole)))
        if not len(kept):
            raise self.infeasible()
        return kept

    # -- numbers -------------------------------------------------------------------------------------------------------

    def losses(self, trials: Sequence[Trial]) -> Floats:
        """Returns what is to be minimised, shape (n, objectives); infinite for trials without values."""
        empty = (np.nan,) * len(self.objectives)
        rows = np.array([trial.values or empty for trial in trials], dtype=np.float64)
        losses = self.signs * rows.reshape(len(trials), len(self.objectives))
        return np.where(np.isnan(losses), np.inf, losses)

    def known(self, population: Population) -> list[Floats | None]:
        """Returns, per objective, every architecture's loss where the objective can say it at once; else None."""
        return [
            sign * objective.values(population) if objective.is_cheap else None
            for sign, objective in zip(self.signs, self.objectives, strict=True)
        ]
