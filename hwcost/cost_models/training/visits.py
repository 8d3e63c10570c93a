"""Rows in succession that tell one value of the machine's level together.

Many tools time a net several times before the next one: these rows are one *visit* of it. Within a visit nothing but noise
differs. Others time each net at all batch sizes, or on all devices, before the next one: these rows are a *sweep*. Within a
sweep the order follows size, so that the level within it is not known. From visit to visit, and from sweep to sweep, the
level shows as it does from row to row where every net was timed once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost._cached import cached_property
from hwcost._types import Floats, Indices
from hwcost.cost_models.features.groups import Groups
from hwcost.cost_models.features.repeats import without_own

FEWEST_SWEEPS = 30
"""Sweeps from which a level that moves from one to the next can be estimated."""


@dataclass(frozen=True)
class Visits:
    """Which of n rows, in the order of measurement, are of one visit or sweep.

    Attributes:
        numbers: Visit of each row, from 0, ascending, shape (n,).
    """

    numbers: Indices

    @classmethod
    def of(cls, groups: Groups, runs: Indices | None = None) -> Visits:
        """Finds the visits of the architectures of n rows; none reaches from one measuring run (n,) into the next."""
        return cls._between(np.diff(groups.numbers) != 0, runs)

    @classmethod
    def single(cls, n: int) -> Visits:
        """Takes each of n rows for one of its own."""
        return cls(np.arange(n, dtype=np.intp))

    @classmethod
    def sweeps(cls, genes: Floats, runs: Indices | None = None) -> Iterator[Visits]:
        """Yields the sweeps of two rows or more on average in which all columns of a net stand still, the shortest first.

        Columns that stand still are those of a net where they have many different values together.

        Args:
            genes: Encoded architectures in the order of measurement, shape (n, genes).
            runs: Measuring run of each, shape (n,); no sweep reaches from one into the next.
        """
        changes = np.diff(genes, axis=0) != 0
        counts = changes.sum(axis=0)
        for most in sorted(set(counts.tolist()), reverse=True):
            still = counts <= most
            found = cls._between(changes[:, still].any(axis=1), runs)
            if len(found) <= len(genes) / 2 and len(np.unique(genes[found.first][:, still], axis=0)) >= FEWEST_SWEEPS:
                yield found

    @classmethod
    def _between(cls, begins: NDArray[np.bool_], runs: Indices | None) -> Visits:
        """Makes visits from whether each row but the first begins a new one, shape (n - 1,)."""
        begins = begins if runs is None else begins | (np.diff(runs) != 0)
        return cls(np.concatenate([[0], np.cumsum(begins)]).astype(np.intp))

    def __len__(self) -> int:
        """Returns the number of visits."""
        return len(self.first)

    @cached_property
    def first(self) -> Indices:
        """First row of each visit, shape (visits,)."""
        return np.flatnonzero(np.diff(self.numbers, prepend=-1)).astype(np.intp)

    @property
    def last(self) -> Indices:
        """Last row of each visit, shape (visits,)."""
        return np.append(self.first[1:], len(self.numbers)) - 1

    @property
    def are_rows(self) -> bool:
        """Whether every visit is a single row."""
        return len(self) == len(self.numbers)

    def middles(self, values: Floats) -> Floats:
        """Returns the median of the values (n,) of each visit, shape (visits,)."""
        if self.are_rows:
            return values
        lengths, found = self.last - self.first + 1, np.empty(len(self))
        for length in np.unique(lengths):
            visits = np.flatnonzero(lengths == length)
            found[visits] = np.median(values[self.first[visits][:, None] + np.arange(length)], axis=1)
        return found

    def at_rows(self, values: Floats) -> Floats:
        """Returns values of visits (visits,) at their rows, shape (n,)."""
        return values if self.are_rows else np.asarray(values[self.numbers])

    def without_own(self, groups: Groups, errors: Floats) -> Floats:
        """Returns left-out errors (n,) less what other visits of the same architecture share.

        See :func:`hwcost.cost_models.features.repeats.without_own`.

        Args:
            groups: The architectures of the rows.
            errors: Errors of log latency from fits that have not seen the architecture, shape (n,).
        """
        if self.are_rows:
            return without_own(groups, errors)
        middles = self.middles(errors)
        return errors + self.at_rows(without_own(self.groups(groups), middles) - middles)

    def of_wider(self, wider: Visits) -> Visits:
        """Returns wider ones, of these visits (visits,), as ones of the rows."""
        return self if wider.are_rows else Visits(np.asarray(wider.numbers[self.numbers]))

    def groups(self, groups: Groups) -> Groups:
        """Returns the architectures of the visits, from those of the rows."""
        return groups if self.are_rows else Groups(groups.numbers[self.first])
