"""Figures of supernets in training: curves of perplexity, bands of the bottlenecks, inherited against separate quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hwcost.report.figures import ACCENT, INK, SOFT, entitle, scale_of_colors

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINES = ("#1f6f8b", "#c1666b", "#d4a24e", "#48795e", "#6d597a", "#7b8794", "#99582a", "#4d6cfa")


def curves(
    ax: Axes, steps: Sequence[int], values: Mapping[str, Sequence[float]], title: str, ylabel: str = "perplexity"
) -> Axes:
    """Draws one line per subnet over the steps of a training.

    Args:
        ax: The axes.
        steps: Number of finished steps at each point.
        values: Positive numbers, one per point, by the name of the line.
        title: Heading.
        ylabel: Name of the values.
    """
    for (name, line), color in zip(values.items(), _LINES * len(values), strict=False):
        ax.plot(steps, line, color=color, linewidth=1.6, marker="o", markersize=3, label=name)
    ax.set(yscale="log", xlabel="step", ylabel=ylabel)
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("{x:g}")
    ax.grid(True)
    ax.legend(frameon=False, fontsize=8.5)
    entitle(ax, title)
    return ax


def bands(ax: Axes, diagonals: NDArray[np.float64], widths: Sequence[int], title: str) -> Axes:
    """Draws the softmax of bottleneck diagonals as rows of an image (SuperShaper, Figure 4).

    Args:
        ax: The axes.
        diagonals: (layers, 2, D), entering and leaving.
        widths: Widths of the space; they are marked.
        title: Heading.
    """
    rows = diagonals.reshape(-1, diagonals.shape[-1])
    low, high = np.quantile(rows, [0.02, 0.98])
    image = ax.imshow(rows, aspect="auto", cmap="GnBu", vmin=low, vmax=high, interpolation="nearest")
    scale_of_colors(ax, image, "softmax of the diagonal")
    names = [f"{index} {side}" for index in range(1, len(diagonals) + 1) for side in ("in", "out")]
    ax.set_yticks(range(len(rows)), names)
    ax.set_xticks([width - 0.5 for width in widths], [str(width) for width in widths])
    for width in widths[:-1]:
        ax.axvline(width - 0.5, color=INK, linewidth=0.6, alpha=0.5)
    ax.set(xlabel="channel", ylabel="layer")
    entitle(ax, title)
    return ax


def agreement(
    ax: Axes, one: Sequence[float], other: Sequence[float], is_banded: Sequence[bool], labels: tuple[str, str], title: str
) -> Axes:
    """Draws two qualities of the same nets against each other.

    Args:
        ax: The axes.
        one: First quality of every net, along x.
        other: Second quality of every net, along y.
        is_banded: Whether a net is one of those of about one size.
        labels: Labels of both axes.
        title: Heading.
    """
    for wanted, color, label in ((False, SOFT, "all sizes"), (True, ACCENT, "one size")):
        chosen = [index for index, banded in enumerate(is_banded) if banded == wanted]
        ax.scatter([one[i] for i in chosen], [other[i] for i in chosen], color=color, s=36, label=label, zorder=3)
    ax.set(xlabel=labels[0], ylabel=labels[1])
    ax.grid(True)
    ax.legend(frameon=False, fontsize=8.5)
    entitle(ax, title)
    return ax
