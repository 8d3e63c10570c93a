"""Figures for papers and reports. Every function draws on the axes that it is given and returns them.

Matplotlib's object-oriented interface with the Agg canvas: no windows, no global state. Equal figures are equal files.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwcost._extras import check_installed
from hwcost._io import write_atomically
from hwcost.errors import MissingExtraError, UsageError
from hwcost.files import cannot_write, check_writable
from hwcost.units import PREFIXES, format_quantity, in_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

REMEDY = "another path"
"""Advice where a figure cannot be written, as the object of "Give"."""

INK, ACCENT, SOFT, GRID = "#1f2933", "#1f6f8b", "#99c1cf", "#e4e7eb"
LEGEND_COLUMNS = 4
"""Names side by side in a legend above its axes."""
MOST_FEATURES = 16
"""Features that a figure of their importance shows by themselves."""
LARGEST_SCATTER = 4000
"""Points beyond this many are thinned evenly, so that SVG files stay small."""

STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.size": 10.0,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#9aa5b1",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.color": "#52606d",
    "ytick.color": "#52606d",
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "svg.hashsalt": "hwcost",
    "svg.fonttype": "path",
}


def new_figure(width: float = 5.2, height: float = 5.0) -> tuple[Figure, Axes]:
    """Makes a figure with one axes in the house style; sizes in inches.

    Raises:
        MissingExtraError: When matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("matplotlib", "report") from None

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        return figure, figure.add_subplot()


MOST_TICKS = 6
"""Intervals between the ticks of an axis whose values have units, so that these do not meet."""


