"""The figure of an audit: residuals in the order of measurement, with the machine's level drawn in."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hwcost.report.figures import ACCENT, INK, LARGEST_SCATTER, SOFT, alpha, legend_above

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hwcost.auditing.report import AuditReport

LABELLED = 8
"""Boundaries that are labelled, those with the largest jumps; more would cover each other."""

SHOWN = 0.005
"""Share of residuals on either side that may lie outside the axes, so that one outlier does not flatten the rest."""

DISTANCE = 0.035
"""Labels closer to each other than this share of the axis are left out, the smaller jump first."""


def residual_order(ax: Axes, report: AuditReport, title: str) -> Axes:
    """Draws residuals against the order of measurement, the level as a line, stretches shaded and their bounds labelled.

    Args:
        ax: The axes.
        report: Report of an audit.
        title: Heading.
    """
    residual = _percent(report.residuals - float(np.median(report.residuals - report.log_level)))
    level = _percent(report.log_level)
    step = max(1, -(-len(residual) // LARGEST_SCATTER))
    for place, one in enumerate(report.segments[1::2]):
        name = None if place else "every second segment"
        ax.axvspan(one.first - 0.5, one.last + 0.5, color=SOFT, alpha=0.28, linewidth=0, zorder=0, label=name)
    ax.axhline(0.0, color=INK, linewidth=0.8, linestyle=(0, (5, 4)), alpha=0.6, zorder=2)
    ax.scatter(
        report.rows[::step], residual[::step], s=8, color=ACCENT, alpha=alpha(len(residual)), edgecolors="none", zorder=3,
        label=report.unit,
    )  # fmt: skip
    ax.plot(report.rows, level, color=INK, linewidth=1.5, zorder=4, label="level of the machine")
    low, high = _limits(residual, level)
    ax.set(
        xlim=(-0.5, float(report.rows[-1]) + 0.5), ylim=(low, high), xlabel=f"{report.unit}, in the order measured",
        ylabel="latency less its architecture's (%)",
    )  # fmt: skip
    for row in _labelled(report):
        ax.text(row, high, f" {row}", va="top", ha="left", rotation=90, fontsize=8, color="#52606d", zorder=5)
    ax.grid(True, axis="y")
    legend_above(ax, title)
    return ax


def _percent(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(100.0 * np.expm1(logs))


def _limits(residual: NDArray[np.float64], level: NDArray[np.float64]) -> tuple[float, float]:
    low = min(float(np.quantile(residual, SHOWN)), float(level.min()))
    high = max(float(np.quantile(residual, 1.0 - SHOWN)), float(level.max()))
    room = 0.12 * (high - low) or 1.0
    return low - room, high + room


def _labelled(report: AuditReport) -> list[int]:
    """Returns the rows at which the level jumps furthest, no two of them too close for their labels."""
    jumps = [(abs(after.level - before.level), after.first) for before, after in itertools.pairwise(report.segments)]
    rows: list[int] = []
    for _, row in sorted(jumps, reverse=True):
        if len(rows) < LABELLED and all(abs(row - other) >= DISTANCE * len(report.rows) for other in rows):
            rows.append(row)
    return sorted(rows)
