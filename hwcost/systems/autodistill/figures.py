"""Figures of AutoDistill: both searches, their fronts as measured, and regular against flash distillation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hwcost.report import Drawing, bars, latency_fit, losses, progress, scatter
from hwcost.systems.autodistill.fronts import points
from hwcost.systems.autodistill.results import Results, Search, Winners
from hwcost.systems.reports import results_of
from hwcost.systems.task_scores import task_drawings

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def figures(report: Mapping[str, Any]) -> Iterator[Drawing]:
    """Yields the figures of a report."""
    results = results_of(report, Results)
    curves, search, measured = results.teacher.curves, results.search, results.latencies
    yield Drawing("teacher", lambda ax: losses(ax, curves.steps, curves.losses, "The teacher's training"))
    if measured.given is None:
        yield latency_fit(measured.measured_s, measured.predicted_s, "Predicted against measured latency")
    yield Drawing("search", lambda ax: _trials(ax, search))
    lines = {name: one.hypervolume for name, one in search.by_name.items()}
    yield Drawing("progress", lambda ax: progress(ax, lines, "hypervolume beyond the reference", "Progress of the searches"))
    if any(net.measured_s is not None for net in results.winners.nets.values()):
        yield Drawing("measured", lambda ax: _measured_fronts(ax, results.winners, search))
    if results.regular.nets:
        both = {
            "flash": {key: net.flash_perplexity for key, net in results.regular.nets.items()},
            "regular": {key: net.perplexity for key, net in results.regular.nets.items()},
        }
        yield Drawing("regular", lambda ax: bars(ax, both, "perplexity", "Winners, distilled both ways"))
    yield from task_drawings(results.fine_tuned)


def _trials(ax: Axes, search: Search) -> None:
    found = {
        name: {one.arch: (1e3 * one.latency_s, one.perplexity) for one in search.by_name[name].trials}
        for name in ("random", search.searcher)
    }
    groups = {name: list(by_arch.values()) for name, by_arch in found.items()}
    groups["reference"] = [found["random"][search.reference]]
    scatter(ax, groups, ("predicted latency (ms)", "perplexity"), "Evaluated students")


def _measured_fronts(ax: Axes, winners: Winners, search: Search) -> None:
    keys = {"random": search.random.front, search.searcher: search.own.front, "reference": [search.reference]}
    groups = {name: [(1e3 * s, p) for s, p in points(winners.nets, own).tolist()] for name, own in keys.items()}
    scatter(ax, groups, ("measured latency (ms)", "perplexity"), "Both fronts, measured")
