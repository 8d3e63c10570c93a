"""Judges what all series of a device have in common: whether it changed, and whether that was the machine or the code."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.history.changes import find_changes
from hwcost.history.common_level import LEAST_SERIES, Common, cause_of
from hwcost.history.judgement import Cause, DeviceJudgement, Verdict, commit_of, common_key, is_confirmed
from hwcost.history.moved import moved_device
from hwcost.history.nights import ROUNDING, nights_have
from hwcost.history.past import Past
from hwcost.history.policy import Terms, is_matched
from hwcost.history.stretch import effective
from hwcost.history.trace import Finding, find

__all__ = ["judged_device"]


def judged_device(past: Past, common: Common) -> DeviceJudgement:
    """Judges the common level of a device.

    Args:
        past: Everything that is known.
        common: The level.
    """
    first = past.nights.series[int(common.rows[0])]
    names = (common.device, common.backend, common.quantity, common_key(first))
    return replace(_judged(past, common, names), device_key=first.device_key)


def _judged(past: Past, common: Common, names: tuple[str, str, str, str]) -> DeviceJudgement:
    known = np.flatnonzero(np.isfinite(common.level) & (common.columns >= _break(past, common)))
    if not common.n_series:
        return DeviceJudgement(*names, "insufficient", f"A common level takes {LEAST_SERIES} series.", 0)
    if not len(known) or effective(common.certainty[known]) < past.policy.least_nights - ROUNDING:
        text = f"{nights_have(len(known))} a level; it takes {past.policy.least_nights}."
        return DeviceJudgement(*names, "insufficient", text, common.n_series)
    return _device(past, common, names, known)


def _device(past: Past, common: Common, names: tuple[str, str, str, str], known: Indices) -> DeviceJudgement:
    terms = Terms(sign=past.terms[int(common.rows[0])].sign)
    level, machine = _without_machine(past, common, known, terms)
    noted = [one for one in past.noted.get(names[3], []) if one.before >= _break(past, common)]
    finding = find(level, common.columns[known], terms, noted, common.certainty[known], moved_device(past, common))
    n, count = common.n_series, f"{common.n_series} series"
    if finding.is_alone and common.certainty[known[-1]] >= 1.0:
        return _alone(past, common, names, known, finding)
    if finding.bad is None and machine is not None:
        since = past.name(int(common.columns[known[machine[0]]]))
        text = f"All {count} are at {100 * math.expm1(machine[1]):+.1f} % since {since}: "
        text += "the machine or its software, and not the code under test."
        return DeviceJudgement(*names, "ok", text, n, "machine", math.exp(machine[1]))
    if finding.bad is None:
        return DeviceJudgement(*names, "ok", f"{count} share no change{_after(finding.remark)}.", n)
    cause = _cause_of(past, common, known, finding)
    low, high = (math.exp(finding.log_ratio + side * finding.half) for side in (-1, 1))
    said = {"code": "the anchors stayed, so it is the code", "unknown": "nothing tells the code from the machine"}
    reason = past.reason(finding, len(level)).rstrip(".")
    text = f"All {count}: {reason[0].lower()}{reason[1:]}; {said.get(cause, 'the machine')}."
    verdict: Verdict = "ambiguous" if cause == "unknown" and not is_confirmed(finding.confirmation) else finding.verdict
    between = past.range(finding)
    return DeviceJudgement(
        *names, verdict, text, n, cause, math.exp(finding.log_ratio), low, high, finding.change, between,
        finding.confirmation,
    )  # fmt: skip


def _alone(
    past: Past, common: Common, names: tuple[str, str, str, str], known: Indices, finding: Finding
) -> DeviceJudgement:
    """Judges a device whose latest night alone sticks out: with the commit of the night before it is the machine."""
    last, latest = (past.nights.runs[int(column)] for column in common.columns[known[-2:]])
    is_machine = commit_of(latest) is not None and commit_of(last) == commit_of(latest)
    reason = past.reason(finding, len(known))
    text = f"All {common.n_series} series: {reason[0].lower()}{reason[1:]}"
    if is_machine:
        text = f"{text.split(';')[0]}, with the commit of the night before: the machine or its software."
    low, ratio, high = (math.exp(finding.log_ratio + side * finding.half) for side in (-1, 0, 1))
    verdict: Verdict = "ok" if is_machine else "ambiguous"
    return DeviceJudgement(*names, verdict, text, common.n_series, "machine" if is_machine else None, ratio, low, high)


def _without_machine(
    past: Past, common: Common, known: Indices, terms: Terms
) -> tuple[Floats, tuple[int, float] | None]:
    """Returns the level without the machine's own changes, and the latest of these: its index and log ratio, or None."""
    level = common.level[known].copy()
    latest: tuple[int, float] | None = None
    for at, log_ratio, cause in _causes(past, common, known, terms):
        if cause == "machine":
            level[at:] -= log_ratio
            latest = (at, log_ratio)
    return level, latest


def _break(past: Past, common: Common) -> int:
    """Returns the run from which a device's level counts: that of the latest acceptance of all its workloads."""
    first = past.nights.series[int(common.rows[0])]
    of_all = [(at, one) for at, one in past.acceptances if one.workload == "*"]
    return max((at for at, one in of_all if is_matched(first, "*", one.device, one.backend)), default=-1)


def _causes(past: Past, common: Common, known: Indices, terms: Terms) -> Iterator[tuple[int, float, Cause]]:
    """Yields index, log ratio and cause of every common change."""
    changes = find_changes(common.level[known], common.certainty[known], least=terms.least)
    edges = [0, *(one.at for one in changes), len(known)]
    for k, one in enumerate(changes):
        sides = (common.anchors[known[edges[k] : one.at]], common.anchors[known[one.at : edges[k + 2]]])
        good, bad = (int(common.columns[known[place]]) for place in (max(one.earliest - 1, 0), one.latest))
        yield one.at, one.log_ratio, cause_of(one, sides, past.nights.runs[good], past.nights.runs[bad])


def _cause_of(past: Past, common: Common, known: Indices, finding: Finding) -> Cause:
    if is_confirmed(finding.confirmation):
        return "code"
    if finding.change is None:
        return "unknown"
    at = finding.change.at
    causes = [(abs(place - at), cause) for place, _, cause in _causes(past, common, known, Terms())]
    return min([one for one in causes if one[1] != "machine"], default=(0, "unknown"))[1]


def _after(remark: str) -> str:
    return f"; {remark}" if remark else ""
