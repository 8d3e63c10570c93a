"""Figures 6 and 10 of SuperShaper, the evolved shapes, and Table 7."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from hwcost.report import COLORS, INK, Drawing, entitle, scatter
from hwcost.systems.supershaper.by_size import BySize, ShapeDifference
from hwcost.systems.supershaper.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def shape_drawings(results: Results) -> Iterator[Drawing]:
    """Yields the figures of shapes and sizes."""
    found, labels = results.by_size, {one.name: one.label for one in results.search.winners}
    yield Drawing("by-size", lambda ax: _figure_6(ax, found), (7.4, 4.6))
    evolved = {labels[one.name]: _widths(one.arch) for one in results.search.winners if one.limit != "latency"}
    yield Drawing("shapes", lambda ax: _profiles(ax, evolved, "Evolved shapes"), (7.4, 4.2))
    cigars = {name: _widths(one.arch) for name, one in found.nets.items() if name.startswith("cigar ")}
    if cigars:
        yield Drawing("heuristic", lambda ax: _profiles(ax, cigars, "Heuristic shapes (Figure 10)"), (7.4, 4.2))
    if found.differences:
        yield Drawing("differences", lambda ax: _table_7(ax, found.differences), (7.4, 4.2))


def _widths(key: str) -> list[int]:
    return [int(width) for width in key.split("_")]


def _figure_6(ax: Axes, found: BySize) -> None:
    kinds = {"evolved within a size": "params ", "heuristic": "cigar ", "found within the given constraints": "given"}
    groups = {"random nets": _millions(found.cloud_params, found.cloud)}
    for label, begin in kinds.items():
        nets = [one for name, one in found.nets.items() if name.startswith(begin)]
        if nets:
            groups[label] = _millions([one.params for one in nets], [one.perplexity for one in nets])
    labels = ("parameters as the paper counts them (millions)", "perplexity")
    scatter(ax, groups, labels, "Perplexity by size (Figure 6)")


def _millions(params: Sequence[int], perplexity: Sequence[float]) -> list[tuple[float, float]]:
    return [(one / 1e6, value) for one, value in zip(params, perplexity, strict=True)]


def _profiles(ax: Axes, shapes: Mapping[str, Sequence[int]], title: str) -> None:
    for (name, widths), color in zip(shapes.items(), (*COLORS, INK), strict=False):
        ax.plot(range(1, len(widths) + 1), widths, color=color, marker="o", markersize=4, linewidth=1.4, label=name)
    ax.set(xlabel="layer", ylabel="width")
    ax.set_xticks(range(1, 1 + max(map(len, shapes.values()))))
    ax.grid(True)
    ax.legend(frameon=False, fontsize=8.5, loc="center left", bbox_to_anchor=(1.0, 0.5))
    entitle(ax, title)


def _table_7(ax: Axes, rows: Sequence[ShapeDifference]) -> None:
    for kind, place, color in (("spearman", -0.12, COLORS[0]), ("pearson", 0.12, COLORS[1])):
        found = [(index + place, getattr(row, kind)) for index, row in enumerate(rows) if getattr(row, kind) is not None]
        spread = [[one.value - one.low for _, one in found], [one.high - one.value for _, one in found]]
        ax.errorbar(
            [x for x, _ in found], [one.value for _, one in found], spread, fmt="o", color=color, capsize=3,
            label=kind.capitalize(),
        )  # fmt: skip
    ax.axhline(0, color=INK, linewidth=0.8)
    ax.set_xticks(range(len(rows)), [f"{row.name}\n{row.number_in_words}" for row in rows])
    ax.set(ylabel="correlation", xlim=(-0.6, len(rows) - 0.4))
    ax.grid(True, axis="y")
    ax.legend(frameon=False, fontsize=8.5, loc="center left", bbox_to_anchor=(1.0, 0.5))
    entitle(ax, "Distance of shapes and difference of perplexity (Table 7)")
