"""Anchors: workloads without an alarm, beside which an alarmed one is compared where the code of before cannot be had."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hwcost._cached import cached_property
from hwcost.errors import DataError
from hwcost.history.alarm import Setting, can_be_made
from hwcost.history.nights import Nights, read_nights
from hwcost.history.place import correlation_of
from hwcost.history.stretch import Stretch
from hwcost.stores.series import Series

if TYPE_CHECKING:
    from hwcost.history.check import Check
    from hwcost.stores.base import Store

__all__ = ["LEAST", "LEAST_NIGHTS", "Anchors", "anchors_of"]

MOST = 5
"""Anchors that are measured."""

LEAST = 2
"""Anchors below which one that changed itself would not be seen."""

LEAST_NIGHTS = 4
"""Nights of one level before a change in which workload and anchors must have been measured."""


@dataclass(frozen=True)
class Anchors:
    """Anchors of one setting, with the nights that they are compared in.

    Attributes:
        series: The anchors.
        nights: Values of all series of the history.
        first: Index of the first run of each anchor's present level, in their order.
    """

    series: tuple[Series, ...]
    nights: Nights
    first: tuple[int, ...]

    def at_one_level(self, since: str, last_good: str) -> Anchors:
        """Returns the anchors that have four nights or more of their present level between two runs, both included."""
        begin, last = self._places[since], self._places[last_good]
        kept = []
        for one, first in zip(self.series, self.first, strict=True):
            y = self.nights.full[self._rows[one.series_key], max(begin, first) : last + 1]
            kept += [(one, first)] if np.isfinite(y).sum() >= LEAST_NIGHTS else []
        return Anchors(tuple(one for one, _ in kept), self.nights, tuple(first for _, first in kept))

    def before(self, series_key: str, since: str, last_good: str, alpha: float) -> tuple[float, float]:
        """Returns the log ratio of a workload and the anchors between two runs, while the anchors had their present levels.

        Args:
            series_key: Key of the workload's series.
            since: First run of the workload's level before the change.
            last_good: Last run before the change.
            alpha: Chance that the interval leaves out the ratio of a further night.

        Returns:
            Mean, and half-width of the interval for one further night without a change, whose rounds all share what nights
            differ by; NaN where too few nights have all of them.
        """
        rows = [self._rows[series_key], *(self._rows[one.series_key] for one in self.series)]
        first, last = max(self._places[since], *self.first), self._places[last_good]
        y = self.nights.full[rows, first : last + 1]
        ratio = y[0] - y[1:].mean(axis=0)
        ratio = ratio[np.isfinite(ratio)]
        n = len(ratio)
        if n < LEAST_NIGHTS:
            return math.nan, math.nan
        correlation = correlation_of([Stretch(ratio, np.ones(n))])
        error = float(ratio.std(ddof=1)) * math.sqrt(1.0 + (1.0 + correlation) / ((1.0 - correlation) * n))
        return float(ratio.mean()), _quantile(n - 1, alpha) * error

    @cached_property
    def _rows(self) -> dict[str, int]:
        """Rows of the nights by the key of their series."""
        return {one.series_key: row for row, one in enumerate(self.nights.series)}

    @cached_property
    def _places(self) -> dict[str, int]:
        """Columns of the nights by their run."""
        return {run.run_id: place for place, run in enumerate(self.nights.runs)}


def anchors_of(store: Store, check: Check, setting: Setting, why: str, alarmed: Collection[str] = ()) -> Anchors:
    """Chooses the anchors of a setting: those without a change that have most nights of their present level.

    Args:
        store: Store of the history.
        check: The check.
        setting: Device, backend and quantity that they are measured in.
        why: Reason why anchors are needed, for the error.
        alarmed: Keys of series that are measured for an alarm, and cannot be anchors.

    Raises:
        DataError: When there are fewer than two.
    """
    from hwcost.history.check import WINDOW

    table = store.estimates(run_ids=[run.run_id for run in check.runs[-WINDOW:]])
    nights = read_nights(check.runs, check.series, table)
    places = {run.run_id: place for place, run in enumerate(nights.runs)}
    steady = [one for one in check.judgements if one.verdict == "ok" and one.change is None]
    ok = {one.series_key: one.since for one in steady if one.series_key not in alarmed}
    fitting: list[tuple[int, str, Series, int]] = []
    for row, one in enumerate(nights.series):
        if one.series_key in ok and setting.holds(one) and can_be_made(one):
            first = places.get(ok[one.series_key] or "", 0)
            fitting.append((int(nights.is_full[row, first:].sum()), one.series_key, one, first))
    fitting.sort(reverse=True)
    if len(fitting) < LEAST:
        text = f"{len(fitting)} workloads without an alarm can stand as anchors; it takes {LEAST}"
        raise DataError(f"{why}, and {text}" if why else text)
    chosen = fitting[:MOST]
    return Anchors(tuple(one for _, _, one, _ in chosen), nights, tuple(first for *_, first in chosen))


def _quantile(dof: int, alpha: float) -> float:
    from scipy import special

    return float(special.stdtrit(dof, 1.0 - alpha / 2.0))
