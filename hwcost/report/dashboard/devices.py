"""The devices: when they were last seen, how noisy and how reliable they are, what changed on them, and their level."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.facts import differing
from hwcost.report.dashboard.groups import places
from hwcost.report.dashboard.history import History
from hwcost.report.dashboard.numbers import number, rounded
from hwcost.stores.series import STATUSES

RECENT_NIGHTS = 30
"""Nights that shares and noise are taken of."""

LEAST_SERIES = 5
"""Series below which a night says nothing about the level of its device."""


def devices(history: History) -> list[dict[str, Any]]:
    """Returns what is known of each device and backend; shares and noise over its latest nights."""
    labels = places(history.series.values())
    found = []
    for (device, backend), label in sorted(labels.items(), key=lambda item: item[1]):
        own = [i for i, key in enumerate(history.keys) if _place(history, key) == (device, backend)]
        rows = np.sort(np.concatenate([history.rows[i] for i in own]))
        found.append(
            {
                "label": label, "device": device, "backend": backend, "series": len(own),
                **_recent(history, rows), "changes": _changes(history, rows), "levels": _levels(history, own),
                "facts": _facts(history, rows),
            }
        )  # fmt: skip
    return found


def _place(history: History, key: str) -> tuple[str, str]:
    one = history.series[key]
    return one.device, one.backend


def _recent(history: History, rows: Indices) -> dict[str, Any]:
    """Returns the latest instant, the number of nights, the shares of statuses and the median half-width of late."""
    table = history.table
    if not len(rows):
        return {"at": None, "nights": 0, "shares": {}, "noise": None}
    nights, first = np.unique(table.run[rows], return_index=True)  # rows are in the order of time
    late = nights[np.argsort(first)][-RECENT_NIGHTS:]
    recent = rows[np.isin(table.run[rows], late)]
    shares = np.bincount(table.status[recent], minlength=len(STATUSES)) / len(recent)
    width = table.half_width[recent][np.isfinite(table.half_width[recent])]
    return {
        "at": int(table.measured_s[rows[-1]]),
        "nights": len(nights),
        "shares": {status: number(float(share)) for status, share in zip(STATUSES, shares, strict=True)},
        "noise": number(float(np.median(width))) if len(width) else None,
    }


def _changes(history: History, rows: Indices) -> list[list[Any]]:
    """Returns when the environment changed, and which facts from what to what."""
    table, found = history.table, []
    before: Any = None
    campaigns, first = np.unique(table.campaign[rows], return_index=True)
    for row, campaign in sorted(zip(first.tolist(), campaigns.tolist(), strict=True)):
        facts = history.environments.get(table.campaign_id[campaign]) if campaign >= 0 else None
        if not facts:
            continue
        changed = differing(before, facts) if before is not None else {}
        if changed:
            at = int(table.measured_s[rows[row]])
            found.append([at, [[name, str(old), str(new)] for name, (old, new) in sorted(changed.items())]])
        before = facts
    return found


def _facts(history: History, rows: Indices) -> dict[str, str]:
    """Returns the facts of the latest environment that are compared, as text."""
    campaigns, last = np.unique(history.table.campaign[rows][::-1], return_index=True)
    for campaign in campaigns[np.argsort(last)].tolist():
        facts = history.environments.get(history.table.campaign_id[campaign]) if campaign >= 0 else None
        if facts:
            return {name: str(value) for name, value in sorted(facts.items()) if value is not None}
    return {}


def _levels(history: History, own: list[int]) -> dict[str, Any]:
    """Returns the level of the device night by night: the median over its series of their value against their usual one."""
    logs: list[Floats] = []
    rows: list[Indices] = []
    for index in own:
        good = history.rows[index][history.is_good[history.rows[index]]]
        if len(good) > 1:
            y = np.log(history.table.value[good])
            logs.append(y - np.median(y))
            rows.append(good)
    if not rows:
        return {"t": [], "v": [], "n": [], "least": LEAST_SERIES}
    return _by_night(history, np.concatenate(rows), np.concatenate(logs))


def _by_night(history: History, rows: Indices, logs: Floats) -> dict[str, Any]:
    table = history.table
    order = np.argsort(table.run[rows], kind="stable")
    starts = np.unique(table.run[rows][order], return_index=True)[1]
    parts = [part for part in np.split(order, starts[1:]) if len(part) >= LEAST_SERIES]
    at = [int(table.measured_s[rows[part]].min()) for part in parts]
    levels = np.array([np.exp(np.median(logs[part])) for part in parts])
    by_time = np.argsort(at, kind="stable")
    return {
        "t": [at[i] for i in by_time],
        "v": rounded(levels[by_time]) if len(levels) else [],
        "n": [len(parts[i]) for i in by_time],
        "least": LEAST_SERIES,
    }
