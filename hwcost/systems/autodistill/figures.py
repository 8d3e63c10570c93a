"""Figures of AutoDistill: both searches, their fronts as measured, and regular against flash distillation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from hwcost.report import DASHED, Drawing, latency_fit, losses, progress, scatter
from hwcost.systems.autodistill.memory import MemoryFit
from hwcost.systems.autodistill.results import QUALITIES, Results, Search, Winners
from hwcost.systems.latency_bars import latency_points
from hwcost.systems.reports import results_of
from hwcost.systems.task_scores import task_drawings

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def figures(report: Mapping[str, Any]) -> Iterator[Drawing]:
    """Yields the figures of a report."""
    results = results_of(report, Results)
    curves, search, measured = results.teacher.curves, results.search, results.latencies
    if curves.steps:
        yield Drawing("teacher", lambda ax: losses(ax, curves.steps, curves.losses, "The teacher's training"))
    if measured.given is None:
        yield latency_fit(measured.measured_s, measured.predicted_s, "Predicted against measured latency")
    if measured.memory is not None:
        yield Drawing("memory_fit", partial(_memory_fit, fit=measured.memory))
    yield Drawing("search", lambda ax: _trials(ax, search))
    lines = {name: one.hypervolume for name, one in search.by_name.items()}
    yield Drawing("progress", lambda ax: progress(ax, lines, "hypervolume beyond the reference", "Progress of the searches"))
    if any(net.measured_s is not None for net in results.winners.nets.values()):
        yield Drawing("measured", lambda ax: _measured_fronts(ax, results.winners, search))
    if any(net.peak_memory_bytes is not None for net in results.winners.nets.values()):
        yield Drawing("memory", lambda ax: _memory_of_winners(ax, results.winners))
    if any(net.predicted_throughput_per_s for net in results.winners.nets.values()):
        yield Drawing("throughput", lambda ax: _throughput(ax, results.winners, search))
    if search.is_measured:
        yield Drawing("in_search", lambda ax: _proxy(ax, search))
    if results.regular.nets:
        yield Drawing("regular", lambda ax: _both_ways(ax, results))
    yield from task_drawings(results.fine_tuned)


def _trials(ax: Axes, search: Search) -> None:
    name = search.quality
    found = {
        label: {one.arch: (1e3 * one.latency_s, getattr(one, name)) for one in search.by_name[label].trials}
        for label in ("random", search.searcher)
    }
    groups = {label: list(by_arch.values()) for label, by_arch in found.items()}
    groups["reference"] = [found["random"][search.reference]]
    latency = f"{'measured' if search.is_measured else 'predicted'} latency (ms)"
    scatter(ax, groups, (latency, QUALITIES[name]), "Evaluated students")


def _measured_fronts(ax: Axes, winners: Winners, search: Search) -> None:
    keys = {"random": search.random.front, search.searcher: search.own.front, "reference": [search.reference]}
    nets = {name: [winners.nets[key] for key in own] for name, own in keys.items()}
    points, ranges = latency_points(nets, lambda net: float(getattr(net, search.quality)))
    labels = "measured latency (ms), 95 % interval", QUALITIES[search.quality]
    scatter(ax, points, labels, "Both fronts, measured", ranges)


def _memory_fit(ax: Axes, fit: MemoryFit) -> None:
    """Draws predicted against measured peak memory of the nets that the model was fitted on."""
    rows = [(one / 1e6, other / 1e6) for one, other in zip(fit.measured_bytes, fit.predicted_bytes, strict=True)]
    ends = [min(map(min, rows)), max(map(max, rows))]
    title = "Predicted against measured peak memory"
    scatter(ax, {"students": rows}, ("measured peak memory (MB)", "predicted (MB)"), title)
    ax.plot(ends, ends, **DASHED)


def _memory_of_winners(ax: Axes, winners: Winners) -> None:
    """Draws the measured students by latency and peak memory: these need not go together."""
    rows = [
        (1e3 * net.measured_s, net.peak_memory_bytes / 1e6)
        for net in winners.nets.values()
        if net.measured_s is not None and net.peak_memory_bytes is not None
    ]
    scatter(ax, {"students": rows}, ("measured latency (ms)", "peak memory (MB)"), "Both fronts, latency and memory")


def _throughput(ax: Axes, winners: Winners, search: Search) -> None:
    """Draws the predicted throughput of both fronts and of the reference by batch size."""
    keys = {"random": search.random.front, search.searcher: search.own.front, "reference": [search.reference]}
    groups = {
        name: [(float(size), one) for key in own for size, one in winners.nets[key].predicted_throughput_per_s.items()]
        for name, own in keys.items()
    }
    scatter(ax, groups, ("batch size", "predicted sequences per second"), "Throughput of both fronts")


def _proxy(ax: Axes, search: Search) -> None:
    """Draws what the model predicts against what the search measured: how good a proxy it would have been."""
    trials = {one.arch: one for searched in search.by_name.values() for one in searched.trials}.values()
    points = [(1e3 * one.latency_s, 1e3 * one.predicted_s) for one in trials]
    ends = [min(map(min, points)), max(map(max, points))]
    scatter(ax, {"students": points}, ("latency measured in the search (ms)", "predicted (ms)"), "Proxy and measurement")
    ax.plot(ends, ends, **DASHED)


def _both_ways(ax: Axes, results: Results) -> None:
    """Draws winners and the reference after flash and after regular distillation (Figure 6).

    All have the latency that the search went by: the ways of distilling change the quality alone.
    """
    name, search = results.search.quality, results.search
    latency = {one.arch: 1e3 * one.latency_s for one in search.own.trials}
    evaluated = [(getattr(one, name), latency[one.arch]) for one in search.own.trials]
    groups: dict[str, list[tuple[float, float]]] = {"evaluated": evaluated, "flash": [], "regular": []}
    for key, net in results.regular.nets.items():
        both = [(getattr(one, name), latency[key]) for one in (net.flash, net)]
        if key == search.reference:
            groups["reference, both"] = both
        else:
            groups["flash"].append(both[0])
            groups["regular"].append(both[1])
    labels = QUALITIES[name], f"{'measured' if search.is_measured else 'predicted'} latency (ms)"
    scatter(ax, groups, labels, "Winners, distilled both ways (Figure 6)")
