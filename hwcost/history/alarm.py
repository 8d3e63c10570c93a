"""Alarms: changes that nobody has measured again yet, and which of them can be measured in one campaign."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from hwcost.history.changes import Change
from hwcost.history.judgement import DeviceJudgement, Judgement, RunRange, common_key, run_range
from hwcost.quantities import LATENCY, QUANTITIES, quantity
from hwcost.stores.entries import Confirmation
from hwcost.stores.runs import Run
from hwcost.stores.series import Series
from hwcost.units import unit_of

if TYPE_CHECKING:
    from hwcost.history.check import Check

__all__ = ["SERIES", "Alarm", "Setting", "alarms_of", "by_setting", "can_be_made", "not_measurable"]

REPRESENTATIVES = 5
"""Workloads that are measured for a change that all of a device share."""

SERIES = "series_keys"
"""Name of the workloads that an ambiguous confirmation rests on, by the keys of their series, in its ``extra``."""

OTHER_TOOL = "another tool measured it. Run that tool again with the code of before and of after"
NO_SPEC = "the store does not hold how its workload is made. Run its suite once more"
NONE_STEADY = "no workload of the device has the verdict ok, by which a common change is distinguished from their own"
"""Reasons why an alarm cannot be measured again."""


@dataclass(frozen=True)
class Alarm:
    """A change to measure again.

    Attributes:
        key: Key of the series, or of the device, under which the confirmation is kept.
        series: Series that are measured for it: the one, or some of the device. For a quantity that follows from the latency
            they are those of the latency.
        between: Runs between which the change lies, and whose codes are compared.
        change: The change.
        earlier: Comparison of an earlier night, which left it open; None for a change that was not measured again.
        since: First run of the level before the change; None where it is not known, or for a change of a device.
        power: Power of what is measured that the quantity is proportional to: 1 for what is measured itself, -1 for a rate.
    """

    key: str
    series: tuple[Series, ...]
    between: RunRange
    change: Change
    earlier: Confirmation | None = None
    since: str | None = None
    power: int = 1


class Setting(NamedTuple):
    """What one campaign has in common.

    Attributes:
        device: Name of the device.
        device_key: Key of the device; None where it is not known.
        on: Address of the machine that has it; None for this one.
        backend: Name of the backend.
        options: Options of the backend, as JSON.
        threads: Number of threads within an operator.
        quantity: Name of the quantity that is measured.
        good_commit: Commit before the change; None where it is not known.
        bad_commit: Commit after it.
    """

    device: str
    device_key: str | None
    on: str | None
    backend: str
    options: str
    threads: int
    quantity: str
    good_commit: str | None
    bad_commit: str | None

    @classmethod
    def of(cls, one: Series, on: str | None = None, between: RunRange | None = None) -> Setting:
        """Returns the setting in which a series is measured.

        Args:
            one: The series.
            on: Address of the machine that has its device; None for this one.
            between: Runs whose commits are compared; None for none.
        """
        options = json.dumps(one.backend_options, sort_keys=True)
        commits = (None, None) if between is None else (between.good_commit, between.bad_commit)
        return cls(one.device, one.device_key, on, one.backend, options, one.threads or 1, one.quantity, *commits)

    @property
    def place(self) -> str:
        """Name of the device and of where it is, for example ``k80 on ssh://lab``."""
        return self.device if self.on is None else f"{self.device} on {self.on}"

    def holds(self, one: Series) -> bool:
        """Says whether a series is measured in this setting."""
        return Setting.of(one, self.on)[:-2] == self[:-2]


def alarms_of(check: Check) -> list[Alarm]:
    """Returns the alarms of a check that can be measured again: changes of what hwcost measured.

    Those that an earlier night left open come first.
    """
    return sorted(
        (alarm for judged, key, series in _open(check) for alarm in _alarm(check.runs, judged, key, series)),
        key=lambda one: one.earlier is None,
    )


def not_measurable(check: Check) -> Counter[str]:
    """Counts the alarms of a check that cannot be measured again, by the reason, which says what to do."""
    found: Counter[str] = Counter()
    for _, _, series in _open(check):
        reasons = [_hindrance(one) for one in series] or [NONE_STEADY]
        if all(reasons):
            found[reasons[0]] += 1
    return found


