"""One history: its nights, the changes in it, and which of them the present level is judged by."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from hwcost._stats import robust_sd
from hwcost._types import Floats, Indices
from hwcost.history.changes import Change, find_changes
from hwcost.history.judgement import Verdict
from hwcost.history.place import NEAR
from hwcost.history.policy import Terms
from hwcost.history.stretch import Stretch
from hwcost.history.sums import Sums
from hwcost.stores.entries import Confirmation

__all__ = ["Finding", "Level", "Noted", "find"]


OUTLYING = 5.0
"""A single night that deviates by so many standard deviations is said, though one night tells nothing."""

LEAST_USUAL = 7
"""Nights that tell what deviation is usual."""

DIFFERENCE = 0.954
"""Median size of the difference of two normal values, in standard deviations of one."""

SEEN = 2.5
"""Standard deviations that a change must have to be found within four nights, nearly always."""

SPIKE = 3.0
"""A night that exceeds both its neighbours by so many standard deviations, and by the least change, is a spike."""

VAGUE = 3.0
"""A history in which only changes of so many times the least one can be found is ambiguous."""

KEPT = 0.5
"""Share of the least change down to which a confirmed one stays."""

FEW = 5
"""Nights before a confirmed change below which they do not tell the level of before: it is then that of measuring again."""


class Level(NamedTuple):
    """A weighted mean of log values, the half-width of its 95 % interval, and the number of nights."""

    log: float
    half: float
    nights: int


class Noted(NamedTuple):
    """A confirmation, and the indices among all runs of those before and after the change; -1 for one that is not known."""

    before: int
    run: int
    confirmation: Confirmation


Moved = Callable[[Noted, Indices], float | None]
"""Says by how much the log level of some runs differs from that before a change; None where that is not known."""


@dataclass(frozen=True)
class Finding:
    """What a history says of its present level.

    Attributes:
        verdict: ``ok``, ``regressed``, ``improved`` or ``ambiguous``.
        after: Present level.
        before: Level that it is compared with.
        half: Half-width of the 95 % interval of the log ratio.
        change: Change that the verdict is about; None without one, or for one that lies before the nights looked at.
        good: Index of the last run before the change, among all runs; None where it is not known.
        bad: Index of the first run after it.
        confirmation: Confirmation of the change.
        remark: Further remark for the sentence.
        since: Index of the first run of the level before the change, or of the present one without a change; None for a
            change that lies before the nights looked at.
        is_alone: Whether the latest night alone sticks out of its level.
    """

    verdict: Verdict
    after: Level
    before: Level
    half: float
    change: Change | None = None
    good: int | None = None
    bad: int | None = None
    confirmation: Confirmation | None = None
    remark: str = ""
    since: int | None = None
    is_alone: bool = False

    @property
    def log_ratio(self) -> float:
        """Log of the present level over the one before."""
        return self.after.log - self.before.log


def find(
    values: Floats, runs: Indices, terms: Terms, noted: Sequence[Noted] = (), weights: Floats | None = None,
    moved: Moved | None = None,
) -> Finding:  # fmt: skip
    """Judges the present level of a history.

    It is worse when it exceeds the best earlier level by the least change, and better when it is below all earlier ones by
    as much; the baseline never follows a change for the worse by itself. Changes that were measured again and not found
    end the history before them: that was not the code. A confirmed change for the worse stays down to half of the least
    change, since the numbers of its nights go up and down. A confirmed change that lies before these nights, or so soon
    after the first of them that they do not show it, still counts, unless the nights before it say that it was undone.

    Args:
        values: Log values of the nights that count, shape (n,), n at least 2.
        runs: Index of each one's run, ascending, shape (n,).
        terms: Terms of a change.
        noted: Confirmations, the latest last.
        weights: Share of a full value that each counts as, shape (n,); None for full ones.
        moved: Difference of the level of runs from that before a confirmed change; None where no earlier night is known.
    """
    weights = np.ones(len(values)) if weights is None else weights
    even = without_spikes(values, terms.least)
    changes = list(find_changes(even, weights, least=terms.least, p_value=terms.p_value))
    changes = _with_confirmed(Sums(Stretch(even, weights)), changes, runs, terms, noted)
    answers = [_noted(one, runs, noted) for one in changes]
    refuted = next((k for k in reversed(range(len(changes))) if _is_refuted(answers[k])), None)
    start, remark = 0, ""
    if refuted is not None:
        start, remark = changes[refuted].at, _refuted(changes[refuted], answers[refuted])
        changes, answers = changes[refuted + 1 :], answers[refuted + 1 :]
    elif (start := _unseen(answers, runs, noted)) > 0:
        kept = [k for k, one in enumerate(changes) if one.at > start]
        changes, answers = [changes[k] for k in kept], [answers[k] for k in kept]
    edges = [start, *(one.at for one in changes), len(values)]
    nights = Stretch(values, weights)
    parts = [nights.part(a, b) for a, b in itertools.pairwise(edges)]
    variance, dof = Sums(nights).variance(edges)
    sd = math.sqrt(variance)
    levels = [_level(part, sd, dof) for part in parts]
    others = [one for one in noted if one.before >= 0 and one.confirmation not in answers]
    earlier = [] if refuted is not None else _earlier(levels[0], runs[start : edges[1]], others, moved)
    history = _History(nights, runs, terms, changes, answers, [*(one for one, _ in earlier), *levels], earlier)
    return history.finding(sd, remark)


def without_spikes(values: Floats, least: float) -> Floats:
    """Cuts single nights that stick out down to what is usual beside their neighbours; two nights in a row stay as they are.

    Args:
        values: Log values, shape (n,).
        least: Least log ratio that counts as sticking out.
    """
    if len(values) <= LEAST_USUAL:
        return values
    noise = float(np.median(np.abs(np.diff(values)))) / DIFFERENCE
    margin = max(SPIKE * noise, least)
    before, after = np.append(values[2], values[:-1]), np.append(values[1:], values[-3])  # inward at both ends
    return np.asarray(np.clip(values, np.minimum(before, after) - margin, np.maximum(before, after) + margin))


@dataclass(frozen=True)
class _History:
    """Levels in their order, with the change before each but the first."""

    nights: Stretch
    runs: Indices
    terms: Terms
    changes: list[Change]
    answers: list[Confirmation | None]
    levels: list[Level]
    earlier: list[tuple[Level, Noted]]

    def finding(self, sd: float, remark: str) -> Finding:
        worse = [self.terms.sign * level.log for level in self.levels]
        if len(worse) > 1:
            best = int(np.argmin(worse[:-1]))
            if worse[-1] - worse[best] >= self.terms.least * (KEPT if self._is_kept() else 1.0):
                return self._changed("regressed", best, 1.0)
            if worse[-1] <= worse[best] - self.terms.least and worse[-1] < worse[-2]:
                return self._changed("improved", best, -1.0)
            remark = remark or "it is back at an earlier level"
        return self._same(sd, remark)

    def _is_kept(self) -> bool:
        """Whether the latest change is one for the worse that was confirmed, which stays though it looks smaller by now."""
        last = self.answers[-1] if self.changes else self.earlier[-1][1].confirmation
        if last is None or last.outcome != "confirmed":
            return False
        return self.terms.sign * (self.changes[-1].log_ratio if self.changes else last.log_ratio or 0.0) > 0

    def _changed(self, verdict: Verdict, best: int, direction: float) -> Finding:
        """Blames the largest step in the direction of the verdict since the level that is compared with."""
        steps = np.diff([self.terms.sign * direction * level.log for level in self.levels[best:]])
        step = best + int(np.argmax(steps))
        before, after = self.levels[best], self.levels[-1]
        half = math.hypot(before.half, after.half)
        if step < len(self.earlier):
            noted = self.earlier[step][1]
            return Finding(verdict, after, before, half, None, noted.before, noted.run, noted.confirmation)
        k = step - len(self.earlier)
        change, answer = self.changes[k], self.answers[k]
        good, bad = int(self.runs[max(change.earliest - 1, 0)]), int(self.runs[change.latest])
        if answer is not None and answer.outcome == "ambiguous":
            verdict = "ambiguous"
        since = int(self.runs[self._first(step)])
        return Finding(verdict, after, before, half, change, good, bad, answer, since=since)

    def _first(self, level: int) -> int:
        """Returns the index of the first night of a level."""
        return len(self.nights.y) - sum(one.nights for one in self.levels[level:])

    def _same(self, sd: float, remark: str) -> Finding:
        """Compares the latest night with the others at its level."""
        last = len(self.nights.y)
        first = self._first(len(self.levels) - 1)
        usual, latest = self.nights.part(first, max(last - 1, first + 1)), self.nights.part(last - 1, last)
        dof = max(len(usual.y) - 1, 1)
        before, after = _level(usual, sd, dof), _level(latest, sd, dof)
        half, since = math.hypot(before.half, after.half), int(self.runs[first])
        finding = Finding("ok", after, before, half, remark=remark, since=since)
        size = abs(finding.log_ratio)
        outlying = OUTLYING * robust_sd(usual.y) / math.sqrt(latest.amount)
        if len(usual.y) >= LEAST_USUAL and size >= self.terms.least and size > outlying:
            text = "the latest night alone differs, which one night cannot prove: the next one tells"
            return replace(finding, verdict="ambiguous", remark=text, is_alone=True)
        if sd * SEEN > VAGUE * self.terms.least:
            seen = 100 * math.expm1(SEEN * sd)
            text = f"nights differ by {100 * sd:.1f} %, so that only a change of {seen:.0f} % is found"
            return replace(finding, verdict="ambiguous", remark=text)
        return finding


def _noted(change: Change, runs: Indices, noted: Sequence[Noted]) -> Confirmation | None:
    """Returns the latest confirmation of a change: the codes that it compared are those around it, or a few nights off.

    The place of one change moves by a few nights over time. How far the place may be off now does not count: a change that
    began before would pass for this one.
    """
    for before, run, confirmation in reversed(noted):
        place = _place(runs, run)
        is_between = 0 <= before < int(runs[change.at]) <= run
        is_other = confirmation.outcome == "confirmed" and (confirmation.log_ratio or 0.0) * change.log_ratio < 0
        if place < len(runs) and (is_between or abs(place - change.at) <= NEAR) and not is_other:
            return confirmation
    return None


def _place(runs: Indices, run: int) -> int:
    """Returns the index of a run among the nights; negative for one before the first of them, by as many runs."""
    return int(np.searchsorted(runs, run)) if run >= runs[0] else run - int(runs[0])


def _with_confirmed(
    sums: Sums, changes: list[Change], runs: Indices, terms: Terms, noted: Sequence[Noted]
) -> list[Change]:
    """Adds the confirmed changes among the nights that look too small by now, but are still half of the least change."""
    found = list(changes)
    for k, one in enumerate(noted):
        place, first = _place(runs, one.run), max(FEW, _place(runs, max(one.before, 0)) + 1)
        is_latest = not any(abs(_place(runs, other.run) - place) <= NEAR for other in noted[k + 1 :])
        is_known = any(_noted(change, runs, [one]) for change in found)
        if one.confirmation.outcome != "confirmed" or not is_latest or is_known or not first <= place < len(runs) - 1:
            continue
        start = max((change.at for change in found if change.at < first), default=0)
        end = min((change.at for change in found if change.at > place), default=len(runs))
        if start < first and end - place > 1:
            at = min(range(first, place + 1), key=lambda cut: sums.p(start, cut, end))
            size = sums.mean(at, end) - sums.mean(start, at)
            if math.copysign(size, size * (one.confirmation.log_ratio or 0.0)) >= KEPT * terms.least:
                found.append(Change(at, first, place, size, sums.p(start, at, end)))
    return sorted(found, key=lambda change: change.at)


def _unseen(answers: Sequence[Confirmation | None], runs: Indices, noted: Sequence[Noted]) -> int:
    """Returns the index of the first night after a confirmed change that too few nights before it show; 0 without one."""
    last = 0
    for k, one in enumerate(noted):
        place = _place(runs, one.run)
        is_latest = not any(abs(_place(runs, other.run) - place) <= NEAR for other in noted[k + 1 :])
        is_open = is_latest and one.before >= 0 and one.confirmation.outcome == "confirmed"
        if is_open and one.confirmation not in answers and place < min(FEW, len(runs) - 1):
            last = max(last, place)
    return last


def _earlier(first: Level, runs: Indices, noted: Sequence[Noted], moved: Moved | None) -> list[tuple[Level, Noted]]:
    """Returns the levels before confirmed changes that lie before the first run looked at, the oldest first.

    A change that was undone before that run is left out: the nights before it are then nearer to the first level without it.

    Args:
        first: The first level that the nights show.
        runs: Indices of its runs.
        noted: Confirmations, the latest last.
        moved: Difference of the level of runs from that before a confirmed change, as for :func:`find`.
    """
    found: list[tuple[Level, Noted]] = []
    for one in reversed([each for each in noted if each.run <= runs[0] and each.confirmation.outcome == "confirmed"]):
        log_ratio, half = one.confirmation.log_ratio or 0.0, one.confirmation.half_width or 0.0
        after = found[0][0] if found else first
        seen, without = None if moved is None else moved(one, runs), first.log - after.log
        if seen is None or abs(seen - without - log_ratio) < abs(seen - without):
            found.insert(0, (Level(after.log - log_ratio, math.hypot(after.half, half), 1), one))
    return found


def _is_refuted(answer: Confirmation | None) -> bool:
    return answer is not None and answer.outcome == "refuted"


def _refuted(change: Change, answer: Confirmation | None) -> str:
    again = "" if answer is None or answer.log_ratio is None else f" ({100 * math.expm1(answer.log_ratio):+.1f} %)"
    return f"a change of {100 * math.expm1(change.log_ratio):+.1f} % was measured again and not found{again}"


def _level(part: Stretch, sd: float, dof: int) -> Level:
    return Level(part.mean, _quantile(dof) * sd / math.sqrt(part.amount), len(part.y))


def _quantile(dof: int) -> float:
    from scipy import special

    return float(special.stdtrit(max(dof, 1), 0.975))
