"""Records: the samples behind an estimate, what the machine did meanwhile, and the command that repeats it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hwcost.report.dashboard.commands import command
from hwcost.report.dashboard.files import Site, script, slug
from hwcost.report.dashboard.history import History
from hwcost.report.dashboard.numbers import number, numbers, without_none
from hwcost.stores.runs import Run
from hwcost.stores.schema import Campaign, Record
from hwcost.stores.series import Series

if TYPE_CHECKING:
    from hwcost.stores.base import Store

LARGEST = 300
"""Series of the latest nights whose records are written beside those of alarms; a served site has all of them."""

LARGEST_VISIT = 500
"""Samples of a visit that are shown; more are thinned evenly, and their number is given."""

TRACES = ("clock_hz", "temperature_celsius", "clock_ratio", "cpu_steal_fraction", "load_avg_1min", "power_w")
"""Conditions that are shown visit by visit; the others stand in the raw fields."""

Wanted = dict[str, set[str]]
"""Keys of series by the id of a campaign."""


def write_records(site: Site, store: Store, history: History, known: Mapping[str, int]) -> dict[str, int]:
    """Writes the records of alarms and of the latest nights, and the list of what was written.

    Args:
        site: The site.
        store: Store with the records.
        history: History that was read of it.
        known: Number of records of each campaign in an earlier build: where it is the same, files of that build stay.

    Returns:
        Number of records of each campaign by the name of its folder.
    """
    listed: dict[str, list[int]] = {}
    counts: dict[str, int] = {}
    for campaign_id, keys in sorted(wanted(history).items()):
        if not history.environments.get(campaign_id):
            continue
        folder = slug(campaign_id)
        counts[folder] = store.count(campaign_id)
        is_same = known.get(folder) == counts[folder]
        kept = {key for key in keys if is_same and site.keep(f"data/{_name(folder, key)}.js")}
        for key, document in documents(store, history, campaign_id, keys - kept):
            site.put(f"data/{_name(folder, key)}.js", script(_name(folder, key), document))
            kept.add(key)
        if kept:
            listed[folder] = sorted(history.number[key] for key in kept)
    site.put("data/records.js", script("records", listed))
    return counts


def _name(folder: str, key: str) -> str:
    return f"records/{folder}/{key}"


def wanted(history: History) -> Wanted:
    """Returns the campaigns and series whose records are written: those of alarms before those of the others."""
    found: Wanted = {}
    alarmed = [one for one in history.judgements if one.verdict not in ("ok", "insufficient")]
    quiet = [one for one in history.judgements if one.verdict in ("ok", "insufficient")]
    for one in [*alarmed, *quiet[:LARGEST]]:
        runs = set(one.first_bad[:2]) if one.first_bad else set()
        for campaign_id in _campaigns(history, one.series_key, runs):
            found.setdefault(campaign_id, set()).add(one.series_key)
    return found


def _campaigns(history: History, key: str, runs: set[str]) -> Iterator[str]:
    """Yields the campaign of a series' latest estimate, and those of its estimates in some runs."""
    table = history.table
    if key not in history.number:
        return
    rows = history.rows[history.number[key]]
    of_runs = rows[np.isin(table.run[rows], [history.run_place[run] for run in runs if run in history.run_place])]
    for campaign in np.unique(table.campaign[[*rows[-1:], *of_runs]]).tolist():
        if campaign >= 0:
            yield table.campaign_id[campaign]


def documents(store: Store, history: History, campaign_id: str, keys: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the records of series in a campaign, series by series, as the record page takes them.

    Args:
        store: Store with the records.
        history: History that holds the series.
        campaign_id: Id of the campaign.
        keys: Keys of the series.
    """
    wanted = {key: history.series[key] for key in sorted(keys)}
    if not wanted:
        return
    by_workload: dict[str, list[Record]] = {}
    for record in store.records(campaign_id, workload_keys={one.workload_key for one in wanted.values()}):
        by_workload.setdefault(record.visit.workload_key, []).append(record)
    if not by_workload:
        return
    campaign, run = store.campaign(campaign_id), _run(history, campaign_id)
    for key, one in wanted.items():
        if one.workload_key in by_workload:
            yield key, _document(one, by_workload[one.workload_key], campaign, run)


def _document(one: Series, records: Sequence[Record], campaign: Campaign, run: Run | None) -> dict[str, Any]:
    first = records[0]
    return without_none(
        {
            "series": one.series_key,
            "campaign": campaign.campaign_id,
            "run": None if run is None else run.run_id,
            "command": command(one, first, campaign, run),
            "workload": {name: value for name, value in first.workload.document.items() if value not in ({}, None, "")},
            "environment": {name: facts for name, facts in first.environment.model_dump(mode="json").items() if facts},
            "visits": [_visit(record) for record in records],
        }
    )


def _run(history: History, campaign_id: str) -> Run | None:
    """Returns the run of a campaign, by its estimates; None for one by itself."""
    table = history.table
    if campaign_id not in table.campaign_id:
        return None
    rows = table.campaign == table.campaign_id.index(campaign_id)
    runs = (table.run_id[index] for index in np.unique(table.run[rows]).tolist() if index >= 0)
    return next((history.run_by_id[run_id] for run_id in runs if run_id in history.run_by_id), None)


def _visit(record: Record) -> dict[str, Any]:
    visit = record.visit
    step = max(1, -(-len(visit.samples_s) // LARGEST_VISIT))
    conditions = visit.conditions
    clocks = conditions.get("block_clock_hz") or ()
    return without_none(
        {
            "round": visit.round,
            "position": visit.position,
            "at": visit.started_at,
            "status": visit.status,
            "steady": visit.steady,
            "n": len(visit.samples_s),
            "calls": visit.calls_per_block,
            "samples": numbers(visit.samples_s[::step]),
            "starts": numbers(visit.block_starts_s[::step]),
            "clocks": numbers(clocks[::step]) if len(clocks) == len(visit.samples_s) else None,
            "traces": {name: _trace(conditions[name]) for name in TRACES if conditions.get(name) is not None},
            "conditions": {name: value for name, value in sorted(conditions.items()) if _is_plain(value)},
            "flags": [[flag.code, flag.text, flag.remedy] for flag in visit.flags],
        }
    )


def _trace(value: Any) -> float | None:
    """Returns a condition as one number: of several sensors, the highest."""
    if isinstance(value, dict):
        value = max(value.values(), default=None)
    return number(float(value)) if isinstance(value, (int, float)) else None


def _is_plain(value: Any) -> bool:
    return value is not None and not (isinstance(value, (list, tuple)) and len(value) > 16)
