"""Rows of one architecture in succession are one visit of it: many tools time a net several times before the next one.

Within a visit nothing but noise differs. What the machine's level did shows from visit to visit, as it does from row to row
where every net was timed once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwcost._cached import cached_property
from hwcost._types import Floats, Indices
from hwcost.cost_models.features.groups import Groups
from hwcost.cost_models.features.repeats import without_own


@dataclass(frozen=True)
class Visits:
    """Which of n rows, in the order of measurement, are of one visit.

    Attributes:
        numbers: Visit of each row, from 0, ascending, shape (n,).
    """

    numbers: Indices

    @classmethod
    def of(cls, groups: Groups, runs: Indices | None = None) -> Visits:
        """Finds the visits of the architectures of n rows; none reaches from one measuring run (n,) into the next."""
        begins = np.diff(groups.numbers) != 0
        if runs is not None:
            begins |= np.diff(runs) != 0
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
        return np.array([np.median(part) for part in np.split(values, self.first[1:])], dtype=np.float64)

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

    def groups(self, groups: Groups) -> Groups:
        """Returns the architectures of the visits, from those of the rows."""
        return groups if self.are_rows else Groups(groups.numbers[self.first])
