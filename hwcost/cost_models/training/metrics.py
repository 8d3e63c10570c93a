"""How good predictions are: the numbers that every evaluation prints."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from hwcost._stats import kendall_tau, median, spearman
from hwcost._types import Floats

NAMES = (
    "r2", "mape", "median_ape", "rmse_s", "within_5", "within_10", "kendall_tau", "spearman", "coverage_90", "width_90",
)
"""Names of the metrics in the order that documents print them. ``mape``, ``median_ape`` and ``width_90`` are percent,
``within_*`` and ``coverage_90`` fractions, ``rmse_s`` seconds."""

CONSTANT = 1e-12
"""Relative deviation below which values differ by rounding only."""

Metrics = dict[str, float | None]


def metrics(measured_s: Floats, predicted_s: Floats, low_s: Floats | None = None, high_s: Floats | None = None) -> Metrics:
    """Compares predictions with measurements.

    Args:
        measured_s: Shape (n,), seconds.
        predicted_s: Shape (n,), seconds.
        low_s: Lower ends of the intervals; None or all NaN when there are none.
        high_s: Upper ends, likewise.

    Returns:
        One value per name in ``NAMES``; None where it is undefined, such as the rank correlation of a constant.
    """
    relative = np.abs(predicted_s / measured_s - 1.0)
    total = float(((measured_s - measured_s.mean()) ** 2).sum())
    squared = float(((measured_s - predicted_s) ** 2).sum())
    found: Metrics = {
        "r2": 1.0 - squared / total if total > len(measured_s) * (CONSTANT * measured_s.mean()) ** 2 else None,
        "mape": 100.0 * float(relative.mean()),
        "median_ape": 100.0 * median(relative),
        "rmse_s": float(np.sqrt(squared / len(measured_s))),
        "within_5": float((relative <= 0.05).mean()),
        "within_10": float((relative <= 0.10).mean()),
        "kendall_tau": kendall_tau(measured_s, predicted_s),
        "spearman": spearman(measured_s, predicted_s),
        "coverage_90": None,
        "width_90": None,
    }
    if low_s is not None and high_s is not None and not np.isnan(low_s).all():
        found["coverage_90"] = float(((low_s <= measured_s) & (measured_s <= high_s)).mean())
        found["width_90"] = 100.0 * median((high_s - low_s) / predicted_s)
    return found


def median_metrics(runs: Iterable[Metrics]) -> Metrics:
    """Takes the median of each metric over runs; runs in which it is undefined are left out."""
    collected = list(runs)
    medians: Metrics = {}
    for name in NAMES:
        known = [value for run in collected if (value := run[name]) is not None]
        medians[name] = float(np.median(known)) if known else None
    return medians
