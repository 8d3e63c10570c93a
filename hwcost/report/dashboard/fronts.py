"""Studies: the values of their trials and the front, each point linked to the latest record of its architecture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from hwcost._jsonl import whole_lines
from hwcost.errors import DataError, UsageError
from hwcost.pareto import front as pareto_front
from hwcost.report.dashboard.commands import arch_key
from hwcost.report.dashboard.files import slug
from hwcost.report.dashboard.history import History
from hwcost.report.dashboard.numbers import number
from hwcost.units import DIMENSIONLESS, in_words, unit_of

LARGEST_SCATTER = 3000
"""Trials beside the front that are shown; more are thinned evenly."""


def front(history: History, log: str | Path) -> dict[str, Any]:
    """Reads the log of a study with two objectives or more.

    Args:
        history: History that holds the series of its architectures, where they were measured.
        log: File of the log, as ``hwcost search --log`` writes it.

    Raises:
        UsageError: When the file cannot be read.
        DataError: When it is not the log of a study.
    """
    header, trials = _read(Path(log))
    objectives = [(str(one["name"]), str(one["direction"])) for one in header["objectives"]]
    done = [trial for trial in trials if trial.get("status", "completed") == "completed" and trial.get("values")]
    values = np.array([trial["values"] for trial in done], dtype=np.float64).reshape(-1, len(objectives))
    signs = np.array([1.0 if direction == "minimize" else -1.0 for _, direction in objectives])
    best = set(np.flatnonzero(pareto_front(values * signs)).tolist()) if len(done) else set()
    series = _series_by_arch(history, str(header.get("space")))
    step = max(1, -(-len(done) // LARGEST_SCATTER))
    shown = [index for index in range(len(done)) if index in best or index % step == 0]
    return {
        "name": Path(log).stem,
        "space": header.get("space"),
        "searcher": header.get("searcher"),
        "seed": header.get("seed"),
        "objectives": [[in_words(name), _unit(name)] for name, _ in objectives],
        "trials": len(trials),
        "completed": len(done),
        "points": [
            [
                done[i]["arch"], [number(value) for value in values[i].tolist()], i in best,
                *_measured(history, series.get(done[i]["arch"], -1)),
            ]
            for i in shown
        ],
    }  # fmt: skip


def _measured(history: History, index: int) -> tuple[int, str | None]:
    """Returns the number of a series, and the file of the latest campaign that measured it; None for none."""
    if index < 0 or not len(history.rows[index]):
        return index, None
    campaign = int(history.table.campaign[history.rows[index][-1]])
    return index, slug(history.table.campaign_id[campaign]) if campaign >= 0 else None


def _unit(name: str) -> str:
    """Returns the unit of an objective; one that is called a latency is in seconds whatever its name ends in."""
    unit = unit_of(name)
    return "s" if unit == DIMENSIONLESS and "latency" in name else unit


def _read(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    try:
        header, *events = [json.loads(line) for line in whole_lines(path)]
        if header["event"] != "study" or not header["objectives"]:
            raise ValueError("its first line does not describe a search")
        return header, [event for event in events if event["event"] == "tell"]
    except OSError as error:
        raise UsageError(f"cannot read the study '{path}': {error.strerror}. Give the file of its log") from None
    except (ValueError, LookupError, TypeError) as error:
        raise DataError(
            f"'{path}' is not the log of a study: {error}. Give the file that a search kept as its log"
        ) from None


def _series_by_arch(history: History, space: str) -> dict[str, int]:
    """Returns the number of the latest series of each architecture of a space, by the architecture's key."""
    found = {}
    for key, index in history.number.items():
        one = history.series[key]
        if one.search_space == space and one.arch is not None and not one.component:
            found[arch_key(one.arch)] = index
    return found
