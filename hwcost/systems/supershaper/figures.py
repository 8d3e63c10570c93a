"""Figures 4, 7, 8 and 9 of SuperShaper, the evolutions, and the evolved shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hwcost.report import DASHED, Drawing, bands, bars, importance, latency_fit, losses, progress, scatter
from hwcost.systems.reports import results_of
from hwcost.systems.supershaper.results import Net, Results
from hwcost.systems.task_scores import task_drawings

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def figures(report: Mapping[str, Any]) -> Iterator[Drawing]:
    """Yields the figures of a report."""
    results = results_of(report, Results)
    net, fit, nets = results.supernet, results.predictor, results.winners.nets
    yield Drawing("training", lambda ax: losses(ax, net.curves.steps, net.curves.losses, "Sandwich training"))
    title = "Bottleneck diagonals after sliced training (Figure 4)"
    yield Drawing("bottlenecks", lambda ax: bands(ax, np.array(net.diagonals), net.widths, title))
    yield Drawing("perplexity", lambda ax: _predicted(ax, fit.perplexity, fit.predicted), (5.2, 5.0))
    yield Drawing("importance", lambda ax: importance(ax, fit.importance, "Importance for perplexity (Figure 7)"))
    measured = results.latencies
    if measured.given is None:
        yield latency_fit(measured.measured_s, measured.predicted_s, "Predicted against measured latency (Figure 9)")
    labels = {one.name: one.label for one in results.search.winners}
    lines = {labels[one.name]: one.progress for one in results.search.winners}
    yield Drawing("evolution", lambda ax: progress(ax, lines, "predicted perplexity", "Evolution under limits"))
    if any(net.measured_s is not None for net in nets.values()):
        yield Drawing("limits", lambda ax: _figure_8(ax, nets))
    shapes = {labels[one.name]: [int(width) for width in one.arch.split("_")] for one in results.search.winners}
    yield Drawing("shapes", lambda ax: _shapes(ax, shapes), (7.4, 3.6))
    yield from task_drawings(results.fine_tuned)


def _predicted(ax: Axes, found: Sequence[float], predicted: Sequence[float]) -> None:
    groups = {"held-out nets": list(zip(found, predicted, strict=True))}
    scatter(ax, groups, ("perplexity", "predicted perplexity"), "Perplexity from shapes (Figure 7)")
    low, high = min(found), max(found)
    ax.plot([low, high], [low, high], **DASHED)


def _figure_8(ax: Axes, nets: Mapping[str, Net]) -> None:
    kinds = {
        "random nets": "random ", "evolved within a size": "params ", "evolved within a latency": "latency ",
        "found within the given constraints": "given",
    }  # fmt: skip
    groups = {label: _points(nets, [name for name in nets if name.startswith(begin)]) for label, begin in kinds.items()}
    others = (*kinds.values(), "smallest", "largest")
    groups["templates"] = _points(nets, [name for name in nets if not name.startswith(others)])
    scatter(ax, groups, ("measured latency (ms)", "perplexity"), "Nets within limits (Figure 8)")


def _points(nets: Mapping[str, Net], names: Sequence[str]) -> list[tuple[float, float]]:
    """Returns latency, in ms, and perplexity of those of the nets that were measured."""
    wanted = [nets[name] for name in names]
    return [(1e3 * net.measured_s, net.perplexity) for net in wanted if net.measured_s is not None]


def _shapes(ax: Axes, shapes: Mapping[str, Sequence[int]]) -> None:
    heights = {label: {str(layer): width for layer, width in enumerate(shape, 1)} for label, shape in shapes.items()}
    bars(ax, heights, "width", "Evolved shapes")
    ax.set(xlabel="layer")