def can_be_made(one: Series) -> bool:
    """Says whether the store holds all that it takes to measure a series again."""
    return one.origin == "measured" and bool(one.spec)


def by_setting(alarms: Sequence[Alarm], addresses: Mapping[str, str]) -> dict[Setting, list[Alarm]]:
    """Groups alarms by what one campaign has in common.

    Args:
        alarms: The alarms.
        addresses: Addresses of machines elsewhere, by the keys of the series that they measure.
    """
    found: dict[Setting, list[Alarm]] = {}
    for alarm in alarms:
        first = alarm.series[0]
        found.setdefault(Setting.of(first, addresses.get(first.series_key), alarm.between), []).append(alarm)
    return found


def _open(check: Check) -> Iterator[tuple[Judgement | DeviceJudgement, str, list[Series]]]:
    """Yields every alarm with its key and the series that may be measured for it."""
    judged, devices = check.alarms()
    for device in devices:
        of_it = _of_device(check.judgements, check.series, device)
        yield device, device.key, [check.series[one.series_key] for one in of_it]
    for alarm in judged:
        yield alarm, alarm.series_key, [check.series[alarm.series_key]]


def _alarm(
    runs: Sequence[Run], judged: Judgement | DeviceJudgement, key: str, series: Sequence[Series]
) -> Iterator[Alarm]:
    usable = [one for one in series if not _hindrance(one)]
    if usable and judged.first_bad is not None and judged.change is not None:
        between = _spanning(runs, judged.first_bad, judged.confirmation)
        since = judged.since if isinstance(judged, Judgement) else None
        power = quantity(usable[0].quantity).power_of_latency
        measured = _representatives(usable if power is None else [_latency_of(one) for one in usable], judged.confirmation)
        yield Alarm(key, measured, between, judged.change, judged.confirmation, since, 1 if power is None else power)


def _hindrance(one: Series) -> str:
    """Says why a series cannot be measured again, and what to do about its alarm; empty where it can."""
    if not can_be_made(one):
        return OTHER_TOOL if one.origin != "measured" else NO_SPEC
    if one.quantity not in QUANTITIES.names():
        return f"the quantity '{one.quantity}' is not known here. Install what provides it"
    if quantity(one.quantity).power_of_latency == 0:
        return f"{one.quantity} follows from the device's peaks, and no code changes it. Look at hwcost devices probe"
    return ""


def _latency_of(one: Series) -> Series:
    """Returns the series of the latency that another quantity follows from."""
    if one.quantity == LATENCY:
        return one
    fields = {name: getattr(one, name) for name in Series.model_fields}
    return Series.model_validate({**fields, "quantity": LATENCY, "unit": unit_of(LATENCY)})


def _spanning(runs: Sequence[Run], between: RunRange, earlier: Confirmation | None) -> RunRange:
    """Returns the runs of an earlier confirmation while the change lies between them, so that its rounds still count."""
    place = {run.run_id: index for index, run in enumerate(runs)}
    if earlier is None or not {earlier.before_run_id, earlier.run_id} <= place.keys():
        return between
    good, bad = place[earlier.before_run_id], place[earlier.run_id]
    is_spanned = good <= place[between.last_good] and place[between.first_bad] <= bad
    return run_range(runs, good, bad) if is_spanned else between


def _representatives(of_it: Sequence[Series], earlier: Confirmation | None) -> tuple[Series, ...]:
    """Chooses the workloads that are measured for a device: those of an earlier night, whose rounds still count then.

    Args:
        of_it: The workloads that show the change, in what is measured of them.
        earlier: Comparison of an earlier night; None where there was none.
    """
    known = {one.series_key: one for one in of_it}
    kept = [] if earlier is None else earlier.extra.get(SERIES, [])
    return tuple(known[key] for key in kept) if kept and known.keys() >= set(kept) else tuple(of_it[:REPRESENTATIVES])


def _of_device(
    judgements: Sequence[Judgement], series: Mapping[str, Series], device: DeviceJudgement
) -> Iterator[Judgement]:
    """Yields the judgements that are ok of a device's workloads, which show what all of them share."""
    for one in judgements:
        if one.verdict == "ok" and common_key(series[one.series_key]) == device.key:
            yield one
