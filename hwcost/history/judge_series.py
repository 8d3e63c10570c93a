"""Judges one series: what is missing, what is too little, and what its nights say beside the level of its device."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.history.common_level import Common
from hwcost.history.judgement import REMOVED, Judgement
from hwcost.history.machines import absence
from hwcost.history.moved import moved_series
from hwcost.history.nights import ROUNDING, nights_have
from hwcost.history.past import Past
from hwcost.history.stretch import effective
from hwcost.history.trace import Finding, find
from hwcost.history.weights import night_weights

__all__ = ["judged_series"]

ENDED = ("done", "interrupted", "failed")
"""Status of runs that may lack a series; one under way lacks what is still to come."""


def judged_series(past: Past, row: int, common: Common) -> Judgement | None:
    """Judges a series.

    Args:
        past: Everything that is known.
        row: Index of the series.
        common: Level of its device.

    Returns:
        The judgement; None for a series that was accepted to be missing.
    """
    series, terms = past.nights.series[row], past.terms[row]
    accepted = past.acceptance(series)
    first = -1 if accepted is None else accepted[0]
    values = _values(past, row, common, first)
    acceptance = None if accepted is None else accepted[1]
    lacking = _missing(past, row)
    if lacking and not len(values.runs) and accepted is not None:
        return None
    judged = partial(
        Judgement, series.series_key, acceptance=acceptance, owner=terms.owner, nights=len(values.runs),
        unconfirmed=values.unconfirmed,
    )  # fmt: skip
    if lacking:
        return judged("missing", lacking)
    if not len(values.runs) or effective(values.weights) < past.policy.least_nights - ROUNDING:
        text = _too_few(past, row, values)
        if acceptance is not None:
            text = f"Since {past.name(first)}, when {acceptance.author} accepted a change, {text}"
        return judged("insufficient", text)
    noted = [one for one in past.noted.get(series.series_key, []) if one.before >= first]
    finding = find(values.y, values.runs, terms, noted, values.weights, moved_series(past, row, common))
    return _judgement(past, finding, values, judged)


def _too_few(past: Past, row: int, values: _Values) -> str:
    """Says how many nights count, and what the latest one lacked that does not."""
    least = past.policy.least_nights
    text = f"{nights_have(len(values.runs))} a value; it takes {least}."
    if len(values.runs) >= least:
        amount = effective(values.weights)
        text = f"{nights_have(len(values.runs))} a value, {values.unconfirmed} of them unconfirmed: they count as "
        text += f"{amount:.1f} equal ones, and it takes {least}."
    lost = np.flatnonzero((past.nights.row[row] >= 0) & ~np.isfinite(past.nights.y[row]))
    if not len(lost):
        return text
    why = past.nights.why(row, int(lost[-1])).rstrip(".") or "it has no interval"
    return f"{text} {len(lost)} do not count, the latest one since {why}."


class _Values(NamedTuple):
    """What the nights of a series say.

    Attributes:
        y: Log values, the common level taken out, shape (n,).
        runs: Indices of their runs, shape (n,).
        weights: Share of a full night that each counts as, shape (n,).
        unconfirmed: Number of values that are unconfirmed.
    """

    y: Floats
    runs: Indices
    weights: Floats
    unconfirmed: int


def _values(past: Past, row: int, common: Common, first: int) -> _Values:
    """Returns the values since a run, the latest of them."""
    nights = past.nights
    rest = nights.y[row, common.columns] - common.level
    known = np.flatnonzero(np.isfinite(rest) & (common.columns >= first))[-past.policy.nights :]
    runs = common.columns[known]
    is_full = nights.is_full[row, runs]
    own = nights.half[row, runs] * common.own[known]
    weights = night_weights(rest[known], own, is_full, common.offset[known])
    unconfirmed = sum(nights.status(row, int(run)) == "unconfirmed" for run in runs[~is_full])
    return _Values(rest[known], runs, weights, unconfirmed)


def _missing(past: Past, row: int) -> str:
    """Says what is missing of the latest run of the series' suites on its machine; empty when nothing is."""
    present, own = np.flatnonzero(past.nights.row[row] >= 0), past.own[row]
    runs = past.nights.runs
    suites = {runs[index].suite for index in present}
    if len(present) and not own.all():
        others = np.array([run.suite in suites and run.status in ENDED for run in runs]) & ~own
        if passed := absence(own, others):
            last = past.name(int(np.flatnonzero(own)[-1]))
            return f"Its machine has measured nothing since {last}, while other machines made {passed} runs."
    newest_first = reversed(np.flatnonzero(own))
    ended = next((index for index in newest_first if runs[index].suite in suites and runs[index].status in ENDED), None)
    if ended is None:
        return ""
    latest = max(int(ended), int(present[-1]))
    status, why = past.nights.status(row, latest), past.nights.why(row, latest)
    if status in ("ok", "unconfirmed"):
        return ""
    name = past.name(latest)
    if status:
        happened = "failed" if status == "failed" else "was measured, but nothing counts,"
        return f"It {happened} in {name}: {why.rstrip('.') or status}."
    ended_so = "" if runs[latest].status == "done" else f", which was {runs[latest].status}"
    text = f"{name} has no estimate of it{ended_so}; the last one is of {past.name(int(present[-1]))}."
    return text[0].upper() + text[1:] + ("" if ended_so else f" {REMOVED}")


def _judgement(past: Past, finding: Finding, values: _Values, judged: Callable[..., Judgement]) -> Judgement:
    low, high = (math.exp(finding.log_ratio + side * finding.half) for side in (-1, 1))
    reason = past.reason(finding, len(values.runs))
    if values.unconfirmed:
        reason += f" {values.unconfirmed} of {len(values.runs)} nights are unconfirmed, and count less."
    return judged(
        finding.verdict,
        reason,
        math.exp(finding.log_ratio),
        low,
        high,
        (math.exp(finding.before.log), finding.before.half),
        (math.exp(finding.after.log), finding.after.half),
        finding.change,
        past.range(finding),
        finding.confirmation,
        since=None if finding.since is None else past.nights.runs[finding.since].run_id,
    )
