"""Plots that the figures of several systems are made of. Every function draws on the axes that it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hwcost.report.drawings import Drawing
from hwcost.report.figures import ACCENT, INK, SOFT, alpha, entitle, fitness, legend_above, scale_of_colors
from hwcost.report.supernet_figures import curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS = (ACCENT, "#c1666b", "#d4a24e", "#48795e", "#6d597a", "#7b8794")
DASHED: dict[str, Any] = {"color": INK, "linewidth": 0.8, "linestyle": (0, (5, 4)), "alpha": 0.6}
"""Style of reference lines."""

Point = tuple[float, float]


def losses(
    ax: Axes, steps: Sequence[int], lines: Mapping[str, Sequence[float | None]], title: str = "Training"
) -> None:
    """Draws a training's losses; points where a phase does not have a loss are gaps.

    Args:
        ax: The axes.
        steps: Number of finished steps at each point.
        lines: Losses at each point, by name.
        title: Heading.
    """
    known = {name: [float("nan") if one is None else one for one in line] for name, line in lines.items()}
    curves(ax, steps, known, title, "loss")


def scatter(
    ax: Axes, groups: Mapping[str, Sequence[Point]], labels: tuple[str, str], title: str,
    ranges: Mapping[str, Sequence[Point]] | None = None,
) -> None:  # fmt: skip
    """Draws groups of points, the first one as a cloud in the background.

    Args:
        ax: The axes.
        groups: Points by the name of their group.
        labels: Labels of the x axis and of the y axis.
        title: Heading.
        ranges: Ends of the interval of each point on the x axis by the name of its group, NaN where it has none; None for no
            intervals.
    """
    for index, ((name, points), color) in enumerate(zip(groups.items(), (SOFT, *COLORS), strict=False)):
        x, y = np.array(points, dtype=np.float64).reshape(-1, 2).T
        size, opacity = (16, alpha(len(x))) if index == 0 else (44, 1.0)
        ax.scatter(x, y, s=size, color=color, alpha=opacity, edgecolors="none", label=name, zorder=2 + index)
        if ranges is not None:
            low, high = np.array(ranges[name], dtype=np.float64).reshape(-1, 2).T
            ax.errorbar(x, y, xerr=(x - low, high - x), fmt="none", ecolor=color, elinewidth=0.8, capsize=2, zorder=1)
    ax.set(xlabel=labels[0], ylabel=labels[1])
    ax.grid(True)
    ax.legend(frameon=False, fontsize=8.5)
    entitle(ax, title)


def bars(
    ax: Axes, groups: Mapping[str, Mapping[str, float]], ylabel: str, title: str,
    ranges: Mapping[str, Mapping[str, Point]] | None = None,
) -> None:  # fmt: skip
    """Draws groups of bars side by side.

    Args:
        ax: The axes.
        groups: Height by the name of the bar, by the name of the group.
        ylabel: Label of the y axis.
        title: Heading.
        ranges: Ends of the interval of each height, NaN where it has none; None for no intervals.
    """
    names = list(next(iter(groups.values())))
    places, width = np.arange(len(names)), 0.8 / len(groups)
    for index, ((label, values), color) in enumerate(zip(groups.items(), COLORS * len(groups), strict=False)):
        offset = (index - (len(groups) - 1) / 2) * width
        heights = np.array([values[name] for name in names])
        ax.bar(places + offset, heights, width, color=color, label=label)
        if ranges is not None:
            low, high = np.array([ranges[label][name] for name in names]).T
            away = (heights - low, high - heights)
            ax.errorbar(places + offset, heights, away, fmt="none", ecolor=INK, elinewidth=1.0, capsize=3)
    ax.set_xticks(places, names, fontsize=8.5)
    ax.set(ylabel=ylabel)
    ax.grid(True, axis="y")
    if len(groups) > 1:
        legend_above(ax, title)
    else:
        entitle(ax, title)


def heat_map(
    ax: Axes, rows: Sequence[Sequence[float]], columns: Sequence[str], ylabel: str, title: str, scale: str = "share"
) -> None:
    """Draws numbers between 0 and 1 as the cells of a table, dark for 1.

    Args:
        ax: The axes.
        rows: Numbers, one row after the other.
        columns: Names of the columns; rows are numbered.
        ylabel: Label of the rows.
        title: Heading.
        scale: Name of the numbers, beside the scale of colours.
    """
    cells = np.array(rows, dtype=np.float64)
    image = ax.imshow(cells, aspect="auto", cmap="GnBu", vmin=0, vmax=1, interpolation="nearest")
    scale_of_colors(ax, image, scale)
    ax.set_xticks(range(len(columns)), columns, rotation=90, fontsize=8)
    ax.set_yticks(range(len(rows)), [str(index) for index in range(1, len(rows) + 1)])
    ax.set(ylabel=ylabel)
    entitle(ax, title)


def latency_fit(measured_s: Sequence[float], predicted_s: Sequence[float], title: str) -> Drawing:
    """Returns the figure of a latency model: predictions against measurements.

    Args:
        measured_s: Measured seconds of each row.
        predicted_s: Seconds predicted for each row by a fit without it.
        title: Heading.
    """
    measured, predicted = np.array(measured_s), np.array(predicted_s)
    return Drawing("latency", lambda ax: fitness(ax, measured, predicted, title), (5.2, 5.0))
