"""Measurements as a tree of asv results, which ``asv publish`` and ``asv compare`` read."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from datetime import datetime
from typing import Any

from hwcost.errors import UsageError
from hwcost.exchange.benchmarks.base import Exported, History
from hwcost.exchange.benchmarks.intervals import Z_50, Z_95, Z_99
from hwcost.exchange.benchmarks.names import safe, unique
from hwcost.stores.runs import Run
from hwcost.stores.series import Estimate, Series

COLUMNS = (
    "result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b", "stats_q_25", "stats_q_75",
    "stats_number", "stats_repeat", "samples", "profile",
)  # fmt: skip
"""Columns of asv's result files, in its order."""

ENVIRONMENT = "hwcost"
_UNITS = {"s": "seconds", "B": "bytes"}
_TYPES = {"s": "time", "B": "peakmemory"}


def tree(history: History) -> Exported:
    """Writes every run that has a commit, one file per device and commit; the later of two runs of one commit counts.

    Raises:
        UsageError: When no run has a commit.
    """
    names = unique({key: f"{one.name}.{one.backend}.{one.quantity}" for key, one in history.series.items()}, "._")
    cells: dict[tuple[str, str], dict[str, Estimate]] = defaultdict(dict)
    without = set()
    for one in history.estimates:
        run = history.run_of.get(one.run_id or "")
        if run is None or run.code is None or run.code.commit is None:
            without.add(one.run_id)
        else:
            device = safe(history.series[one.series_key].device)
            cells[device, run.code.commit][one.series_key] = one
    if not cells:
        raise UsageError("asv orders results by commit, and no run that is exported has one. Export another format")
    files = {"benchmarks.json": _text({"version": 2, **_benchmarks(history, names)})}
    for device in {device for device, _ in cells}:
        files[f"{device}/machine.json"] = _text({"machine": device, "version": 1})
    for (device, commit), values in cells.items():
        short = f"{device}/{safe(commit)[:8]}-{ENVIRONMENT}.json"
        path = short if short not in files else f"{device}/{safe(commit)}-{ENVIRONMENT}.json"
        files[path] = _text(_results(device, commit, values, history, names))
    left_out = [f"{len(without)} runs without a commit are left out, since asv orders results by commit."] if without else []
    return Exported(files, (*left_out, "the 99 % interval and the quartiles of asv's files follow from the 95 % interval."))


def _benchmarks(history: History, names: dict[str, str]) -> dict[str, Any]:
    return {names[key]: _benchmark(names[key], one) for key, one in history.series.items()}


def _benchmark(name: str, series: Series) -> dict[str, Any]:
    return {
        "code": series.name, "name": name, "param_names": [], "params": [], "type": _TYPES.get(series.unit, "track"),
        "unit": _UNITS.get(series.unit, series.unit), "version": series.series_key, "timeout": 60.0,
    }  # fmt: skip


def _results(
    device: str, commit: str, values: dict[str, Estimate], history: History, names: dict[str, str]
) -> dict[str, Any]:
    runs = [history.run_of[one.run_id or ""] for one in values.values()]
    return {
        "commit_hash": commit,
        "env_name": ENVIRONMENT,
        "date": _date(runs[-1]),
        "params": {"machine": device},
        "python": "",
        "requirements": {},
        "env_vars": {},
        "result_columns": list(COLUMNS),
        "results": {names[key]: _row(one) for key, one in values.items()},
        "durations": {},
        "version": 2,
    }


def _row(estimate: Estimate) -> list[Any]:
    result = None if estimate.value is None else [estimate.value]
    row = [result, [], estimate.series_key, _milliseconds(estimate.measured_at), None]
    if estimate.value is None or estimate.half_width is None:
        return row
    spreads = [math.exp(estimate.half_width * z / Z_95) for z in (Z_99, Z_50)]
    bounds = [[bound] for spread in spreads for bound in (estimate.value / spread, estimate.value * spread)]
    return [*row, *bounds, [1], [max(estimate.n_rounds, 1)]]


def _date(run: Run) -> int:
    return _milliseconds((run.code and run.code.commit_time) or run.started_at)


def _milliseconds(instant: str) -> int:
    return round(datetime.fromisoformat(instant).timestamp() * 1000)


def _text(value: Any) -> str:
    return json.dumps(value, indent=1, allow_nan=False) + "\n"
