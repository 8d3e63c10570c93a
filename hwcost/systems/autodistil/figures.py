"""Figures of AutoDistil: the trainings, both searches, and the latencies of the selected nets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from hwcost.report import DASHED, Drawing, bars, losses, scatter
from hwcost.systems.autodistil.results import Agnostic, Proxy, Results
from hwcost.systems.curves import TrainingCurves
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
    yield Drawing("agnostic", lambda ax: _agnostic(ax, results.agnostic))
    yield Drawing("proxy", lambda ax: _proxy(ax, results.proxy))
    times = {name: 1e3 * net.measured_s for name, net in results.winners.nets.items() if net.measured_s is not None}
    if times:
        title = "Chosen nets and their teacher"
        yield Drawing("latencies", lambda ax: bars(ax, {"measured": times}, "measured latency (ms)", title))
    yield from task_drawings(results.fine_tuned)


def _training(name: str, curves: TrainingCurves, title: str) -> Drawing:
    return Drawing(name, partial(losses, steps=curves.steps, lines=curves.losses, title=title))


def _agnostic(ax: Axes, found: Agnostic) -> None:
    points = {one.net: (one.flops, one.loss) for one in found.nets}
    groups = {
        subspace: [point for net, point in points.items() if net.startswith(subspace)]
        for subspace in ("tiny", "small", "base")
    }
    groups = {name: group for name, group in groups.items() if group} | {"chosen": [points[found.chosen]]}
    scatter(ax, groups, ("operations", "relation loss"), "Task-agnostic search")
    if found.limit_flops is not None:
        ax.axvline(found.limit_flops, **DASHED)


def _proxy(ax: Axes, found: Proxy) -> None:
    points = {one.net: (one.flops, one.score) for one in found.nets}
    groups = {"fine-tuned nets": list(points.values()), "chosen": [points[net] for net in found.chosen.values()]}
    scatter(ax, groups, ("operations", found.task.text), "Task-proxy search")
