"""Cost models as nights judged them: accuracy night by night, and the latest predictions beside what was measured."""

from __future__ import annotations

from typing import Any

from hwcost.report.dashboard.groups import named
from hwcost.report.dashboard.history import History
from hwcost.report.dashboard.numbers import number
from hwcost.stores.entries import ModelCheck
from hwcost.units import in_words, unit_of

LARGEST_SCATTER = 2000
"""Points of the latest night that are shown; more are thinned evenly."""

MEASURES = ("mape", "median_ape", "kendall_tau", "coverage_90", "level")


def models(history: History) -> list[dict[str, Any]]:
    """Returns every model on every device, by name: its measures over the nights, and its latest predictions."""
    by_model: dict[tuple[str, str, str], list[ModelCheck]] = {}
    for check in sorted(history.checks, key=lambda one: (one.created_at, one.entry_id)):
        by_model.setdefault((check.model, check.device, check.quantity), []).append(check)
    return [_model(history, checks) for _, checks in sorted(by_model.items())]


def _model(history: History, checks: list[ModelCheck]) -> dict[str, Any]:
    latest = checks[-1]
    step = max(1, -(-len(latest.points) // LARGEST_SCATTER))
    points = [
        [history.number.get(str(point[0]), -1), *(number(value) for value in point[1:5])]
        for point in latest.points[::step]
        if len(point) >= 5
    ]
    return {
        "model": named(latest.model),
        "device": latest.device,
        "quantity": in_words(latest.quantity),
        "unit": unit_of(latest.quantity),
        "holds": latest.holds,
        "reason": latest.reason,
        "age_s": number(latest.age_s),
        "n": latest.n,
        "points": points,
        "importance": sorted(
            ([name, number(float(share))] for name, share in latest.importance.items() if isinstance(share, (int, float))),
            key=lambda item: -(item[1] or 0.0),
        ),
        "nights": {
            "t": [check.created_at for check in checks],
            "holds": [check.holds for check in checks],
            "refitted": [check.refitted for check in checks],
            **{name: [number(getattr(check, name)) for check in checks] for name in MEASURES},
        },
    }
