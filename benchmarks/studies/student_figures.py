"""AutoDistill's Figures 3 to 6, drawn from the table of all students."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from studies.student_searches import Goal

from hwcost.objectives import Minimize
from hwcost.report import DASHED, scatter
from hwcost.study import search
from hwcost.testing import AutoDistillTable, autodistill_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BUDGET, BEST = 60, 7
"""Evaluations of each search of Figure 4, and the number of its students that are drawn."""
QUALITY = "perplexity"


def write_figures(folder: Path, found: Mapping[Goal, Mapping[str, Sequence[tuple[int, int]]]]) -> None:
    """Writes the four figures as PNG files.

    Args:
        folder: Folder of the figures, made where it is missing.
        found: Evaluations to one and to three winners, one pair for each seed, by goal and searcher.
    """
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    drawn: dict[str, Callable[[Axes], None]] = {
        f"figure-3-{goal.quality}": lambda ax, goal=goal, rows=rows: figure_3(ax, goal, rows) for goal, rows in found.items()
    }
    drawn |= {"figure-4": figure_4, "figure-5": figure_5, "figure-6": figure_6}
    for name, draw in drawn.items():
        figure = Figure(figsize=(6.4, 4.4), layout="constrained", dpi=120)
        draw(figure.add_subplot())
        figure.savefig(folder / f"{name}.png")
        print(f"  {folder / name}.png")


def figure_3(ax: Axes, goal: Goal, rows: Mapping[str, Sequence[tuple[int, int]]]) -> None:
    """Draws evaluations until three students dominate: medians over seeds as bars, seeds as dots, the first as a line."""
    names = list(rows)[::-1]
    for place, name in enumerate(names):
        values = np.array(rows[name])
        middle = np.median(values, axis=0)
        ax.barh(place, middle[1], 0.6, color="#bcd3e0", zorder=1)
        ax.plot([middle[0]] * 2, [place - 0.3, place + 0.3], color="#c1666b", linewidth=2, zorder=3)
        spread = np.linspace(-0.2, 0.2, len(values))
        ax.scatter(values[:, 1], place + spread, s=9, color="#3b6c8f", edgecolors="none", zorder=2)
    ax.set_yticks(range(len(names)), names)
    ax.set(xlabel="evaluated students: bar to three that dominate (median), red to the first, dots per seed")
    ax.xaxis.label.set_size(8.5)
    ax.grid(True, axis="x", alpha=0.3)
    ax.set_title(f"Figure 3: {goal.quality}, {len(goal.winners)} of 576 dominate", fontsize=10, loc="left")


def figure_4(ax: Axes) -> None:
    """Draws the best students of searches for latency, for quality, and for both."""
    table = autodistill_table()
    latency, quality = table.objectives(QUALITY)
    groups: dict[str, list[tuple[float, float]]] = {"all students": _points(table, list(table.students))}
    for label, objectives in (("latency alone", [latency]), ("quality alone", [quality]), ("both", [latency, quality])):
        plain = [Minimize(one.value, one.name) for one in objectives]
        study = search(table.space, plain, searcher="bayesian", evaluations=BUDGET, batch=1, seed=0)
        done = study.completed
        chosen = study.front if len(plain) > 1 else sorted(done, key=lambda trial: trial.values[0])[:BEST]
        groups[label] = _points(table, [table.space.key(trial.architecture) for trial in chosen])
    groups["reference"] = _points(table, [table.space.key(table.reference)])
    scatter(ax, groups, ("perplexity after flash distillation", "latency (ms)"), f"Figure 4: {BUDGET} evaluations each")


def figure_5(ax: Axes) -> None:
    """Draws quality against the share of the regular steps, regular distillation at 100 %."""
    table = autodistill_table()
    reference = table.space.key(table.reference)
    shares = sorted(table.shares)
    for share in shares:
        values = [getattr(one, QUALITY) for one in table.shares[share]]
        ax.scatter([100 * share] * len(values), values, s=18, color="#3b6c8f", edgecolors="none", zorder=2)
    middle = [float(np.median([getattr(one, QUALITY) for one in table.shares[share]])) for share in shares]
    x, y = [100 * share for share in shares], middle
    if reference in table.regular:
        x, y = [*x, 100], [*y, getattr(table.regular[reference], QUALITY)]
        ax.scatter(x[-1:], y[-1:], s=18, color="#3b6c8f", edgecolors="none", zorder=2)
    ax.plot(x, y, color="#3b6c8f", linewidth=1.2)
    ax.axvline(5, **DASHED)
    ax.set_xscale("log")
    ax.set_xticks(x, [f"{one:g}" for one in x])
    ax.minorticks_off()
    ax.set(xlabel="share of the regular steps (%); dashed: flash distillation", ylabel="perplexity")
    ax.grid(True, alpha=0.3)
    ax.set_title("Figure 5: quality grows with the logarithm of the steps", fontsize=10, loc="left")


def figure_6(ax: Axes) -> None:
    """Draws the same students after flash and after regular distillation."""
    table = autodistill_table()
    keys = list(table.regular)
    reference = table.space.key(table.reference)
    groups = {
        "all students, flash": _points(table, list(table.students)), "flash": _points(table, keys),
        "regular": _points(table, keys, table.regular),
        "reference": [point for rows in (table.students, table.regular) for point in _points(table, [reference], rows)],
    }  # fmt: skip
    scatter(ax, groups, ("perplexity", "latency (ms)"), f"Figure 6: {len(keys)} students, distilled both ways")


def _points(
    table: AutoDistillTable, keys: Sequence[str], qualities: Mapping[str, Any] | None = None
) -> list[tuple[float, float]]:
    rows = table.students if qualities is None else qualities
    return [(float(getattr(rows[key], QUALITY)), 1e3 * table.students[key].latency_s) for key in keys]
