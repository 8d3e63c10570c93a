"""Alarms: changes that nobody has measured again yet, and which of them can be measured in one campaign."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from hwcost.history.changes import Change
from hwcost.history.judgement import DeviceJudgement, Judgement, RunRange
from hwcost.quantities import LATENCY
from hwcost.stores.series import Series

if TYPE_CHECKING:
    from hwcost.history.check import Check

__all__ = ["Alarm", "Setting", "alarms_of", "by_setting"]

REPRESENTATIVES = 5
"""Workloads that are measured for a change that all of a device share."""


@dataclass(frozen=True)
class Alarm:
    """A change to measure again.

    Attributes:
        key: Key of the series, or of the device, under which the confirmation is kept.
        series: Series that are measured for it: the one, or some of the device.
        between: Runs between which the change lies.
        change: The change.
    """

    key: str
    series: tuple[Series, ...]
    between: RunRange
    change: Change


class Setting(NamedTuple):
    """What one campaign has in common.

    Attributes:
        device: Name of the device.
        backend: Name of the backend.
        options: Options of the backend, as JSON.
        threads: Number of threads within an operator.
        good_commit: Commit before the change; None where it is not known.
        bad_commit: Commit after it.
    """

    device: str
    backend: str
    options: str
    threads: int
    good_commit: str | None
    bad_commit: str | None


def alarms_of(check: Check) -> Iterator[Alarm]:
    """Yields the alarms of a check that can be measured again: changes of latency that hwcost measured."""
    judged, devices = check.alarms()
    for one in devices:
        series = [check.series[judgement.series_key] for judgement in _of_device(check.judgements, check.series, one)]
        yield from _alarm(one.key, series[:REPRESENTATIVES], one.first_bad, one.change)
    for alarm in judged:
        yield from _alarm(alarm.series_key, [check.series[alarm.series_key]], alarm.first_bad, alarm.change)


def by_setting(alarms: Sequence[Alarm]) -> dict[Setting, list[Alarm]]:
    """Groups alarms by what one campaign has in common."""
    found: dict[Setting, list[Alarm]] = {}
    for alarm in alarms:
        first, between = alarm.series[0], alarm.between
        options = json.dumps(first.backend_options, sort_keys=True)
        commits = between.good_commit, between.bad_commit
        found.setdefault(Setting(first.device, first.backend, options, first.threads or 1, *commits), []).append(alarm)
    return found


def _alarm(key: str, series: Sequence[Series], between: RunRange | None, change: Change | None) -> Iterator[Alarm]:
    usable = tuple(one for one in series if one.quantity == LATENCY and one.origin == "measured" and one.spec)
    if usable and between is not None and change is not None:
        yield Alarm(key, usable, between, change)


def _of_device(
    judgements: Sequence[Judgement], series: Mapping[str, Series], device: DeviceJudgement
) -> Iterator[Judgement]:
    """Yields the judgements that are ok of a device's workloads, which show what all of them share."""
    for one in judgements:
        of_it = series[one.series_key]
        names = (of_it.device, of_it.backend, of_it.quantity)
        if one.verdict == "ok" and names == (device.device, device.backend, device.quantity):
            yield one
