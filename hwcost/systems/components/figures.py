"""Figures 3 and 4 of Finding Fast Transformers, its Tables 1, 4 and 7, the trainings, and the latencies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from hwcost.report import COLORS, DASHED, INK, Drawing, bars, entitle, heat_map, losses, progress
from hwcost.systems.components.results import KindShare, Results, Sweep, Winners
from hwcost.systems.components.series import series
from hwcost.systems.latencies import Latency
from hwcost.systems.latency_bars import latency_bars
from hwcost.systems.reports import results_of
from hwcost.systems.task_scores import task_drawings

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def figures(report: Mapping[str, Any]) -> Iterator[Drawing]:
    """Yields the figures of a report."""
    results = results_of(report, Results)
    if results.profile.by_kind:
        yield Drawing("shares", partial(shares, found=results.profile.by_kind))
    trained = {
        "base": ("The base net's training", results.base.curves), "do": ("DO", results.do.curves),
        "sdo": ("SDO: losses of drawn nets", results.sdo.curves),
    }  # fmt: skip
    for name, (title, curves) in trained.items():
        yield Drawing(f"training-{name}", partial(losses, steps=curves.steps, lines=curves.losses, title=title))
    yield from _gates(results)
    if results.sweep.points:
        yield Drawing("sweep", partial(sweep, found=results.sweep))
    if results.search.net is not None:
        lines = {results.search.net.searcher: results.search.net.progress}
        yield Drawing("search", lambda ax: progress(ax, lines, "perplexity", "Search over gates"))
    if (drawn := latency_bars("latencies", _by_length(results.winners), "Chosen nets, measured")) is not None:
        yield drawn
    yield from task_drawings(results.fine_tuned)
    yield from _students(results)


def shares(ax: Axes, found: Mapping[str, Mapping[str, KindShare]]) -> None:
    """Draws the shares of the kinds of component by sequence length, with intervals, beside the paper's where it has them.

    Args:
        ax: The axes.
        found: Shares by kind and by sequence length.
    """
    heights: dict[str, dict[str, float]] = {}
    ranges: dict[str, dict[str, tuple[float, float]]] = {}
    for kind, by_length in found.items():
        name = kind.replace(" ", "\n")
        for length, one in by_length.items():
            group = f"{length} tokens"
            heights.setdefault(group, {})[name] = 100 * one.share
            ends = [float("nan") if end is None else 100 * end for end in (one.low, one.high)]
            ranges.setdefault(group, {})[name] = (ends[0], ends[1])
            if one.paper is not None:
                heights.setdefault(f"{group}, the paper's", {})[name] = 100 * one.paper
                ranges.setdefault(f"{group}, the paper's", {})[name] = (float("nan"), float("nan"))
    bars(ax, heights, "share of the whole net (%), 95 % interval", "Components (Tables 1 and 4)", ranges)


def _students(results: Results) -> Iterator[Drawing]:
    """Yields the figures of what was distilled: Tables 5 and 6, and gates (Figure 4); nothing where nothing was."""
    found = results.distillation
    if not found.nets:
        return
    scores = {"teacher": dict(found.teachers)}
    for row in found.nets:
        scores.setdefault(row.net, {})[row.task] = row.score
    yield Drawing("students", lambda ax: bars(ax, scores, "validation metric", "Students (Tables 5 and 6)"))
    if (drawn := latency_bars("students-latencies", _by_length(results.students), "Students, measured")) is not None:
        yield drawn
    names = gate_names(found.nets[0].arch)
    for label, rows in found.gates.items():
        sizes = np.abs(np.array(rows)).tolist()
        title = f"Gates of {label} (Figure 4)"
        yield Drawing(
            f"gates-{label.replace(' ', '-')}", partial(heat_map, rows=sizes, columns=names, ylabel="block", title=title)
        )


def sweep(ax: Axes, found: Sweep) -> None:
    """Draws quality against speed, a line per method, whose marks grow with the weight of the cost (Table 7).

    Numbers stand at the net that was selected, in bold, and at the largest weight.

    Args:
        ax: The axes.
        found: The sweep, of one point or more.
    """
    assert found.quality is not None
    assert found.task is not None
    chosen = set(found.chosen.values())
    for color, (name, points) in zip(COLORS, series(found.points).items(), strict=False):
        speeds, qualities = [point.speed for point in points], [point.quality for point in points]
        label = f"{name}: lambda {', '.join(f'{point.penalty:g}' for point in points)}"
        ax.plot(speeds, qualities, color=color, label=label, linewidth=1.2)
        ax.scatter(speeds, qualities, s=[18 + 14 * place for place in range(len(points))], color=color, zorder=3)
        for point in [one for one in points if one.name in chosen or one is points[-1]]:
            ax.annotate(
                f"{point.penalty:g}", (point.speed, point.quality), (9, 5), textcoords="offset points", fontsize=8,
                color=color, fontweight="bold" if point.name in chosen else "normal",
            )  # fmt: skip
    ax.plot([1.0], [found.quality], "s", color=INK, markersize=6, label="base net")
    ax.axhline(found.quality - found.drop, label=f"accepted, {found.drop:g} below it", **DASHED)
    ax.margins(0.12, 0.18)
    ax.set(xlabel="speed, base net = 1", ylabel=found.task.text)
    ax.grid(True)
    ax.legend(frameon=False, fontsize=8.5)
    entitle(ax, "Quality and speed by lambda (Table 7)")


def _gates(results: Results) -> Iterator[Drawing]:
    rows, names = results.do.gates, gate_names(results.do.arch)
    sizes = np.abs(np.array(rows)).tolist()
    odds = np.array(results.sdo.probabilities).reshape(len(rows), -1).tolist()
    yield Drawing("gates-do", lambda ax: heat_map(ax, sizes, names, "block", "DO's gates (Figure 3)"))
    title = "SDO's probabilities that a gate is open (Figure 3)"
    yield Drawing("gates-sdo", lambda ax: heat_map(ax, odds, names, "block", title))


def gate_names(arch: str) -> list[str]:
    """Names the gates of a block, from the number of gates in each group of an architecture's key."""
    groups = arch.split("_")[0].split(".")
    kinds = ("ff", "joint", "qk", "v", "mean", "head", "hjoint")
    return [f"{kind} {index}" for kind, group in zip(kinds, groups, strict=False) for index in range(1, 1 + len(group))]


def _by_length(winners: Winners) -> dict[str, dict[str, Latency]]:
    """Returns latencies by sequence length and by net."""
    found: dict[str, dict[str, Latency]] = {}
    for name, by_length in winners.latencies.items():
        for length, latency in by_length.items():
            found.setdefault(f"{length} tokens", {})[name] = latency
    return found
