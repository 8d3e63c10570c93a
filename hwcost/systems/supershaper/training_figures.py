"""Figures 2, 3b to e and 5 of SuperShaper: trainings beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hwcost.report import COLORS, Drawing, bars, entitle, legend_above, scatter
from hwcost.systems.supershaper.inheritance import Inheritance
from hwcost.systems.supershaper.results import Backbone, Results
from hwcost.systems.supershaper.rules import COMPARED, Rules
from hwcost.systems.supershaper.trajectory import Trajectory
from hwcost.units import format_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLES = dict(zip(COMPARED, ("-", (0, (4, 3))), strict=True))


def training_drawings(results: Results) -> Iterator[Drawing]:
    """Yields the figures of what was trained only to be compared."""
    if results.backbone.backbone is not None:
        yield Drawing("backbone", lambda ax: _figure_2(ax, results.backbone))
    if results.rules.ratios:
        yield Drawing("rules", lambda ax: _figure_3(ax, results.rules), (7.4, 5.0))
    nets = results.inherited.nets
    if nets:
        yield Drawing("inherited", lambda ax: _figure_5a(ax, nets), (5.2, 5.0))
        yield Drawing("saved", lambda ax: _figure_5b(ax, nets), (7.4, 4.2))


def _figure_2(ax: Axes, found: Backbone) -> None:
    for course, name, label, color in (
        (found.bert, "net", "BERT", COLORS[1]), (found.backbone, "largest", "backbone", COLORS[0]),
    ):  # fmt: skip
        if course is not None:
            ax.plot(course.steps, course.perplexity[name], color=color, linewidth=1.8, label=label)
    ax.set(xlabel="steps", ylabel="perplexity", yscale="log")
    ax.grid(True)
    ax.legend(frameon=False, fontsize=8.5)
    entitle(ax, "Backbone and BERT (Figure 2)")


def _figure_3(ax: Axes, found: Rules) -> None:
    for net, color in zip(found.archs, COLORS, strict=False):
        for rule, courses in found.courses.items():
            middle, low, high = _over_seeds(net, courses)
            steps = courses[0].steps
            ax.plot(steps, middle, color=color, linestyle=STYLES[rule], linewidth=1.6, label=f"{net}, {rule}")
            ax.fill_between(steps, low, high, color=color, alpha=0.12, linewidth=0)
    ax.set(xlabel="steps", ylabel="perplexity", yscale="log")
    ax.grid(True)
    legend_above(ax, "Sandwich and uniform sampling, range over seeds (Figure 3b-e)")


def _over_seeds(net: str, courses: Sequence[Trajectory]) -> tuple[list[float], list[float], list[float]]:
    rows = np.array([course.perplexity[net] for course in courses])
    middle = np.exp(np.log(rows).mean(axis=0))
    return middle.tolist(), rows.min(axis=0).tolist(), rows.max(axis=0).tolist()


def _figure_5a(ax: Axes, nets: Sequence[Inheritance]) -> None:
    groups = {
        label: [(one.inherited, one.scratch) for one in nets if one.is_banded == banded]
        for label, banded in (("all sizes", False), ("one size", True))
    }  # fmt: skip
    scatter(ax, groups, ("perplexity inherited", "perplexity from random weights"), "Do both rank alike? (Figure 5a)")


def _figure_5b(ax: Axes, nets: Sequence[Inheritance]) -> None:
    ranked = sorted(nets, key=lambda one: one.params)
    names = [f"{format_count(one.params, 3)}\n{one.arch.replace('_', ' ')}" for one in ranked]
    groups = {
        "steps saved": dict(zip(names, [100 * one.saved for one in ranked], strict=True)),
        "lower perplexity": dict(zip(names, [100 * one.better for one in ranked], strict=True)),
    }  # fmt: skip
    bars(ax, groups, "%", "Gain by what nets inherit, by size (Figure 5b)")
    if len(ranked[0].arch) > 16:
        ax.set_xticks(range(len(ranked)), [name.split("\n")[0] for name in names])
    ax.margins(y=0.25)
