"""Measures alarms again before they count: the code of before and of after, interleaved in one campaign, until it is known.

Both codes come from working trees of their commits. Every round has a process for each, in random order, and both share the
machine's state of that round. They measure anchors too, workloads of the same suite without an alarm, in turn with the
alarmed ones: by how much these differ, the machine moved within the round. Where the code of before cannot be had, the
alarmed workloads are measured beside anchors by the present code. Their ratios now are compared with their ratios in the
nights before the change; that tells a change from a few bad nights, though not the code from what else changed for these
workloads alone.

Rounds go on until every alarm of the campaign is confirmed or refuted, or the time is over; after each of them one looks, so
the intervals are those of :mod:`hwcost.history.always_valid`. What is still open goes on after the next night.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Sized
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hwcost.campaign.options import JobOptions, MeasureOptions
from hwcost.campaign.plans.plan import Item
from hwcost.campaign.plans.roles import CONFIRMATION
from hwcost.campaign.processes.worker_process import WorkerEndedError
from hwcost.campaign.rounds.forecast import beforehand
from hwcost.campaign.run import run, start
from hwcost.elsewhere import admit, measure_on
from hwcost.elsewhere.transports import transport
from hwcost.errors import DataError, HwcostError, InterruptedRunError, MeasurementError, StoreError, UsageError
from hwcost.history.addresses import addresses, refuse_another_here, refuse_another_there
from hwcost.history.alarm import Alarm, Setting, alarms_of, by_setting, not_measurable
from hwcost.history.always_valid import ALPHA
from hwcost.history.anchors import LEAST, LEAST_NIGHTS, Anchors, anchors_of
from hwcost.history.question import ANCHORS, WORKTREE, Question, earlier_evidence, findings, open_keys
from hwcost.history.worktree import has_commit, repository_of, tree_of
from hwcost.quantities import LATENCY, Unavailable, quantity
from hwcost.stores.entries import Confirmation
from hwcost.stores.schema import measured_on
from hwcost.timing.quantity_estimate import of_visit
from hwcost.units import format_clock
from hwcost.workloads import RevisionWorkload, from_dict

if TYPE_CHECKING:
    from hwcost.campaign.plans.plan import Plan
    from hwcost.campaign.run import Further, Result
    from hwcost.history.check import Check
    from hwcost.history.evidence import Value
    from hwcost.stores.base import Store
    from hwcost.stores.series import Series
    from hwcost.timing.measurement import Measurement, Visit
    from hwcost.workloads.base import Workload

__all__ = ["BUDGET_S", "measure_again"]

BUDGET_S = 300.0
"""Seconds for measuring an alarm again, where nothing else was asked for."""

SHARES = 16
"""Rounds that share the time of an alarm at first: many short ones, since the machine differs from one to the next. Where
they end sooner, further ones fill it. The alarms of a campaign share its rounds, unless nothing but their number tells how
far the machine moves within one."""

INTENDED = "Accept a change that is intended: hwcost accept."
"""Advice where nothing tells of a change whose code of before cannot be had."""

MOST_ROUNDS = 200
"""Rounds after which a campaign ends in any case."""


def measure_again(
    store: Store,
    check: Check,
    *,
    budget_s: float | None = None,
    tier: str = "standard",
    say: Callable[[str], None] = lambda text: None,
) -> list[str]:
    """Measures all alarms of a check again, and keeps a confirmation of each; those that an earlier night left open first.

    The code's modules are imported from the current folder, as it is in either commit.

    Args:
        store: Store of the history, which takes the campaigns and the confirmations.
        check: The check.
        budget_s: Most seconds for each alarm; None for 300. A campaign ends as soon as all its alarms are known.
        tier: Precision of a visit.
        say: Function that gets a line before each campaign, and one after it about what is still open.

    Returns:
        Remarks on what could not be measured again; those alarms stay unconfirmed.

    Raises:
        InterruptedRunError: On Ctrl-C; what was confirmed by then is kept.
        StoreError: When the store cannot be read or written.
    """
    again = _Again(store, check, Path.cwd().resolve(), budget_s or BUDGET_S, tier, say)
    alarms = alarms_of(check)
    remarks = [f"{_number(count)} {_stay(count)} unconfirmed: {why}." for why, count in not_measurable(check).items()]
    places = addresses(store, check, [one.series_key for alarm in alarms for one in alarm.series])
    for setting, group in by_setting(alarms, places).items():
        left, why = {alarm.key: alarm for alarm in group}, "nothing that was measured tells of it."
        try:
            for entry in again.confirmations(setting, group):
                store.add_entry(entry)
                del left[entry.series_key]
        except (InterruptedRunError, StoreError):
            raise
        except HwcostError as error:
            why = str(error)
        if left:
            remarks.append(f"{_counted(left, setting)} {_stay(len(left))} unconfirmed: {why}")
    return remarks


class _Again:
    """Measures groups of alarms."""

    def __init__(
        self, store: Store, check: Check, folder: Path, budget_s: float, tier: str, say: Callable[[str], None]
    ) -> None:
        self.store, self.check, self.folder = store, check, folder
        self.budget_s, self.tier, self.say = budget_s, tier, say

    def confirmations(self, setting: Setting, alarms: Sequence[Alarm]) -> Iterator[Confirmation]:
        """Yields a confirmation of every alarm that can be measured: by working trees of both codes, else by anchors.

        A machine elsewhere has no working tree, so that it is anchors there.

        Raises:
            DataError: Behind those, when there are others; says why.
            DeviceError: When the device is of another machine, whose address nobody kept.
        """
        if setting.on is None:
            refuse_another_here(setting)
        found: list[Confirmation] = []
        why = _untold(setting)
        try:
            repository = self._repository(setting)
            if repository is not None:
                found = list(self._by_worktree(repository, setting, alarms))
                why = f"not both codes can be measured from working trees (commit of before {setting.good_commit})"
        except (UsageError, WorkerEndedError) as error:
            why = f"working trees of the two codes cannot be measured: {str(error).rstrip('.')}"
            self.say(f"{_counted(alarms, setting)}: {why}. Anchors take its place.")
        yield from found
        done = {one.series_key for one in found}
        left = [alarm for alarm in alarms if alarm.key not in done]
        if left:
            yield from self._by_anchors(setting, left, why)

    def _repository(self, setting: Setting) -> Path | None:
        """Returns the repository of the codes of before and after; None where none has both, or for equal or remote ones."""
        good, bad = setting.good_commit, setting.bad_commit
        if setting.on is not None or good is None or bad is None or good == bad:
            return None
        repository = repository_of(self.folder)
        if repository is None:
            return None
        return repository if has_commit(repository, good) and has_commit(repository, bad) else None

    def _by_worktree(self, repository: Path, setting: Setting, alarms: Sequence[Alarm]) -> Iterator[Confirmation]:
        """Yields a confirmation of every alarm whose workloads could be built from both trees."""
        alarmed = {one.key: one for alarm in alarms for one in map(_workload, alarm.series)}
        steady = self._steady(setting, alarms)
        unique = {**alarmed, **steady}
        with ExitStack() as stack:
            before, after = (
                {key: RevisionWorkload.of(one, commit, *tree) for key, one in unique.items()}
                for commit, tree in [
                    (commit, stack.enter_context(tree_of(repository, commit, self.folder)))
                    for commit in (setting.good_commit, setting.bad_commit)
                    if commit is not None
                ]
            )
            beside = tuple((after[key].key, (before[key].key,)) for key in steady)
            questions = [_by_codes(alarm, before, after, ALPHA / len(alarms), beside) for alarm in alarms]
            made = [arm[key] for key in unique for arm in (before, after)]
            result = self._measured(setting, made, questions)
        lost = {one.workload.key for one in result.measurements if one.status == "failed"}
        yield from self._answers(setting, result, [one for one in questions if not one.keys & lost])

    def _steady(self, setting: Setting, alarms: Sequence[Alarm]) -> dict[str, Workload]:
        """Returns the anchors by their keys; none where too few have no alarm, or where all of a device have one."""
        if any(len(alarm.series) > 1 for alarm in alarms):
            return {}
        try:
            return {one.key: one for one in map(_workload, self._anchors(setting, alarms, "").series)}
        except DataError:
            return {}

    def _anchors(self, setting: Setting, alarms: Sequence[Alarm], why: str) -> Anchors:
        alarmed = {one.series_key for alarm in alarms for one in alarm.series}
        return anchors_of(self.store, self.check, setting, why, alarmed)

    def _by_anchors(self, setting: Setting, alarms: Sequence[Alarm], why: str) -> Iterator[Confirmation]:
        """Yields a confirmation of every alarm that its nights and anchors tell of.

        Args:
            setting: Setting of all of them.
            alarms: The alarms.
            why: Reason why no working tree is measured.

        Raises:
            DataError: When there are too few anchors, or, behind the confirmations, alarms that they cannot tell of.
        """
        anchors = self._anchors(setting, alarms, why)
        asked = [_beside(alarm, anchors, ALPHA / len(alarms)) for alarm in alarms]
        questions = [one for one in asked if one.can_be_answered]
        if questions:
            wanted = set[str]().union(*(one.measured for one in questions))
            series = [*(one for alarm in alarms for one in alarm.series), *anchors.series]
            unique = {one.key: one for one in map(_workload, series) if one.key in wanted}
            yield from self._answers(setting, self._measured(setting, list(unique.values()), questions), questions)
        lacking = {_lack(one) for one in asked if not one.can_be_answered}
        if lacking:
            raise DataError(f"{why}, and {'; '.join(sorted(lacking))}. {INTENDED}")

    def _measured(self, setting: Setting, workloads: Sequence[Workload], questions: Sequence[Question]) -> Result:
        """Measures round after round until no question is open, or the time of its alarms is over."""
        budget_s = self.budget_s * len(questions)
        what = _counted(questions, setting)
        known = "it is" if len(questions) == 1 else "they are"
        self.say(f"Measuring {what} again until {known} known, for {format_clock(budget_s)} at most.")
        options = (MeasureOptions if setting.on is None else JobOptions)(
            device=setting.device, backend=setting.backend, backend_options=json.loads(setting.options),
            threads=setting.threads, tier=self.tier, role=CONFIRMATION,
            quantities=() if setting.quantity == LATENCY else (setting.quantity,),
        )  # fmt: skip
        plan = options.plan([Item(one, CONFIRMATION) for one in workloads])
        is_moving = any(one.how == WORKTREE and not one.steady for one in questions)
        rounds = min(SHARES * len(questions) if is_moving else SHARES, MOST_ROUNDS)
        plan = replace(plan, protocol=replace(plan.protocol, rounds=rounds, max_rounds=MOST_ROUNDS))
        if (text := beforehand(plan, budget_s, setting.on is None)) is not None:
            self.say(text)
        value = _value(setting, plan)
        result = self._run(plan, setting, budget_s, lambda visits: open_keys(questions, visits, value))
        _refuse_void(result.measurements)
        if value is not None:
            _refuse_unknown(result.measurements, setting.quantity)
        return result

    def _run(self, plan: Plan, setting: Setting, budget_s: float, further: Further) -> Result:
        """Runs a campaign on the machine that has the device."""
        if setting.on is None:
            return run(self.store, start(plan, self.store), budget_s=budget_s, further=further)
        place = transport(setting.on)
        admit(plan, place)
        campaign_id = start(plan, self.store, extra=measured_on(setting.on))

        def of_same_device(visits: Sequence[Visit]) -> Collection[str]:
            refuse_another_there(self.store, campaign_id, setting)
            return further(visits)

        return measure_on(place, self.store, campaign_id, budget_s=budget_s, goals={}, further=of_same_device)

    def _answers(self, setting: Setting, result: Result, questions: Sequence[Question]) -> Iterator[Confirmation]:
        """Yields the answers that a campaign gives, and says which are still open; none where no round tells of an alarm."""
        found = findings(questions, result.fit.visits, _value(setting, result.plan))
        still_open = []
        for one in questions:
            if not len(one.answer(found).evidence):
                continue
            entry = one.confirmation(found, result.campaign_id, self.check.run.run_id)
            still_open += [one] if entry.outcome == "ambiguous" else []
            yield entry
        if still_open:
            text = f"{_counted(still_open, setting)}: not known yet. After the next night that goes on first; "
            self.say(f"{text}--budget gives it longer than {format_clock(self.budget_s)}.")


def _by_codes(
    alarm: Alarm, before: Mapping[str, Workload], after: Mapping[str, Workload], alpha: float,
    steady: tuple[tuple[str, tuple[str, ...]], ...],
) -> Question:  # fmt: skip
    """Asks an alarm of both codes, workload by workload."""
    keys = [_workload(one).key for one in alarm.series]
    arms = tuple((after[key].key, (before[key].key,)) for key in keys)
    return Question(alarm, arms, WORKTREE, alpha, steady, earlier_evidence(alarm))


def _beside(alarm: Alarm, anchors: Anchors, alpha: float) -> Question:
    """Asks an alarm of the present code beside anchors.

    What all of a device share cannot be seen so, since the anchors have it too.
    """
    first, last_good, before = alarm.series[0], alarm.between.last_good, (math.nan, math.nan)
    if alarm.since is not None:
        anchors = anchors.at_one_level(alarm.since, last_good)
        if len(anchors.series) >= LEAST:
            before = anchors.before(first.series_key, alarm.since, last_good, alpha)
    others = tuple(_workload(one).key for one in anchors.series)
    return Question(alarm, ((_workload(first).key, others),), ANCHORS, alpha, before=before)


def _untold(setting: Setting) -> str:
    """Says why the code of before is not measured."""
    if setting.on is not None:
        return f"no working tree of the code of before is on {setting.on}"
    return f"the code of before cannot be had (commit {setting.good_commit or 'unknown'})"


def _lack(question: Question) -> str:
    """Says why anchors do not tell of an alarm."""
    if question.alarm.since is None:
        return "anchors do not tell, since they share what all workloads of a device do"
    return f"fewer than {LEAST_NIGHTS} nights of its level before have a value of it and of {LEAST} anchors"


def _refuse_void(measurements: Sequence[Measurement]) -> None:
    """Raises MeasurementError where nothing that was measured can be used; one that failed is another matter."""
    if any(one.latency_s is not None for one in measurements):
        return
    flags = [flag for one in measurements if one.status == "void" for visit in one.visits for flag in visit.flags]
    if flags:
        raise MeasurementError(f"measured again, and nothing of it counts: {flags[0]}")


def _refuse_unknown(measurements: Sequence[Measurement], name: str) -> None:
    """Raises MeasurementError where no visit has a value of the quantity, such as on a machine without a counter."""
    found = [one.quantity(name) for one in measurements]
    if all(one.value is None for one in found):
        reason = next((one.reason for one in found if one.reason), "no visit has a value")
        raise MeasurementError(f"measured again, and {name} is not known: {reason}")


def _value(setting: Setting, plan: Plan) -> Value | None:
    """Returns what tells the value of a visit; None for the latency, which all visits of a campaign tell together."""
    if setting.quantity == LATENCY:
        return None
    what = quantity(setting.quantity)

    def value(visit: Visit) -> float | None:
        try:
            return of_visit(what, plan.workload(visit.workload_key), visit)
        except Unavailable:
            return None

    return value


def _workload(series: Series) -> Workload:
    """Makes the workload of a series, whatever the file of its factory holds at the commit that is measured."""
    return from_dict({**series.spec, "source": ""} if "source" in series.spec else series.spec)


def _counted(what: Sized, setting: Setting) -> str:
    """Names alarms by their number and place, for example ``2 alarms on cpu with torch``."""
    of_what = "" if setting.quantity == LATENCY else f" of {setting.quantity}"
    return f"{_number(len(what))}{of_what} on {setting.place} with {setting.backend}"


def _number(count: int) -> str:
    return "1 alarm" if count == 1 else f"{count} alarms"


def _stay(count: int) -> str:
    return "stays" if count == 1 else "stay"
