"""The small document that every page begins with: last night's counts, what needs a look, and the map of the overview."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import hwcost
from hwcost.history.judgement import VERDICTS
from hwcost.report.dashboard.history import History
from hwcost.report.dashboard.models import models
from hwcost.report.dashboard.months import about_run, months
from hwcost.report.dashboard.verdicts import alarms, cells, counts, moved
from hwcost.stores.series import STATUSES

SHOWN = 12
"""Verdicts that need a look and stand on the overview; all of them stand on the page of regressions."""


def index(history: History) -> dict[str, Any]:
    """Returns what the overview shows and what the other pages find their data by."""
    given, devices = counts(one.verdict for one in history.judgements), moved(history)
    return {
        "version": hwcost.__version__,
        "headline": _headline(given, len(history.series), len({one["place"] for one in devices})),
        "until": history.latest_s,
        "series": len(history.series),
        "estimates": len(history.table),
        "nights": len(history.runs),
        "statuses": list(STATUSES),
        "verdicts": list(VERDICTS),
        "counts": given,
        "suites": _suites(history),
        "map": cells(history),
        "alarms": alarms(history)[:SHOWN],
        "devices": devices,
        "models": [
            {name: one[name] for name in ("model", "device", "holds", "reason")} for one in models(history)
        ],
        "months": [month.name for month in months(history)],
    }


def _headline(given: Mapping[str, int], series: int, devices: int) -> str:
    """Returns the latest night in a sentence: what regressed, what is missing, and whole devices that moved."""
    bad, gone = given["regressed"], given["missing"]
    if not series:
        return "Nothing was measured yet"
    if given["insufficient"] == series and not devices:
        return f"Too few nights to judge {'the one' if series == 1 else f'any of {series}'} series"
    if not (bad or gone or devices):
        return "Nothing regressed, nothing is missing"
    parts = [f"{bad} of {series} series regressed" if bad else "Nothing regressed"]
    parts += [f"{gone} {'is' if gone == 1 else 'are'} missing"] * bool(gone)
    parts += [f"{devices} {'device' if devices == 1 else 'devices'} moved as a whole"] * bool(devices)
    return ", ".join(parts)


def _suites(history: History) -> list[dict[str, Any]]:
    """Returns the latest run of each suite."""
    latest = {run.suite: run for run in history.runs}
    return [about_run(run) for _, run in sorted(latest.items())]
