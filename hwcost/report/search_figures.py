"""Figures of searches: fronts, convergence, and the genes of chosen architectures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hwcost.report.figures import ACCENT, INK, LARGEST_SCATTER, SOFT, alpha, entitle, legend_above, name_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hwcost.spaces.base import Architecture
    from hwcost.study.study import Study

VALUED = 24
"""Most bars of a figure that are labelled with their values: small ones beside large ones can be read so."""

_LINES = (ACCENT, "#c1666b", "#d4a24e", "#48795e", "#6d597a", "#7b8794")


def front(ax: Axes, study: Study, title: str = "Front") -> Axes:
    """Draws the trials of a study of two objectives, its front, and the reference (SuperShaper, Figure 8; AutoDistill, 4).

    Args:
        ax: The axes.
        study: Study with two objectives.
        title: Heading.
    """
    first, second = study.problem.objectives
    values = np.array([trial.values for trial in study.completed]).reshape(-1, 2)
    step = max(1, -(-len(values) // LARGEST_SCATTER))
    shown = values[::step]
    ax.scatter(
        shown[:, 0], shown[:, 1], s=14, color=SOFT, alpha=alpha(len(values)), edgecolors="none", label="evaluated", zorder=2
    )
    best = np.array([trial.values for trial in study.front]).reshape(-1, 2)
    ax.step(best[:, 0], best[:, 1], where="post" if first.sign > 0 else "pre", color=ACCENT, linewidth=1.2, zorder=3)
    ax.scatter(best[:, 0], best[:, 1], s=26, color=ACCENT, label="front", zorder=4)
    if study.references is not None:
        point = study.problem.signs * study.references
        ax.axvline(point[0], color=INK, linewidth=0.8, linestyle=(0, (5, 4)), alpha=0.6)
        ax.axhline(point[1], color=INK, linewidth=0.8, linestyle=(0, (5, 4)), alpha=0.6, label="reference")
    name_axis(ax.xaxis, first.name)
    name_axis(ax.yaxis, second.name)
    ax.grid(True)
    legend_above(ax, title)
    return ax


def progress(ax: Axes, convergence: Mapping[str, Sequence[float]], ylabel: str, title: str = "Convergence") -> Axes:
    """Draws the convergence of searches, as :meth:`hwcost.study.Study.convergence` gives it.

    Args:
        ax: The axes.
        convergence: One number per evaluation, by the search's name.
        ylabel: Name of the numbers: the best value, or the hypervolume.
        title: Heading.
    """
    for (name, values), color in zip(convergence.items(), _LINES * len(convergence), strict=False):
        ax.step(np.arange(1, len(values) + 1), values, where="post", color=color, linewidth=1.6, label=name)
    ax.set(xlabel="evaluations", ylabel=ylabel)
    ax.grid(True)
    if len(convergence) > 1:
        ax.legend(frameon=False, fontsize=8.5)
    entitle(ax, title)
    return ax


def architectures(ax: Axes, archs: Mapping[str, Architecture], names: Sequence[str], title: str = "Winners") -> Axes:
    """Draws the genes of architectures as bars side by side, one colour each (SuperShaper, Figures 5 and 10).

    Args:
        ax: The axes.
        archs: Architectures by label, all of one space whose genes are numbers.
        names: Names of the genes.
        title: Heading.
    """
    places, width = np.arange(len(names)), 0.8 / len(archs)
    for index, ((label, arch), color) in enumerate(zip(archs.items(), _LINES * len(archs), strict=False)):
        offset = (index - (len(archs) - 1) / 2) * width
        bars = ax.bar(places + offset, [float(gene) for gene in arch.genes], width, color=color, label=label)
        if len(names) * len(archs) <= VALUED:
            ax.bar_label(bars, fmt="%g", fontsize=8, padding=1)
    ax.set_xticks(places, list(names), rotation=0 if len(names) <= 16 else 90, fontsize=8.5)
    ax.grid(True, axis="y")
    legend_above(ax, title)
    return ax
