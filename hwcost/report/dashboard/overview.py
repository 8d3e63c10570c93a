"""The small document that every page begins with: last night's counts, what needs a look, and the map of the overview."""

from __future__ import annotations

from typing import Any

import hwcost
from hwcost.history.judgement import VERDICTS
from hwcost.report.dashboard.history import History
from hwcost.report.dashboard.models import models
from hwcost.report.dashboard.months import about_run, months
from hwcost.report.dashboard.numbers import number
from hwcost.report.dashboard.verdicts import alarms, cells, counts
from hwcost.stores.series import STATUSES

SHOWN = 12
"""Verdicts that need a look and stand on the overview; all of them stand on the page of regressions."""


def index(history: History) -> dict[str, Any]:
    """Returns what the overview shows and what the other pages find their data by."""
    return {
        "version": hwcost.__version__,
        "until": history.latest_s,
        "series": len(history.series),
        "estimates": len(history.table),
        "nights": len(history.runs),
        "statuses": list(STATUSES),
        "verdicts": list(VERDICTS),
        "counts": counts(one.verdict for one in history.judgements),
        "suites": _suites(history),
        "map": cells(history),
        "alarms": alarms(history)[:SHOWN],
        "devices": _devices(history),
        "models": [
            {name: one[name] for name in ("model", "device", "holds", "reason")} for one in models(history)
        ],
        "months": [month.name for month in months(history)],
    }


def _suites(history: History) -> list[dict[str, Any]]:
    """Returns the latest run of each suite."""
    latest = {run.suite: run for run in history.runs}
    return [about_run(run) for _, run in sorted(latest.items())]


def _devices(history: History) -> list[dict[str, Any]]:
    """Returns the verdicts on whole devices that need a look."""
    return [
        {
            "device": one.device, "verdict": one.verdict, "cause": one.cause, "ratio": number(one.ratio),
            "low": number(one.low), "high": number(one.high), "n": one.n_series, "reason": one.reason,
        }
        for one in history.of_devices
        if one.verdict not in ("ok", "insufficient")
    ]  # fmt: skip
