"""Figures of AutoDistil: the trainings, clouds of the nets of both searches, and the latencies of the selected ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from hwcost.report import Drawing, losses, scatter
from hwcost.systems.autodistil.clouds import latency_cloud, loss_clouds, score_clouds, sizes_of
from hwcost.systems.autodistil.results import Proxy, Results
from hwcost.systems.curves import TrainingCurves
from hwcost.systems.latency_bars import latency_bars
from hwcost.systems.reports import results_of
from hwcost.systems.task_scores import task_drawings

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def figures(report: Mapping[str, Any]) -> Iterator[Drawing]:
    """Yields the figures of a report."""
    results = results_of(report, Results)
    if results.teacher.curves is not None:
        yield _training("teacher", results.teacher.curves, "The teacher's training")
    trained = {"tiny": results.superlm_tiny, "small": results.superlm_small, "base": results.superlm_base}
    for subspace, superlm in trained.items():
        if superlm.curves is not None:
            yield _training(f"superlm-{subspace}", superlm.curves, f"Relation distillation, sub-space {subspace}")
    sizes = sizes_of(report["preset"])
    yield from loss_clouds(results.agnostic, sizes)
    yield Drawing("proxy", lambda ax: _proxy(ax, results.proxy))
    yield from score_clouds(results, sizes)
    yield from latency_cloud(results)
    measured = {name: net for name, net in results.winners.nets.items() if net.measured_s is not None}
    if (drawn := latency_bars("latencies", {"measured": measured}, "Chosen nets and their teacher")) is not None:
        yield drawn
    yield from task_drawings(results.fine_tuned)


def _training(name: str, curves: TrainingCurves, title: str) -> Drawing:
    return Drawing(name, partial(losses, steps=curves.steps, lines=curves.losses, title=title))


def _proxy(ax: Axes, found: Proxy) -> None:
    points = {one.net: (one.flops, one.score) for one in found.nets}
    groups = {"fine-tuned nets": list(points.values()), "chosen": [points[net] for net in found.chosen.values()]}
    scatter(ax, groups, ("operations", found.task.text), "Task-proxy search")
