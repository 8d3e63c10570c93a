"""Verdicts as a site shows them: counts, the rows of what needs a look, and the cells of the overview."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from hwcost.history import Judgement
from hwcost.history.judgement import VERDICTS
from hwcost.report.dashboard.groups import family, places
from hwcost.report.dashboard.history import History
from hwcost.report.dashboard.numbers import number, numbers, rounded, without_none

QUIET = ("ok", "insufficient")
"""Verdicts that need no look."""

CHANGED = ("regressed", "improved")
"""Verdicts that are about a change."""

BASE_NIGHTS = 14
"""Nights before the latest one whose median the overview compares it with."""

SPARK_NIGHTS = 40
"""Nights of a small curve beside a verdict."""


def counts(verdicts: Iterable[str]) -> dict[str, int]:
    """Returns how often each verdict was given; zeros included."""
    found = Counter(verdicts)
    return {verdict: found[verdict] for verdict in VERDICTS}


def alarms(history: History) -> list[dict[str, Any]]:
    """Returns every verdict that needs a look, with what is known about it; the most important first."""
    found = [one for one in history.judgements if one.verdict not in QUIET and one.series_key in history.number]
    return [_alarm(history, one) for one in sorted(found, key=lambda one: _rank(history, one))]


def _rank(history: History, one: Judgement) -> tuple[int, float, int]:
    return VERDICTS.index(one.verdict), -abs((one.ratio or 1.0) - 1.0), history.number[one.series_key]


def _alarm(history: History, one: Judgement) -> dict[str, Any]:
    confirmation, acceptance = one.confirmation, one.acceptance
    rows, series = history.rows[history.number[one.series_key]], history.series[one.series_key]
    return without_none(
        {
            "key": one.series_key,
            "name": series.name,
            "device": series.device,
            "backend": series.backend,
            "family": family(series),
            "quantity": series.quantity,
            "unit": series.unit,
            "verdict": one.verdict,
            "ratio": number(one.ratio),
            "low": number(one.low),
            "high": number(one.high),
            "before": None if one.before is None else numbers(one.before),
            "after": None if one.after is None else numbers(one.after),
            "first_bad": [_night(history, run_id) for run_id in one.first_bad[:2]] if one.first_bad else None,
            "confirmed": None if confirmation is None else [confirmation.outcome, confirmation.how],
            "accepted": None if acceptance is None else [acceptance.author, acceptance.reason],
            "reason": one.reason,
            "spark": rounded(history.values(rows)[-SPARK_NIGHTS:]),
        }
    )


def _night(history: History, run_id: str) -> dict[str, Any]:
    run = history.run_by_id.get(run_id)
    code = None if run is None else run.code
    return without_none(
        {
            "run": run_id,
            "at": None if run is None else run.started_at,
            "commit": None if code is None else code.commit,
            "dirty": True if code is not None and code.is_dirty else None,
        }
    )


def cells(history: History) -> dict[str, Any]:
    """Returns the overview's map: families down, devices across, and for every cell its counts and its mean change.

    The change is that of the series that regressed or improved, where that is the worst verdict of the cell; else that of
    the latest night against those before, over all series that are not missing.
    """
    labels = places(history.series.values())
    columns, families = sorted(set(labels.values())), sorted({family(one) for one in history.series.values()})
    keys: dict[tuple[int, int], list[str]] = {}
    for key in history.keys:
        one = history.series[key]
        keys.setdefault((families.index(family(one)), columns.index(labels[one.device, one.backend])), []).append(key)
    found = []
    for cell in sorted(keys):
        verdicts = [_verdict(history, key) for key in keys[cell]]
        found.append([*cell, counts(verdicts), number(_mean_change(history, keys[cell], min(verdicts, key=VERDICTS.index)))])
    return {"rows": families, "columns": columns, "cells": found}


def _verdict(history: History, key: str) -> str:
    judged = history.judged.get(key)
    return judged.verdict if judged else "insufficient"


def _mean_change(history: History, keys: Iterable[str], worst: str) -> float | None:
    """Returns the mean log change of the series of a cell; None where none has one."""
    if worst in CHANGED:
        judged = [history.judged[key] for key in keys if _verdict(history, key) == worst]
        changes = [float(np.log(one.ratio)) for one in judged if one.ratio is not None]
    else:
        rows = (history.rows[history.number[key]] for key in keys if _verdict(history, key) != "missing")
        changes = [change for one in rows for change in _latest_change(history, one)]
    return float(np.mean(changes)) if changes else None


def _latest_change(history: History, rows: Any) -> list[float]:
    """Returns the log of the latest value over the median of those before; nothing where there are none before."""
    values = history.values(rows[-BASE_NIGHTS - 1 :])
    return [float(np.log(values[-1] / np.median(values[:-1])))] if len(values) > 1 else []
