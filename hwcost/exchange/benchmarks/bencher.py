"""Bencher: its metric format, which ``bencher run --adapter json`` reads."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from hwcost.exchange.benchmarks.base import Exported, History, Writer
from hwcost.exchange.benchmarks.latest import described, latest_values, left_out
from hwcost.exchange.benchmarks.names import safe
from hwcost.quantities import LATENCY
from hwcost.stores.series import Estimate, Series

if TYPE_CHECKING:
    from hwcost.exchange.benchmarks.document import Document

NS = 1e9
"""Bencher's own measure ``latency`` is in nanoseconds."""

LONGEST = 1024
"""Characters of the longest name of a benchmark."""


class Bencher(Writer):
    """Latest values in Bencher's metric format."""

    name = "bencher"
    tool = "Bencher metric format JSON"

    def recognises(self, document: Document) -> bool:
        """Whether it is an object of benchmarks, each an object of measures that have a value."""
        found = document.json_or_none
        benchmarks = list(found.values()) if isinstance(found, dict) else []
        metrics = [one for measures in benchmarks if isinstance(measures, dict) for one in measures.values()]
        return bool(metrics) and all(isinstance(one, dict) and "value" in one for one in metrics)

    def write(self, history: History) -> Exported:
        """Writes the latest value of every series, with its interval."""
        found = latest_values(history)
        metrics: dict[str, dict[str, dict[str, float]]] = {}
        for series, estimate in found:
            name = described(series, is_with_quantity=False)
            name = name if len(name) <= LONGEST else f"{name[: LONGEST - 9]} {series.series_key[:8]}"
            metrics.setdefault(name, {})[_measure(series)] = _metric(estimate, NS if series.quantity == LATENCY else 1.0)
        remarks = ("latencies are written in nanoseconds, as Bencher's measure 'latency' is.", *left_out(history, found))
        return Exported({"": json.dumps(metrics, indent=2, ensure_ascii=False) + "\n"}, remarks)


def _measure(series: Series) -> str:
    return "latency" if series.quantity == LATENCY else safe(series.quantity.replace("_", "-"))[:64]


def _metric(estimate: Estimate, factor: float) -> dict[str, float]:
    assert estimate.value is not None
    value = estimate.value * factor
    if estimate.half_width is None:
        return {"value": value}
    spread = math.exp(estimate.half_width)
    return {"value": value, "lower_value": value / spread, "upper_value": value * spread}
