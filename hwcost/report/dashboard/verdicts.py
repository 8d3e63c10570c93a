"""Verdicts as a site shows them: counts, the rows of what needs a look, and the cells of the overview."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from hwcost.history import Judgement
from hwcost.history.judgement import VERDICTS, RunRange
from hwcost.report.dashboard.curves import of_cells, of_series
from hwcost.report.dashboard.groups import family, named, places
from hwcost.report.dashboard.history import History
from hwcost.report.dashboard.numbers import number, numbers, without_none
from hwcost.stores.entries import Confirmation

QUIET = ("ok", "insufficient")
"""Verdicts that need no look."""

CHANGED = ("regressed", "improved")
"""Verdicts that are about a change."""

BASE_NIGHTS = 14
"""Nights before the latest one whose median the overview compares it with."""


def counts(verdicts: Iterable[str]) -> dict[str, int]:
    """Returns how often each verdict was given; zeros included."""
    found = Counter(verdicts)
    return {verdict: found[verdict] for verdict in VERDICTS}


def alarms(history: History) -> list[dict[str, Any]]:
    """Returns every verdict that needs a look, with what is known about it; the most important first."""
    found = [one for one in history.judgements if one.verdict not in QUIET and one.series_key in history.number]
    return [_alarm(history, one) for one in sorted(found, key=lambda one: _rank(history, one))]


def moved(history: History) -> list[dict[str, Any]]:
    """Returns the verdicts on whole devices that need a look: changes that all series of a device share."""
    labels = places(history.series.values())
    return [
        {
            "device": one.device,
            "backend": one.backend,
            "quantity": one.quantity,
            "key": one.key,
            "place": labels.get((one.device, one.backend), one.device),
            "verdict": one.verdict,
            "cause": one.cause,
            "ratio": number(one.ratio),
            "low": number(one.low),
            "high": number(one.high),
            "n": one.n_series,
            "first_bad": _range(history, one.first_bad),
            "confirmed": _confirmed(one.confirmation),
            "reason": one.reason,
        }
        for one in history.of_devices
        if one.verdict not in QUIET
    ]


def _rank(history: History, one: Judgement) -> tuple[int, float, int]:
    return VERDICTS.index(one.verdict), -abs((one.ratio or 1.0) - 1.0), history.number[one.series_key]


def _alarm(history: History, one: Judgement) -> dict[str, Any]:
    acceptance = one.acceptance
    rows, series = history.rows[history.number[one.series_key]], history.series[one.series_key]
    return without_none(
        {
            "key": one.series_key,
            "name": named(series.name),
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
            "first_bad": _range(history, one.first_bad),
            "confirmed": _confirmed(one.confirmation),
            "accepted": None if acceptance is None else [acceptance.author, acceptance.reason],
            "owner": one.owner or None,
            "reason": one.reason,
            "spark": of_series(history, rows),
        }
    )


def _range(history: History, between: RunRange | None) -> list[dict[str, Any]] | None:
    """Returns the nights between which a change lies; None where that is not known."""
    return None if between is None else [_night(history, run_id) for run_id in (between.last_good, between.first_bad)]


def _confirmed(one: Confirmation | None) -> list[str] | None:
    """Returns what measuring again found, and how; None for a change that was not measured again."""
    return None if one is None else [one.outcome, one.how]


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
    """Returns the overview's map: families down, devices across, and for every cell its counts, mean change and curve.

    Change and curve are those of the series that regressed or improved, where that is the worst verdict of the cell; else of
    all series that are not missing, and the change is that of the latest night against those before.
    """
    labels = places(history.series.values())
    columns, families = sorted(set(labels.values())), sorted({family(one) for one in history.series.values()})
    keys: dict[tuple[int, int], list[str]] = {}
    for key in history.keys:
        one = history.series[key]
        keys.setdefault((families.index(family(one)), columns.index(labels[one.device, one.backend])), []).append(key)
    verdicts = {cell: [_verdict(history, key) for key in keys[cell]] for cell in sorted(keys)}
    worst = {cell: min(verdicts[cell], key=VERDICTS.index) for cell in verdicts}
    shown = {cell: _shown(history, keys[cell], worst[cell]) for cell in verdicts}
    found = [
        [*cell, counts(verdicts[cell]), number(_mean_change(history, shown[cell], worst[cell])), curve]
        for cell, curve in zip(verdicts, of_cells(history, shown.values()), strict=True)
    ]
    return {"rows": families, "columns": columns, "cells": found}


def _verdict(history: History, key: str) -> str:
    judged = history.judged.get(key)
    return judged.verdict if judged else "insufficient"


def _shown(history: History, keys: Sequence[str], worst: str) -> list[str]:
    """Returns the series of a cell that its change and its curve are of."""
    if worst in CHANGED:
        return [key for key in keys if _verdict(history, key) == worst]
    return [key for key in keys if _verdict(history, key) != "missing"]


def _mean_change(history: History, keys: Iterable[str], worst: str) -> float | None:
    """Returns the mean log change of the series that a cell shows; None where none has one."""
    ratios = [history.judged[key].ratio if worst in CHANGED else _latest_ratio(history, key) for key in keys]
    known = [ratio for ratio in ratios if ratio is not None]
    return float(np.mean(np.log(known))) if known else None


def _latest_ratio(history: History, key: str) -> float | None:
    """Returns the latest value of a series over the median of those before; None where there are none before."""
    values = history.values(history.rows[history.number[key]][-BASE_NIGHTS - 1 :])
    return float(values[-1] / np.median(values[:-1])) if len(values) > 1 else None
