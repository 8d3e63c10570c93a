"""Judges one series: what is missing, what is too little, and what its nights say beside the level of its device."""

from __future__ import annotations

import math

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.history.common import Common
from hwcost.history.judgement import Judgement
from hwcost.history.nights import nights_have
from hwcost.history.past import Past
from hwcost.history.policy import Terms
from hwcost.history.trace import Finding, find
from hwcost.stores.entries import Acceptance
from hwcost.stores.series import Series

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
    values, runs = _values(past, row, common, first)
    acceptance = None if accepted is None else accepted[1]
    lacking = _missing(past, row)
    if lacking and not len(runs) and accepted is not None:
        return None
    if lacking:
        return Judgement(series.series_key, "missing", lacking, acceptance=acceptance, owner=terms.owner)
    if len(runs) < past.policy.least_nights:
        text = _too_few(past, row, len(runs))
        if acceptance is not None:
            text = f"Since {past.name(first)}, when {acceptance.author} accepted a change, {text}"
        return Judgement(series.series_key, "insufficient", text, acceptance=acceptance, owner=terms.owner)
    noted = [one for one in past.noted.get(series.series_key, []) if one.before >= first]
    finding = find(values, runs, terms, noted)
    return _judgement(past, series, terms, finding, len(runs), acceptance)


def _too_few(past: Past, row: int, count: int) -> str:
    """Says how many nights count, and what the latest one lacked that does not."""
    text = f"{nights_have(count)} a value that counts; it takes {past.policy.least_nights}."
    lost = np.flatnonzero((past.nights.row[row] >= 0) & ~np.isfinite(past.nights.y[row]))
    if not len(lost):
        return text
    why = "the machine was not seen uncontended, or the interval is too wide"
    if past.nights.status(row, int(lost[-1])) not in ("ok", "unconfirmed"):
        why = past.nights.why(row, int(lost[-1])).rstrip(".")
    return f"{text} {len(lost)} do not count, the latest one since {why}."


def _values(past: Past, row: int, common: Common, first: int) -> tuple[Floats, Indices]:
    """Returns the values that count since a run, the common level taken out, and the indices of their runs."""
    rest = past.nights.y[row, common.columns] - common.level
    known = np.isfinite(rest) & (common.columns >= first)
    return rest[known][-past.policy.nights :], common.columns[known][-past.policy.nights :]


def _missing(past: Past, row: int) -> str:
    """Says what is missing of the latest run of the series' suites; empty when nothing is."""
    present = np.flatnonzero(past.nights.row[row] >= 0)
    runs = past.nights.runs
    suites = {runs[index].suite for index in present}
    ended = [index for index, run in enumerate(runs) if run.suite in suites and run.status in ENDED]
    if not ended:
        return ""
    latest = max(ended[-1], int(present[-1]))
    status, why = past.nights.status(row, latest), past.nights.why(row, latest)
    if status in ("ok", "unconfirmed"):
        return ""
    name = past.name(latest)
    if status:
        happened = "failed" if status == "failed" else "was measured, but nothing counts,"
        return f"It {happened} in {name}: {why.rstrip('.') or status}."
    ended_so = "" if runs[latest].status == "done" else f", which was {runs[latest].status}"
    return f"{name} has no estimate of it{ended_so}; the last one is of {past.name(int(present[-1]))}."


def _judgement(
    past: Past, series: Series, terms: Terms, finding: Finding, nights: int, acceptance: Acceptance | None
) -> Judgement:
    low, high = (math.exp(finding.log_ratio + side * finding.half) for side in (-1, 1))
    return Judgement(
        series.series_key,
        finding.verdict,
        past.reason(finding, nights),
        math.exp(finding.log_ratio),
        low,
        high,
        (math.exp(finding.before.log), finding.before.half),
        (math.exp(finding.after.log), finding.after.half),
        finding.change,
        past.range(finding),
        finding.confirmation,
        acceptance,
        terms.owner,
    )
