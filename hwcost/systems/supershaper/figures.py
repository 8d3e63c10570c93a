"""Figures 2 to 10 of SuperShaper, the evolutions, and the evolved shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hwcost.report import DASHED, Drawing, bands, importance, latency_fit, losses, progress, scatter
from hwcost.systems.latency_bars import latency_points
from hwcost.systems.reports import results_of
from hwcost.systems.supershaper.results import Net, Results
from hwcost.systems.supershaper.shape_figures import shape_drawings
from hwcost.systems.supershaper.training_figures import training_drawings
from hwcost.systems.task_scores import task_drawings

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def figures(report: Mapping[str, Any]) -> Iterator[Drawing]:
    """Yields the figures of a report."""
    results = results_of(report, Results)
    net, nets = results.supernet, results.winners.nets
    yield from training_drawings(results)
    yield Drawing("training", lambda ax: losses(ax, net.curves.steps, net.curves.losses, "Sandwich training (Figure 3a)"))
    title = "Bottleneck diagonals after sliced training (Figure 4)"
    yield Drawing("bottlenecks", lambda ax: bands(ax, np.array(net.diagonals), net.widths, title))
    yield from _predictors(results)
    labels = {one.name: one.label for one in results.search.winners}
    lines = {labels[one.name]: one.progress for one in results.search.winners}
    yield Drawing("evolution", lambda ax: progress(ax, lines, "predicted perplexity", "Evolution under limits"), (7.4, 4.6))
    if any(net.measured_s is not None for net in nets.values()):
        yield Drawing("limits", lambda ax: _figure_8(ax, nets), (7.4, 4.6))
    yield from shape_drawings(results)
    yield from task_drawings(results.fine_tuned)


def _predictors(results: Results) -> Iterator[Drawing]:
    """Yields Figures 7 and 9: what perplexity and latency are predicted from, and how well."""
    fit, measured = results.predictor, results.latencies
    yield Drawing("perplexity", lambda ax: _predicted(ax, fit.perplexity, fit.predicted, fit.model), (5.2, 5.0))
    shapes = f"Shape and perplexity, {fit.boosted.model} (Figure 7a)"
    yield Drawing("importance", lambda ax: importance(ax, fit.boosted.importance, shapes))
    boosted = measured.boosted
    if boosted is not None:
        sizes = f"Shape, size and latency, {boosted.model} (Figure 7b-d)"
        yield Drawing("latency-importance", lambda ax: importance(ax, boosted.importance, sizes))
    if measured.given is None:
        yield latency_fit(measured.measured_s, measured.predicted_s, "Predicted against measured latency (Figure 9)")


def _predicted(ax: Axes, found: Sequence[float], predicted: Sequence[float], model: str) -> None:
    groups = {"held-out nets": list(zip(found, predicted, strict=True))}
    scatter(ax, groups, ("perplexity", "predicted perplexity"), f"Perplexity as {model} predicts it")
    low, high = min(found), max(found)
    ax.plot([low, high], [low, high], **DASHED)


def _figure_8(ax: Axes, nets: Mapping[str, Net]) -> None:
    kinds = {
        "random nets": "random ", "evolved within a size": "params ", "evolved within a latency": "latency ",
        "heuristic": "cigar ", "found within the given constraints": "given",
    }  # fmt: skip
    others = (*kinds.values(), "smallest", "largest")
    names = {label: [name for name in nets if name.startswith(begin)] for label, begin in kinds.items()}
    names["templates"] = [name for name in nets if not name.startswith(others)]
    points, ranges = latency_points(
        {label: [nets[name] for name in own] for label, own in names.items()}, lambda net: net.perplexity
    )
    known = {label: own for label, own in points.items() if own or label == "random nets"}
    scatter(ax, known, ("measured latency (ms), 95 % interval", "perplexity"), "Nets within limits (Figure 8)", ranges)
