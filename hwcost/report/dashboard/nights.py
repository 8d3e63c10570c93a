"""The nights one by one: what each measured of every series, for comparing two of them."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Indices
from hwcost.report.dashboard.files import Site, script, slug
from hwcost.report.dashboard.history import History
from hwcost.report.dashboard.months import about_run
from hwcost.report.dashboard.numbers import rounded

KEY_DIGITS = 12
"""Digits of a series' key that stand for it in a night's file."""


def write_nights(site: Site, history: History, known: dict[str, str]) -> dict[str, str]:
    """Writes one file a run that changed since an earlier build, and the list of runs; returns the digest of each run.

    Args:
        site: The site.
        history: History that was read.
        known: Digests of an earlier build.
    """
    table, found = history.table, {}
    of_series = history.text_hashes[0]
    order = np.argsort(table.run, kind="stable")
    edges = np.searchsorted(table.run[order], np.arange(len(table.run_id) + 1))
    for index, run_id in enumerate(table.run_id):
        rows, name = order[edges[index] : edges[index + 1]], slug(run_id)
        found[name] = _digest(history, rows, of_series)
        if known.get(name) != found[name] or not site.keep(f"data/nights/{name}.js"):
            site.put(f"data/nights/{name}.js", script(f"nights/{name}", _night(history, rows)))
    site.put("data/nights.js", script("nights", _list(history)))
    return found


def _list(history: History) -> list[dict[str, Any]]:
    """Returns the runs that have estimates, the oldest first."""
    measured = set(history.table.run_id)
    return [{**about_run(run), "file": slug(run.run_id)} for run in history.runs if run.run_id in measured]


def _digest(history: History, rows: Indices, of_series: NDArray[np.uint64]) -> str:
    table = history.table
    columns = of_series[table.series[rows]], table.value[rows], table.half_width[rows], table.status[rows]
    return hashlib.sha256(b"".join(column.tobytes() for column in columns)).hexdigest()


def _night(history: History, rows: Indices) -> dict[str, Any]:
    table = history.table
    return {
        "k": [table.series_key[index][:KEY_DIGITS] for index in table.series[rows]],
        "v": rounded(table.value[rows]),
        "h": rounded(table.half_width[rows]),
        "s": table.status[rows].tolist(),
    }