def legend_above(ax: Axes, title: str) -> None:
    """Puts the legend between the heading, which it sets, and the axes, where it lies on nothing that is drawn."""
    names = ax.get_legend_handles_labels()[1]
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "borderaxespad": 0.2}
    ax.legend(frameon=False, fontsize=8.5, ncols=LEGEND_COLUMNS, columnspacing=1.2, handlelength=1.2, **place)
    entitle(ax, title, 12.0 + 15.0 * -(-len(names) // LEGEND_COLUMNS))


def name_axis(axis: Axis, name: str) -> None:
    """Names an axis after a quantity, and writes its values as tables do: ``1.20 ms``, ``66.00 M``.

    Args:
        axis: The axis, such as ``ax.xaxis``.
        name: Name of the quantity, such as ``latency_s``.
    """
    from matplotlib.ticker import MaxNLocator

    axis.set_label_text(literal(in_words(name)))
    axis.set_major_locator(MaxNLocator(MOST_TICKS))
    axis.set_major_formatter(lambda value, _: format_quantity(name, value))


def scale_of_colors(ax: Axes, image: Any, label: str) -> None:
    """Draws the scale of a heat map beside it."""
    bar = ax.figure.colorbar(image, ax=ax, pad=0.02, fraction=0.05)
    bar.ax.tick_params(labelsize=8)
    bar.set_label(label, fontsize=8.5)
    bar.outline.set_visible(False)


def fitness(
    ax: Axes,
    measured_s: NDArray[np.float64],
    predicted_s: NDArray[np.float64],
    title: str = "Predicted against measured latency",
    unit: str = "s",
) -> Axes:
    """Draws predictions against measurements, with the line where both are equal (SuperShaper, Figure 9).

    R², MAPE and the number of points stand in the corner.

    Args:
        ax: The axes.
        measured_s: Shape (n,), seconds, or another unit.
        predicted_s: Shape (n,), likewise; by fits without the row, or the figure says nothing about new architectures.
        title: Heading.
        unit: Unit of the values.
    """
    factor, unit = _scale(float(np.median(measured_s)), unit)
    step = max(1, -(-len(measured_s) // LARGEST_SCATTER))
    low, high = _limits(measured_s * factor, predicted_s * factor)
    ax.plot([low, high], [low, high], color=INK, linewidth=0.9, linestyle=(0, (5, 4)), alpha=0.75, zorder=4)
    ax.scatter(
        measured_s[::step] * factor, predicted_s[::step] * factor, s=16, color=ACCENT, alpha=alpha(len(measured_s)),
        edgecolors="none", zorder=3,
    )
    ax.set(xlim=(low, high), ylim=(low, high), xlabel=f"measured ({unit})", ylabel=f"predicted ({unit})")
    entitle(ax, title)
    ax.set_aspect("equal")
    ax.grid(True)
    shown = _accuracy(measured_s, predicted_s)
    _note(ax, list(shown), 0.04, "#7b8794")
    _note(ax, list(shown.values()), 0.17, INK)
    return ax


def importance(ax: Axes, shares: Mapping[str, float], title: str = "Importance of features") -> Axes:
    """Draws the share of each feature as a bar, largest first; the smallest ones share one.

    Args:
        ax: The axes.
        shares: Fraction per feature.
        title: Heading.
    """
    ranked = sorted(shares.items(), key=lambda item: -item[1])
    rest = ranked[MOST_FEATURES:]
    shown = ranked[:MOST_FEATURES] + ([(f"{len(rest)} others", sum(share for _, share in rest))] if rest else [])
    names, values = [literal(name) for name, _ in shown], [100 * share for _, share in shown]
    bars = ax.barh(names, values, color=[ACCENT] * min(MOST_FEATURES, len(ranked)) + [SOFT] * bool(rest), height=0.68)
    ax.bar_label(bars, labels=[f"{value:.1f} %" for value in values], padding=4, fontsize=8.5, color="#52606d")
    ax.invert_yaxis()
    ax.set(xlabel="share of explained variation (%)", xlim=(0, max([*values, 1e-9]) * 1.16))
    entitle(ax, title)
    ax.tick_params(axis="y", length=0)
    return ax


def checked_path(path: str | Path) -> Path:
    """Returns the path of a figure.

    Raises:
        UsageError: When its suffix is none of those that figures are written with.
    """
    base = Path(path)
    if base.suffix not in ("", ".png", ".svg"):
        raise UsageError(f"figures are written as PNG and SVG, not as '{base.suffix}'; give {base.with_suffix('')}")
    return base


def check_can_draw(path: str | Path) -> None:
    """Refuses a figure that could not be drawn in the end, before the work that it shows.

    Args:
        path: Path of the figure, with or without a suffix.

    Raises:
        MissingExtraError: When matplotlib is not installed.
        UsageError: When the suffix of a file is none of a figure, or nothing may be written there.
    """
    check_installed("matplotlib", "report")
    check_writable(checked_path(path).with_suffix(".png"), REMEDY)


def save(figure: Figure, path: str | Path) -> list[Path]:
    """Writes a figure as PNG and SVG beside each other; the same figure gives the same bytes.

    Args:
        figure: The figure.
        path: Path of the files, with or without one of the two suffixes.

    Raises:
        UsageError: When the suffix is another one, or the file cannot be written.
        StoreError: When the disk is full, or it fails.
    """
    import matplotlib

    base = checked_path(path)
    written = []
    try:
        base.parent.mkdir(parents=True, exist_ok=True)
        with matplotlib.rc_context(STYLE):
            for suffix, metadata in ((".png", {"Software": None}), (".svg", {"Date": None, "Creator": None})):
                target = base.with_suffix(suffix)
                write_atomically(target, partial(figure.savefig, dpi=160, metadata=metadata))
                written.append(target)
    except OSError as error:
        raise cannot_write(f"the figure '{base}'", error, REMEDY) from None
    return written


def literal(text: str) -> str:
    """Returns a text of others, such as a column's name, as one that matplotlib draws as it is: ``$`` begins no formula."""
    return text.replace("$", r"\$")


def entitle(ax: Axes, title: str, pad: float = 12.0) -> None:
    """Sets the heading, flush left, some points above the axes."""
    ax.set_title(literal(title), loc="left", pad=pad, fontsize=11.5, fontweight="bold", color=INK)


def _note(ax: Axes, lines: list[str], x: float, color: str) -> None:
    ax.text(x, 0.965, "\n".join(lines), transform=ax.transAxes, va="top", linespacing=1.55, color=color, zorder=5)


def _scale(value: float, unit: str = "s") -> tuple[float, str]:
    """Returns the factor and the unit in which a value lies between 1 and 1000; bare numbers stay as they are."""
    if unit.startswith("1"):
        return 1.0, unit
    known = {prefix: size for prefix, size in PREFIXES.items() if size <= 1 or unit != "s"}
    prefix, size = max(
        ((prefix, size) for prefix, size in known.items() if size <= value), key=lambda item: item[1], default=("n", 1e-9)
    )
    return 1.0 / size, f"{prefix}{unit}"


def _limits(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, float]:
    low, high = float(min(one.min(), other.min())), float(max(one.max(), other.max()))
    room = 0.05 * (high - low) or 0.05 * high
    return max(0.0, low - room), high + room


def alpha(points: int) -> float:
    """Returns how opaque points are drawn: the more there are, the less."""
    return float(np.clip(30.0 / np.sqrt(max(points, 1)) / 2.0, 0.25, 0.85))


def _accuracy(measured_s: NDArray[np.float64], predicted_s: NDArray[np.float64]) -> dict[str, str]:
    total = float(((measured_s - measured_s.mean()) ** 2).sum())
    notes = {"MAPE": f"{100 * float(np.mean(np.abs(predicted_s / measured_s - 1))):.2f} %", "n": f"{len(measured_s)}"}
    if total > 0:
        notes = {"R²": f"{1 - float(((measured_s - predicted_s) ** 2).sum()) / total:.4f}", **notes}
    return notes
