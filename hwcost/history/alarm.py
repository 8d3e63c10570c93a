"""Alarms: changes that nobody has measured again yet, and which of them can be measured in one campaign."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from hwcost.devices import find, resolve
from hwcost.errors import HwcostError
from hwcost.history.changes import Change
from hwcost.history.judgement import DeviceJudgement, Judgement, RunRange, common_key, run_range
from hwcost.quantities import LATENCY
from hwcost.stores.entries import Confirmation
from hwcost.stores.runs import Run
from hwcost.stores.series import Series

if TYPE_CHECKING:
    from hwcost.history.check import Check

__all__ = ["SERIES", "Alarm", "Setting", "alarms_of", "by_setting", "is_elsewhere"]

REPRESENTATIVES = 5
"""Workloads that are measured for a change that all of a device share."""

SERIES = "series_keys"
"""Name of the workloads that an ambiguous confirmation rests on, by the keys of their series, in its ``extra``."""


@dataclass(frozen=True)
class Alarm:
    """A change to measure again.

    Attributes:
        key: Key of the series, or of the device, under which the confirmation is kept.
        series: Series that are measured for it: the one, or some of the device.
        between: Runs between which the change lies, and whose codes are compared.
        change: The change.
        earlier: Comparison of an earlier night, which left it open; None for a change that was not measured again.
        since: First run of the level before the change; None where it is not known, or for a change of a device.
    """

    key: str
    series: tuple[Series, ...]
    between: RunRange
    change: Change
    earlier: Confirmation | None = None
    since: str | None = None


class Setting(NamedTuple):
    """What one campaign has in common.

    Attributes:
        device: Name of the device.
        backend: Name of the backend.
        options: Options of the backend, as JSON.
        threads: Number of threads within an operator.
        good_commit: Commit before the change; None where it is not known.
        bad_commit: Commit after it.
        device_key: Key of the device; None where it is not known.
    """

    device: str
    backend: str
    options: str
    threads: int
    good_commit: str | None
    bad_commit: str | None
    device_key: str | None


def alarms_of(check: Check) -> list[Alarm]:
    """Returns the alarms of a check that can be measured again: changes of latency that hwcost measured.

    Those that an earlier night left open come first.
    """
    judged, devices = check.alarms()
    found: list[Alarm] = []
    for one in devices:
        of_it = [check.series[judgement.series_key] for judgement in _of_device(check.judgements, check.series, one)]
        found += _alarm(check.runs, one, one.key, _representatives(of_it, one.confirmation))
    for alarm in judged:
        found += _alarm(check.runs, alarm, alarm.series_key, [check.series[alarm.series_key]])
    return sorted(found, key=lambda one: one.earlier is None)


def by_setting(alarms: Sequence[Alarm]) -> dict[Setting, list[Alarm]]:
    """Groups alarms by what one campaign has in common."""
    found: dict[Setting, list[Alarm]] = {}
    for alarm in alarms:
        first, between = alarm.series[0], alarm.between
        options = json.dumps(first.backend_options, sort_keys=True)
        names = first.device, first.backend, options, first.threads or 1
        setting = Setting(*names, between.good_commit, between.bad_commit, first.device_key)
        found.setdefault(setting, []).append(alarm)
    return found


def is_elsewhere(series: Series) -> bool:
    """Says whether a series is of a device of another machine, while this one has a device of that name too."""
    try:
        here = find(resolve(series.device))
    except HwcostError:
        return False
    return here is not None and series.device_key is not None and here.key != series.device_key


def _alarm(
    runs: Sequence[Run], judged: Judgement | DeviceJudgement, key: str, series: Sequence[Series]
) -> Iterator[Alarm]:
    usable = tuple(one for one in series if one.quantity == LATENCY and one.origin == "measured" and one.spec)
    if usable and judged.first_bad is not None and judged.change is not None:
        between = _spanning(runs, judged.first_bad, judged.confirmation)
        since = judged.since if isinstance(judged, Judgement) else None
        yield Alarm(key, usable, between, judged.change, judged.confirmation, since)


def _spanning(runs: Sequence[Run], between: RunRange, earlier: Confirmation | None) -> RunRange:
    """Returns the runs of an earlier confirmation while the change lies between them, so that its rounds still count."""
    place = {run.run_id: index for index, run in enumerate(runs)}
    if earlier is None or not {earlier.before_run_id, earlier.run_id} <= place.keys():
        return between
    good, bad = place[earlier.before_run_id], place[earlier.run_id]
    is_spanned = good <= place[between.last_good] and place[between.first_bad] <= bad
    return run_range(runs, good, bad) if is_spanned else between


def _representatives(of_it: Sequence[Series], earlier: Confirmation | None) -> list[Series]:
    """Chooses the workloads that are measured for a device: those of an earlier night, whose rounds still count then.

    Args:
        of_it: The workloads that show the change.
        earlier: Comparison of an earlier night; None where there was none.
    """
    known = {one.series_key: one for one in of_it}
    kept = [] if earlier is None else earlier.extra.get(SERIES, [])
    return [known[key] for key in kept] if kept and known.keys() >= set(kept) else list(of_it[:REPRESENTATIVES])


def _of_device(
    judgements: Sequence[Judgement], series: Mapping[str, Series], device: DeviceJudgement
) -> Iterator[Judgement]:
    """Yields the judgements that are ok of a device's workloads, which show what all of them share."""
    for one in judgements:
        if one.verdict == "ok" and common_key(series[one.series_key]) == device.key:
            yield one
