"""Measures alarms again before they count: the code of before and of after, interleaved in one campaign.

Both codes come from working trees of their commits. Every round has a process for each, in random order, and both share the
machine's state of that round. Where the code of before cannot be had, the alarmed workloads are measured beside anchors:
workloads of the same suite without an alarm. Their ratios now are compared with their ratios in the nights before the
change; that tells a change from a few bad nights, though not the code from what else changed for these workloads alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hwcost.campaign.differences import Comparison, Difference, differences, verdicts
from hwcost.campaign.options import MeasureOptions
from hwcost.campaign.plan import Item
from hwcost.campaign.roles import CONFIRMATION
from hwcost.campaign.run import run, start
from hwcost.errors import HwcostError, InterruptedRunError, MeasurementError
from hwcost.history.alarm import Alarm, Setting, alarms_of, by_setting
from hwcost.history.anchors import Anchors, anchors_of
from hwcost.history.check import AT
from hwcost.history.confirmation import confirm
from hwcost.history.worktree import has_commit, repository_of, tree_of
from hwcost.stores.entries import Confirmation
from hwcost.workloads import RevisionWorkload, from_dict

if TYPE_CHECKING:
    from hwcost.campaign.run import Result
    from hwcost.history.check import Check
    from hwcost.stores.base import Store
    from hwcost.stores.series import Series
    from hwcost.timing.measurement import Measurement
    from hwcost.workloads.base import Workload

__all__ = ["measure_again"]

BUDGET_S = 300.0
"""Seconds of a campaign that measures alarms again, where nothing else was asked for."""


def measure_again(
    store: Store,
    check: Check,
    *,
    folder: Path | None = None,
    budget_s: float | None = None,
    tier: str = "standard",
    say: Callable[[str], None] = lambda text: None,
) -> list[str]:
    """Measures all alarms of a check again, and keeps a confirmation of each.

    Args:
        store: Store of the history, which takes the campaigns and the confirmations.
        check: The check.
        folder: Folder that the code's modules are imported from; None for the present one.
        budget_s: Seconds of each campaign; None for 300.
        tier: Precision of the campaigns.
        say: Function that gets a line before each campaign.

    Returns:
        Remarks on what could not be measured again; those alarms stay unconfirmed.

    Raises:
        InterruptedRunError: On Ctrl-C; what was confirmed by then is kept.
        StoreError: When the store cannot be written.
    """
    again = _Again(store, check, (folder or Path.cwd()).resolve(), budget_s or BUDGET_S, tier)
    alarms, remarks = list(alarms_of(check)), []
    judged, devices = check.alarms()
    other = len(judged) + len(devices) - len(alarms)
    if other:
        remarks.append(f"{other} alarms are not of latencies that hwcost measured, and stay unconfirmed.")
    for setting, group in by_setting(alarms).items():
        say(f"Measuring {len(group)} alarms again on {setting.device} with {setting.backend}.")
        try:
            for entry in again.confirmations(setting, group):
                store.add_entry(entry)
        except InterruptedRunError:
            raise
        except HwcostError as error:
            remarks.append(f"{len(group)} alarms on {setting.device} with {setting.backend} stay unconfirmed: {error}")
    return remarks


class _Again:
    """Measures groups of alarms."""

    def __init__(self, store: Store, check: Check, folder: Path, budget_s: float, tier: str) -> None:
        self.store, self.check, self.folder, self.budget_s, self.tier = store, check, folder, budget_s, tier

    def confirmations(self, setting: Setting, alarms: Sequence[Alarm]) -> Iterator[Confirmation]:
        """Yields a confirmation of every alarm: by working trees where both codes can be had and built, else by anchors."""
        repository = repository_of(self.folder)
        left = list(alarms)
        if repository is not None and self._has_both(repository, setting):
            found = list(self._by_worktree(repository, setting, alarms))
            yield from found
            done = {one.series_key for one in found}
            left = [alarm for alarm in alarms if alarm.key not in done]
        if left:
            yield from self._by_anchors(setting, left)

    def _has_both(self, repository: Path, setting: Setting) -> bool:
        good, bad = setting.good_commit, setting.bad_commit
        if good is None or bad is None or good == bad:
            return False
        return has_commit(repository, good) and has_commit(repository, bad)

    def _by_worktree(self, repository: Path, setting: Setting, alarms: Sequence[Alarm]) -> Iterator[Confirmation]:
        """Yields a confirmation of every alarm whose workloads could be built from both trees."""
        workloads = [_workload(one) for alarm in alarms for one in alarm.series]
        unique = list({one.key: one for one in workloads}.values())
        with ExitStack() as stack:
            arms = [
                (commit, stack.enter_context(tree_of(repository, commit, self.folder)))
                for commit in (setting.good_commit, setting.bad_commit)
                if commit is not None
            ]
            made = [RevisionWorkload.of(one, commit, *tree) for one in unique for commit, tree in arms]
            result = self._measured(setting, [Item(one, CONFIRMATION) for one in made])
        _refuse_void(result.measurements)
        inner = [replace(one, workload=of.workload) for one, of in zip(result.measurements, made, strict=True)]
        before, after = ({one.workload.key: one for one in inner[side::2]} for side in (0, 1))
        for alarm in alarms:
            keys = [_workload(one).key for one in alarm.series]
            if any(side[key].status == "failed" for side in (before, after) for key in keys):
                continue
            found = differences([before[key] for key in keys], [after[key] for key in keys], is_together=True)
            yield self._confirmation(alarm, _judged(alarm, found), result.campaign_id, "worktree")

    def _by_anchors(self, setting: Setting, alarms: Sequence[Alarm]) -> Iterator[Confirmation]:
        anchors = anchors_of(self.store, self.check, setting)
        wanted = {one.series_key: one for alarm in alarms for one in alarm.series}
        workloads = [_workload(one) for one in [*wanted.values(), *anchors.series]]
        result = self._measured(setting, [Item(one, CONFIRMATION) for one in workloads])
        _refuse_void(result.measurements)
        measured = dict(zip([*wanted, *(one.series_key for one in anchors.series)], result.measurements, strict=True))
        for alarm in alarms:
            yield self._confirmation(alarm, _against(anchors, alarm, measured), result.campaign_id, "anchors")

    def _measured(self, setting: Setting, items: Sequence[Item]) -> Result:
        options = MeasureOptions(
            device=setting.device, backend=setting.backend, backend_options=json.loads(setting.options),
            threads=setting.threads, tier=self.tier, role=CONFIRMATION,
        )  # fmt: skip
        campaign_id = start(options.plan(items), self.store)
        return run(self.store, campaign_id, budget_s=self.budget_s)

    def _confirmation(self, alarm: Alarm, found: Difference, campaign_id: str, how: str) -> Confirmation:
        return Confirmation(
            series_key=alarm.key, run_id=alarm.between.first_bad, before_run_id=alarm.between.last_good,
            outcome=confirm(alarm.change, found), log_ratio=found.log_ratio, half_width=found.half_width,
            campaign_id=campaign_id, how=how, extra={AT: self.check.run.run_id},
        )  # fmt: skip


def _refuse_void(measurements: Sequence[Measurement]) -> None:
    """Raises MeasurementError where nothing that was measured can be used; one that failed is another matter."""
    if any(one.latency_s is not None for one in measurements):
        return
    flags = [flag for one in measurements if one.status == "void" for visit in one.visits for flag in visit.flags]
    if flags:
        raise MeasurementError(f"measured again, and nothing of it counts: {flags[0]}")


def _workload(series: Series) -> Workload:
    """Makes the workload of a series, whatever the file of its factory holds at the commit that is measured."""
    return from_dict({**series.spec, "source": ""} if "source" in series.spec else series.spec)


def _judged(alarm: Alarm, found: Comparison) -> Difference:
    """Returns the difference of an alarm: of its workload, or of all that stand for a device."""
    return found.workloads[0] if len(alarm.series) == 1 else found.overall


def _against(anchors: Anchors, alarm: Alarm, measured: dict[str, Measurement]) -> Difference:
    """Compares the present ratio of an alarmed workload and the anchors with that of the nights before the change.

    What all of a device share cannot be seen so, since the anchors have it too.
    """
    ratio = half = math.nan
    if len(alarm.series) == 1:
        ratio, half = anchors.shift(alarm.series[0].series_key, alarm.between.last_good, measured)
    return verdicts([alarm.key], np.array([ratio]), np.array([half]))[0]
