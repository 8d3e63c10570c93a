"""Anchors: workloads without an alarm, beside which an alarmed one is compared where the code of before cannot be had."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hwcost.errors import DataError
from hwcost.history.alarm import Setting, can_be_made
from hwcost.history.nights import Nights, read_nights
from hwcost.history.place import correlation_of
from hwcost.history.stretch import Stretch
from hwcost.stores.series import Series

if TYPE_CHECKING:
    from hwcost.history.check import Check
    from hwcost.stores.base import Store

__all__ = ["LEAST_NIGHTS", "Anchors", "anchors_of"]

MOST = 5
"""Anchors that are measured."""

LEAST = 2
"""Anchors below which one that changed itself would not be seen."""

LEAST_NIGHTS = 4
"""Nights before a change in which workload and anchors must have been measured."""


@dataclass(frozen=True)
class Anchors:
    """Anchors of one setting, with the nights that they are compared in.

    Attributes:
        series: The anchors.
        nights: Values of all series of the history.
    """

    series: tuple[Series, ...]
    nights: Nights

    def before(self, series_key: str, last_good: str, alpha: float) -> tuple[float, float]:
        """Returns the log ratio of a workload and the anchors in the nights up to a run.

        Args:
            series_key: Key of the workload's series.
            last_good: Last run before the change.
            alpha: Chance that the interval leaves out the ratio of a further night.

        Returns:
            Mean, and half-width of the interval for one further night without a change, whose rounds all share what nights
            differ by; NaN where too few nights have all of them.
        """
        keys = [series_key, *(one.series_key for one in self.series)]
        rows = {one.series_key: row for row, one in enumerate(self.nights.series)}
        last = [run.run_id for run in self.nights.runs].index(last_good)
        y = self.nights.full[[rows[key] for key in keys], : last + 1]
        ratio = y[0] - y[1:].mean(axis=0)
        ratio = ratio[np.isfinite(ratio)]
        n = len(ratio)
        if n < LEAST_NIGHTS:
            return math.nan, math.nan
        correlation = correlation_of([Stretch(ratio, np.ones(n))])
        error = float(ratio.std(ddof=1)) * math.sqrt(1.0 + (1.0 + correlation) / ((1.0 - correlation) * n))
        return float(ratio.mean()), _quantile(n - 1, alpha) * error


def anchors_of(store: Store, check: Check, setting: Setting, alarmed: Collection[str] = ()) -> Anchors:
    """Chooses the anchors of a setting: those without a change that were measured in most nights.

    Args:
        store: Store of the history.
        check: The check.
        setting: Device, backend and quantity that they are measured in.
        alarmed: Keys of series that are measured for an alarm, and cannot be anchors.

    Raises:
        DataError: When there are fewer than two.
    """
    from hwcost.history.check import WINDOW

    table = store.estimates(run_ids=[run.run_id for run in check.runs[-WINDOW:]])
    nights = read_nights(check.runs, check.series, table)
    steady = (one.series_key for one in check.judgements if one.verdict == "ok" and one.change is None)
    ok = set(steady) - set(alarmed)
    usable = [(int(nights.is_full[row].sum()), one) for row, one in enumerate(nights.series) if one.series_key in ok]
    fitting = sorted(
        ((count, one.series_key, one) for count, one in usable if setting.holds(one) and can_be_made(one)), reverse=True
    )
    if len(fitting) < LEAST:
        raise DataError(
            f"the code of before cannot be had (commit {setting.good_commit or 'unknown'}), and {len(fitting)} workloads "
            f"without an alarm can stand as anchors; it takes {LEAST}"
        )
    return Anchors(tuple(one for _, _, one in fitting[:MOST]), nights)


def _quantile(dof: int, alpha: float) -> float:
    from scipy import special

    return float(special.stdtrit(dof, 1.0 - alpha / 2.0))
