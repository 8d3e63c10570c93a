"""Judges the history of every series, and of every device: what each is compared with, and the sentence that says why."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.history.changes import find_changes
from hwcost.history.common import LEAST_SERIES, Common, cause_of, common_levels
from hwcost.history.judgement import (
    Cause,
    DeviceJudgement,
    Judgement,
    RunRange,
    Verdict,
    commit_of,
    device_key,
    run_range,
)
from hwcost.history.nights import Nights, read_nights
from hwcost.history.policy import CANARY, DEFAULT, Policy, Terms, is_matched
from hwcost.history.trace import Finding, Noted, find
from hwcost.stores.entries import Acceptance, Confirmation, Entry
from hwcost.stores.estimate_table import EstimateTable
from hwcost.stores.runs import Run
from hwcost.stores.series import Series

__all__ = ["judge", "judge_devices"]

ENDED = ("done", "interrupted", "failed")
"""Status of runs that may lack a series; one under way lacks what is still to come."""


def judge(
    runs: Sequence[Run],
    series: Mapping[str, Series],
    table: EstimateTable,
    *,
    policy: Policy = DEFAULT,
    entries: Sequence[Entry] = (),
    at: str | None = None,
    workload: str = "*",
    device: str = "*",
    backend: str = "*",
) -> list[Judgement]:
    """Judges every series as it stood at a run.

    Each is compared with its own latest nights, the level common to its device taken out; see
    :mod:`hwcost.history.trace` and :mod:`hwcost.history.common` for the rules. Canaries get no verdict.

    Args:
        runs: Runs; estimates of others do not count.
        series: Series by key.
        table: Estimates.
        policy: Rules on what counts as a change.
        entries: Acceptances and confirmations among other entries.
        at: Run at which they are judged; None for the latest.
        workload: Pattern of the names of workloads.
        device: Pattern of the names of devices.
        backend: Pattern of the names of backends.

    Returns:
        One judgement for every series that was ever measured by one of these runs, in the order of their keys.

    Raises:
        UnknownNameError: When there is no run ``at``.
    """
    history = _History.of(runs, series, table, policy, entries, at)
    wanted = [
        row
        for row, one in enumerate(history.nights.series)
        if is_matched(one, workload, device, backend) and one.extra.get("role") != CANARY
    ]
    levels = history.levels()
    found = (history.judged(row, levels[row]) for row in wanted)
    return [one for one in found if one is not None]


def judge_devices(
    runs: Sequence[Run],
    series: Mapping[str, Series],
    table: EstimateTable,
    *,
    policy: Policy = DEFAULT,
    entries: Sequence[Entry] = (),
    at: str | None = None,
    workload: str = "*",
    device: str = "*",
    backend: str = "*",
) -> list[DeviceJudgement]:
    """Judges what all series of a device with one backend have in common; see :func:`judge` for the arguments.

    The level is that of all series, whatever ``workload`` is; it only leaves out what has no such workload.
    """
    history = _History.of(runs, series, table, policy, entries, at)
    return [
        history.judged_device(one)
        for one in history.commons
        if any(is_matched(history.nights.series[row], workload, device, backend) for row in one.rows)
    ]


@dataclass(frozen=True)
class _History:
    """All that the judgements are made of.

    Attributes:
        nights: Values of all series.
        terms: Terms of a change, series by series.
        policy: Rules that the terms come from.
        commons: Common levels.
        acceptances: Index of its run and acceptance, the earliest run first.
        noted: Confirmations by the key of their series, the oldest first.
    """

    nights: Nights
    terms: list[Terms]
    policy: Policy
    commons: list[Common]
    acceptances: list[tuple[int, Acceptance]]
    noted: dict[str, list[Noted]]

    @classmethod
    def of(
        cls, runs: Sequence[Run], series: Mapping[str, Series], table: EstimateTable, policy: Policy,
        entries: Sequence[Entry], at: str | None,
    ) -> _History:  # fmt: skip
        nights = read_nights(runs, series, table, at)
        terms = [policy.terms(one) for one in nights.series]
        place = {run.run_id: index for index, run in enumerate(nights.runs)}
        accepted = [(place[one.run_id], one) for one in entries if isinstance(one, Acceptance) and one.run_id in place]
        noted: dict[str, list[Noted]] = {}
        for one in sorted((one for one in entries if isinstance(one, Confirmation)), key=lambda one: one.created_at):
            if one.run_id in place:
                noted.setdefault(one.series_key, []).append(Noted(place.get(one.before_run_id, -1), place[one.run_id], one))
        commons = common_levels(nights, terms, policy)
        return cls(nights, terms, policy, commons, sorted(accepted, key=lambda pair: pair[0]), noted)

    def levels(self) -> list[Common]:
        """Returns the common level of every series."""
        found: dict[int, Common] = {int(row): one for one in self.commons for row in one.rows}
        return [found[row] for row in range(len(self.nights.series))]

    # -- one series ----------------------------------------------------------------------------------------------------

    def judged(self, row: int, common: Common) -> Judgement | None:
        """Judges a series; None for one that was accepted to be missing."""
        series, terms = self.nights.series[row], self.terms[row]
        accepted = self._acceptance(series)
        first = -1 if accepted is None else accepted[0]
        values, runs = self._values(row, common, first)
        acceptance = None if accepted is None else accepted[1]
        lacking = self._missing(row)
        if lacking and not len(runs) and accepted is not None:
            return None
        if lacking:
            return Judgement(series.series_key, "missing", lacking, acceptance=acceptance, owner=terms.owner)
        if len(runs) < self.policy.least_nights:
            text = f"{len(runs)} nights have a value that counts; it takes {self.policy.least_nights}."
            if acceptance is not None:
                text = f"Since {self._name(first)}, when {acceptance.author} accepted a change, {text}"
            return Judgement(series.series_key, "insufficient", text, acceptance=acceptance, owner=terms.owner)
        noted = [one for one in self.noted.get(series.series_key, []) if one.before >= first]
        finding = find(values, runs, terms, noted)
        return self._judgement(series, terms, finding, len(runs), acceptance)

    def _acceptance(self, series: Series) -> tuple[int, Acceptance] | None:
        """Returns the latest acceptance of a series, by its run."""
        of_it = [one for one in self.acceptances if is_matched(series, one[1].workload, one[1].device, one[1].backend)]
        return of_it[-1] if of_it else None

    def _values(self, row: int, common: Common, first: int) -> tuple[Floats, Indices]:
        """Returns the values that count since a run, the common level taken out, and the indices of their runs."""
        rest = self.nights.y[row, common.columns] - common.level
        known = np.isfinite(rest) & (common.columns >= first)
        return rest[known][-self.policy.nights :], common.columns[known][-self.policy.nights :]

    def _missing(self, row: int) -> str:
        """Says what is missing of the latest run of the series' suites; empty when nothing is."""
        present = np.flatnonzero(self.nights.row[row] >= 0)
        runs = self.nights.runs
        suites = {runs[index].suite for index in present}
        ended = [index for index, run in enumerate(runs) if run.suite in suites and run.status in ENDED]
        if not ended:
            return ""
        latest = max(ended[-1], int(present[-1]))
        status, why = self.nights.status(row, latest), self.nights.why(row, latest)
        if status in ("ok", "unconfirmed"):
            return ""
        name = self._name(latest)
        if status:
            happened = "failed" if status == "failed" else "was measured, but nothing counts,"
            return f"It {happened} in {name}: {why or status}."
        ended_so = "" if runs[latest].status == "done" else f", which was {runs[latest].status}"
        return f"{name} has no estimate of it{ended_so}; the last one is of {self._name(int(present[-1]))}."

    def _judgement(
        self, series: Series, terms: Terms, finding: Finding, nights: int, acceptance: Acceptance | None
    ) -> Judgement:
        low, high = (math.exp(finding.log_ratio + side * finding.half) for side in (-1, 1))
        return Judgement(
            series.series_key,
            finding.verdict,
            self._reason(finding, nights),
            math.exp(finding.log_ratio),
            low,
            high,
            (math.exp(finding.before.log), finding.before.half),
            (math.exp(finding.after.log), finding.after.half),
            finding.change,
            self._range(finding),
            finding.confirmation,
            acceptance,
            terms.owner,
        )

    def _range(self, finding: Finding) -> RunRange | None:
        if finding.bad is None:
            return None
        good = finding.bad - 1 if finding.good is None else finding.good
        return run_range(self.nights.runs, max(good, 0), finding.bad)

    def _reason(self, finding: Finding, nights: int) -> str:
        """Says in a sentence why a verdict was given."""
        shift = f"{100 * math.expm1(finding.log_ratio):+.1f} %"
        remark = f"; {finding.remark}" if finding.remark else ""
        if finding.bad is None:
            return f"The latest night is {shift} from {nights} nights' level{remark}."
        place = self._place(finding)
        if finding.confirmation is None:
            return f"It takes {shift} since {place}; not measured again yet{remark}."
        one = finding.confirmation
        size = "" if one.log_ratio is None else f": {100 * math.expm1(one.log_ratio):+.1f} %"
        said = "neither confirmed nor refuted" if one.outcome == "ambiguous" else one.outcome
        return f"It takes {shift} since {place}; {said} by measuring again ({one.how}){size}{remark}."

    def _place(self, finding: Finding) -> str:
        between = self._range(finding)
        assert between is not None
        if between.good_commit and between.bad_commit and between.good_commit != between.bad_commit:
            return f"a commit within {between.good_commit[:10]}..{between.bad_commit[:10]}"
        return self._name(finding.bad if finding.bad is not None else 0)

    def _name(self, index: int) -> str:
        run = self.nights.runs[index]
        commit = commit_of(run)
        return f"run {run.started_at[:16].replace('T', ' ')}" + (f" ({commit[:10]})" if commit else "")

    # -- a device ------------------------------------------------------------------------------------------------------

    def judged_device(self, common: Common) -> DeviceJudgement:
        """Judges the common level of a device."""
        key = device_key(common.device, common.backend, common.quantity)
        names = (common.device, common.backend, common.quantity, key)
        known = np.flatnonzero(np.isfinite(common.level) & (common.columns >= self._break(common)))
        if not common.n_series:
            return DeviceJudgement(*names, "insufficient", f"A common level takes {LEAST_SERIES} series.", 0)
        if len(known) < self.policy.least_nights:
            text = f"{len(known)} nights have a level; it takes {self.policy.least_nights}."
            return DeviceJudgement(*names, "insufficient", text, common.n_series)
        return self._device(common, names, known)

    def _device(self, common: Common, names: tuple[str, str, str, str], known: Indices) -> DeviceJudgement:
        level, columns = common.level[known].copy(), common.columns[known]
        terms = Terms(sign=self.terms[int(common.rows[0])].sign)
        machine = None
        for at, log_ratio, cause in self._causes(common, known, terms):
            if cause == "machine":
                level[at:] -= log_ratio
                machine = (at, log_ratio)
        finding = find(level, columns, terms, self.noted.get(names[3], []))
        n, count = common.n_series, f"{common.n_series} series"
        if finding.bad is None and machine is not None:
            text = f"All {count} take {100 * math.expm1(machine[1]):+.1f} % since {self._name(int(columns[machine[0]]))}: "
            text += "the machine or its software, and not the code under test."
            ratio = math.exp(machine[1])
            return DeviceJudgement(*names, "ok", text, n, "machine", ratio)
        if finding.bad is None:
            return DeviceJudgement(*names, "ok", f"{count} share no change{_after(finding.remark)}.", n)
        cause = self._cause_of(common, known, finding)
        low, high = (math.exp(finding.log_ratio + side * finding.half) for side in (-1, 1))
        said = {"code": "the anchors stayed, so it is the code", "unknown": "nothing tells the code from the machine"}
        text = f"All {count}: {self._reason(finding, len(level))[:-1]}; {said.get(cause, 'the machine')}."
        verdict: Verdict = "ambiguous" if cause == "unknown" and not _is_confirmed(finding) else finding.verdict
        between = self._range(finding)
        return DeviceJudgement(
            *names, verdict, text, n, cause, math.exp(finding.log_ratio), low, high, finding.change, between,
            finding.confirmation,
        )  # fmt: skip

    def _break(self, common: Common) -> int:
        """Returns the run from which a device's level counts: that of the latest acceptance of all its workloads."""
        first = self.nights.series[int(common.rows[0])]
        of_all = [(at, one) for at, one in self.acceptances if one.workload == "*"]
        return max((at for at, one in of_all if is_matched(first, "*", one.device, one.backend)), default=-1)

    def _causes(self, common: Common, known: Indices, terms: Terms) -> Iterator[tuple[int, float, Cause]]:
        """Yields index, log ratio and cause of every common change."""
        changes = find_changes(common.level[known], least=terms.least)
        edges = [0, *(one.at for one in changes), len(known)]
        for k, one in enumerate(changes):
            sides = (common.anchors[known[edges[k] : one.at]], common.anchors[known[one.at : edges[k + 2]]])
            good, bad = (int(common.columns[known[place]]) for place in (max(one.earliest - 1, 0), one.latest))
            yield one.at, one.log_ratio, cause_of(one, sides, self.nights.runs[good], self.nights.runs[bad])

    def _cause_of(self, common: Common, known: Indices, finding: Finding) -> Cause:
        if _is_confirmed(finding):
            return "code"
        if finding.change is None:
            return "unknown"
        at = finding.change.at
        causes = [(abs(place - at), cause) for place, _, cause in self._causes(common, known, Terms())]
        return min([one for one in causes if one[1] != "machine"], default=(0, "unknown"))[1]


def _is_confirmed(finding: Finding) -> bool:
    return finding.confirmation is not None and finding.confirmation.outcome == "confirmed"


def _after(remark: str) -> str:
    return f"; {remark}" if remark else ""
