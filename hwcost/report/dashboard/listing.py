"""The list of all series with their latest verdicts, column by column."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwcost.report.dashboard.groups import family, named, places
from hwcost.report.dashboard.history import History
from hwcost.report.dashboard.numbers import number
from hwcost.units import in_words

TEXTS = ("name", "device", "backend", "precision", "quantity", "unit", "search_space", "component")
"""Columns of few different texts, which are kept once."""

NUMBERS = ("batch_size", "seq_len", "threads")


def listing(history: History) -> dict[str, Any]:
    """Returns the series in the order of the site; texts as indices into lists, unknown as null."""
    series = [history.series[key] for key in history.keys]
    labels = places(series)
    verdicts = [history.judged.get(key) for key in history.keys]
    columns: dict[str, list[Any]] = {name: [getattr(one, name) for one in series] for name in (*TEXTS, *NUMBERS)}
    columns["name"] = [named(one.name) for one in series]
    columns["quantity"] = [in_words(one.quantity) for one in series]
    columns["family"] = [family(one) for one in series]
    columns["place"] = [labels[one.device, one.backend] for one in series]
    columns["verdict"] = [one.verdict if one else "insufficient" for one in verdicts]
    texts = (*TEXTS, "family", "place", "verdict")
    lists = {name: sorted({text for text in columns[name] if text is not None}) for name in texts}
    places_of = {name: {text: index for index, text in enumerate(lists[name])} for name in texts}
    indexed = {name: [places_of[name].get(text, -1) for text in columns[name]] for name in texts}
    plain = {name: columns[name] for name in NUMBERS if any(value is not None for value in columns[name])}
    latest = [_latest(history, index) for index in range(len(series))]
    return {
        "key": history.keys,
        "lists": lists,
        **indexed,
        **plain,
        "ratio": [number(one.ratio) if one else None for one in verdicts],
        "value": [one[0] for one in latest],
        "half_width": [one[1] for one in latest],
        "at": [one[2] for one in latest],
        "n": [len(rows) for rows in history.rows],
        "unconfirmed": [int(history.is_unconfirmed[rows].sum()) for rows in history.rows],
    }


def _latest(history: History, index: int) -> tuple[float | None, float | None, int | None]:
    """Returns the latest comparable value of a series with its half-width, and the instant of its latest estimate."""
    rows = history.rows[index]
    if not len(rows):
        return None, None, None
    good = rows[history.is_good[rows]]
    at = int(history.table.measured_s[rows[-1]])
    if not len(good):
        return None, None, at
    return number(float(history.table.value[good[-1]])), number(float(np.float64(history.table.half_width[good[-1]]))), at
