"""Anchors: workloads without an alarm, beside which an alarmed one is compared where the code of before cannot be had."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hwcost._types import Floats
from hwcost.errors import DataError
from hwcost.history.nights import Nights, read_nights
from hwcost.quantities import LATENCY
from hwcost.stores.series import Series

if TYPE_CHECKING:
    from hwcost.history.alarm import Setting
    from hwcost.history.check import Check
    from hwcost.stores.base import Store
    from hwcost.timing.measurement import Measurement

__all__ = ["Anchors", "anchors_of"]

MOST = 5
"""Anchors that are measured."""

LEAST = 2
"""Anchors below which one that changed itself would not be seen."""

LEAST_NIGHTS = 4
"""Nights before a change in which workload and anchors must have been measured."""

Z = 1.959964


@dataclass(frozen=True)
class Anchors:
    """Anchors of one setting, with the nights that they are compared in.

    Attributes:
        series: The anchors.
        nights: Values of all series of the history.
    """

    series: tuple[Series, ...]
    nights: Nights

    def shift(self, series_key: str, last_good: str, measured: Mapping[str, Measurement]) -> tuple[float, float]:
        """Returns by how much a workload moved beside the anchors since the nights before a change.

        Args:
            series_key: Key of the workload's series.
            last_good: Last run before the change.
            measured: Measurements of one campaign by the key of their series.

        Returns:
            Log ratio and half-width of its 95 % interval; NaN where too little is known.
        """
        keys = [one.series_key for one in self.series]
        now = [measured[key] for key in (series_key, *keys)]
        if any(one.latency_s is None or one.paired_half_width is None for one in now):
            return math.nan, math.nan
        before = self._before(series_key, keys, last_good)
        if len(before) < LEAST_NIGHTS:
            return math.nan, math.nan
        logs = np.log([one.latency_s for one in now])  # type: ignore[arg-type] # checked above
        halves = np.array([one.paired_half_width for one in now], dtype=float)
        ratio = float(logs[0] - logs[1:].mean() - before.mean())
        of_anchors = math.sqrt(float((halves[1:] ** 2).sum())) / len(keys)
        of_before = Z * float(before.std(ddof=1)) / math.sqrt(len(before))
        return ratio, math.hypot(float(halves[0]), of_anchors, of_before)

    def _before(self, series_key: str, keys: list[str], last_good: str) -> Floats:
        """Returns the log ratio of a workload and its anchors in the nights up to a run in which all were measured."""
        rows = {one.series_key: row for row, one in enumerate(self.nights.series)}
        last = [run.run_id for run in self.nights.runs].index(last_good)
        y = self.nights.y[[rows[key] for key in (series_key, *keys)], : last + 1]
        ratio = y[0] - y[1:].mean(axis=0)
        return np.asarray(ratio[np.isfinite(ratio)])


def anchors_of(store: Store, check: Check, setting: Setting) -> Anchors:
    """Chooses the anchors of a setting: those without a change that were measured in most nights.

    Raises:
        DataError: When there are fewer than two.
    """
    from hwcost.history.check import WINDOW

    table = store.estimates(run_ids=[run.run_id for run in check.runs[-WINDOW:]])
    nights = read_nights(check.runs, check.series, table)
    ok = {one.series_key for one in check.judgements if one.verdict == "ok" and one.change is None}
    usable = [(int(np.isfinite(nights.y[row]).sum()), one) for row, one in enumerate(nights.series) if one.series_key in ok]
    fitting = sorted(((count, one.series_key, one) for count, one in usable if _fits(one, setting)), reverse=True)
    if len(fitting) < LEAST:
        raise DataError(
            f"the code of before cannot be had (commit {setting.good_commit or 'unknown'}), and {len(fitting)} workloads "
            f"without an alarm can stand as anchors; it takes {LEAST}"
        )
    return Anchors(tuple(one for _, _, one in fitting[:MOST]), nights)


def _fits(one: Series, setting: Setting) -> bool:
    options = json.dumps(one.backend_options, sort_keys=True)
    names = (one.device, one.backend, options, one.threads or 1)
    return names == setting[:4] and one.quantity == LATENCY and one.origin == "measured" and bool(one.spec)
