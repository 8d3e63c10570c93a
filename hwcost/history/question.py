"""An alarm as a campaign that measures it again answers it, look by look."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from hwcost.campaign.comparisons.differences import Difference, verdicts
from hwcost.campaign.rounds.journal import failed
from hwcost.history.alarm import SERIES, Alarm
from hwcost.history.always_valid import ALPHA
from hwcost.history.check import AT
from hwcost.history.confirmation import Outcome, confirm
from hwcost.history.evidence import Evidence, Seen, Value, are_in_turn, differences, seen, seen_apart, seen_by
from hwcost.stores.entries import Confirmation
from hwcost.timing.measurement import Visit

__all__ = ["ANCHORS", "DIFFERENCES", "WORKTREE", "Answer", "Question", "earlier_evidence", "findings", "open_keys"]

WORKTREE, ANCHORS = "worktree", "anchors"
"""Ways of measuring the code of before: from a working tree of its commit, or beside workloads that did not change."""

DIFFERENCES = "differences"
"""Name of the rounds that an ambiguous confirmation rests on, in its ``extra``: the next night's are added to them."""


class Answer(NamedTuple):
    """What is known of an alarm by now.

    Attributes:
        outcome: Whether the change is there.
        difference: The code of after against that of before, in the quantity of the alarm.
        evidence: Rounds that it rests on, those of earlier nights included, in the quantity that was measured.
    """

    outcome: Outcome
    difference: Difference
    evidence: Evidence


@dataclass(frozen=True)
class Question:
    """An alarm, and the workloads of a campaign that tell of it.

    Attributes:
        alarm: The alarm.
        arms: Keys of its workloads by the code of after, each with those of what it is compared with.
        how: Way of measuring the code of before.
        alpha: Chance of a wrong answer, however often one looks.
        steady: Keys of workloads without an alarm by the code of after, each with its own by the code of before: they tell
            how far the machine moved within a round. Empty for a round that is taken as it is.
        earlier: Rounds of earlier nights between the same two runs.
        before: Log ratio that the present one is compared with, and the half-width of the interval in which that of a night
            without a change lies; NaN for unknown.
    """

    alarm: Alarm
    arms: tuple[tuple[str, tuple[str, ...]], ...]
    how: str
    alpha: float = ALPHA
    steady: tuple[tuple[str, tuple[str, ...]], ...] = ()
    earlier: Evidence = field(default_factory=Evidence.of)
    before: tuple[float, float] = (0.0, 0.0)

    @property
    def keys(self) -> set[str]:
        """Keys of the workloads that it cannot be answered without."""
        return {key for one, beside in self.arms for key in (one, *beside)}

    @property
    def measured(self) -> set[str]:
        """Keys of all workloads that tell of it."""
        return self.keys | {key for one, beside in self.steady for key in (one, *beside)}

    @property
    def can_be_answered(self) -> bool:
        """Whether measuring can tell anything: it is known what the present ratio is compared with."""
        return math.isfinite(self.before[0])

    def has_beside(self, measured: Mapping[int, Collection[str]]) -> bool:
        """Says whether both codes measured any workload without an alarm in the same round.

        Args:
            measured: Keys of the workloads that were measured, by round.
        """
        return any({one, *beside} <= set(keys) for keys in measured.values() for one, beside in self.steady)

    def answer(self, found: Seen) -> Answer:
        """Judges the alarm by what its campaign has measured so far.

        Args:
            found: Findings of the visits of the campaign.
        """
        evidence = self.earlier.joined(differences(found, self.arms, self.steady))
        mean, half = evidence.interval(self.alpha)
        power = self.alarm.power
        ratio, half = power * (mean - self.before[0]), abs(power) * math.hypot(half, self.before[1])
        (difference,) = verdicts([self.alarm.key], np.array([ratio]), np.array([half]))
        return Answer(confirm(self.alarm.change, difference), difference, evidence)

    def confirmation(self, found: Seen, campaign_id: str, run_id: str) -> Confirmation:
        """Returns the answer as it is kept.

        Args:
            found: Findings of the visits of the campaign.
            campaign_id: The campaign.
            run_id: The latest run at the time.
        """
        answer, extra = self.answer(found), {AT: run_id}
        kept: dict[str, Any] = extra
        if answer.outcome == "ambiguous" and self.how == WORKTREE:
            series = [one.series_key for one in self.alarm.series]
            kept = {**extra, DIFFERENCES: answer.evidence.to_list(), SERIES: series}
        difference = answer.difference
        return Confirmation(
            series_key=self.alarm.key, run_id=self.alarm.between.first_bad, before_run_id=self.alarm.between.last_good,
            outcome=answer.outcome, log_ratio=difference.log_ratio, half_width=difference.half_width,
            campaign_id=campaign_id, how=self.how, extra=kept,
        )  # fmt: skip


def findings(questions: Sequence[Question], visits: Sequence[Visit], value: Value | None = None) -> Seen:
    """Returns what the visits of a campaign say of the workloads that its questions name.

    Args:
        questions: Questions of one campaign.
        visits: Its visits so far.
        value: Value of a visit, where another quantity than the latency was measured again; None for the latency.
    """
    if value is not None:
        return seen_by(visits, _all_keys(questions), value)
    measured: dict[int, set[str]] = {}
    for visit in visits:
        if visit.is_usable:
            measured.setdefault(visit.round, set()).add(visit.workload_key)
    arms = [arm for one in questions for arm in one.arms]
    processes = [{key for key, _ in arms}, {key for _, beside in arms for key in beside}]
    are_apart = not any(one.how == ANCHORS or one.has_beside(measured) for one in questions)
    if are_apart and not are_in_turn(visits, processes):
        return seen_apart(visits, processes)
    return seen(visits, _all_keys(questions))


def open_keys(questions: Sequence[Question], visits: Sequence[Visit], value: Value | None = None) -> set[str]:
    """Returns the keys of the workloads that are to be measured further: those of questions without an answer.

    Args:
        questions: Questions of one campaign.
        visits: Its visits so far.
        value: Value of a visit, as :func:`findings` takes it; where no visit has one, further rounds would not either.
    """
    lost = failed(visits)
    left = [one for one in questions if not one.keys & lost]
    found = findings(left, visits, value)
    if value is not None and not found:
        return set()
    return _all_keys([one for one in left if one.answer(found).outcome == "ambiguous"])


def earlier_evidence(alarm: Alarm) -> Evidence:
    """Returns the rounds that an alarm has from earlier nights; none where other runs or workloads are measured now."""
    one, between = alarm.earlier, alarm.between
    if one is None or (one.before_run_id, one.run_id) != between[:2]:
        return Evidence.of()
    if one.extra.get(SERIES, [alarm.key]) != [series.series_key for series in alarm.series]:
        return Evidence.of()
    return Evidence.of(one.extra.get(DIFFERENCES, ()))


def _all_keys(questions: Collection[Question]) -> set[str]:
    return {key for one in questions for key in one.measured}
