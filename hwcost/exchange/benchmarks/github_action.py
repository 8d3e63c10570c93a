"""github-action-benchmark: the JSON that its tool ``customSmallerIsBetter`` reads."""

from __future__ import annotations

import json
import math
from typing import Any

from hwcost.exchange.benchmarks.base import Exported, History, Writer
from hwcost.exchange.benchmarks.latest import described, latest_values, left_out
from hwcost.stores.series import Estimate, Series


class GithubAction(Writer):
    """Latest values for github-action-benchmark."""

    name = "github-action-benchmark"
    tool = "github-action-benchmark JSON (customSmallerIsBetter)"

    def write(self, history: History) -> Exported:
        """Writes the latest value of every series of which less is better."""
        found = latest_values(history, smaller_is_better=True)
        entries = [_entry(series, estimate) for series, estimate in found]
        return Exported({"": json.dumps(entries, indent=2, ensure_ascii=False) + "\n"}, left_out(history, found))


def _entry(series: Series, estimate: Estimate) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": described(series), "unit": series.unit, "value": estimate.value}
    if estimate.half_width is not None:
        entry["range"] = f"± {100 * math.expm1(estimate.half_width):.2f} %"
    return {**entry, "extra": f"measured at {estimate.measured_at}\nseries {series.series_key}"}
