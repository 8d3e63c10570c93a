"""All evaluated nets with the selected ones marked, beside the points that the paper prints (Figures 1, 3 and 4).

The paper's points are of other nets, another text and another task (MNLI). What can be compared is relative to the teacher:
operations and parameters, as the paper counts them, over the teacher's, and the metric less the teacher's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from hwcost.report import COLORS, DASHED, INK, Drawing, legend_above
from hwcost.spaces.autodistil import TEACHER_HEADS, TEACHER_LAYERS, TEACHER_RATIO, AutoDistil
from hwcost.systems.autodistil.nets import SUBSPACES
from hwcost.systems.autodistil.printed import DISTILLED, STUDENTS, Printed
from hwcost.systems.autodistil.results import Agnostic, Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = tuple[float, float]
Points = Mapping[str, Point]
"""Points by the names of their nets."""

PANELS = {"base": "ad", "small": "be", "tiny": "cf"}
"""Panels of Figure 3 by sub-space: by operations and by parameters."""
LEAST = 3
"""Least number of nets in a panel."""
COLOR_OF = dict(zip(SUBSPACES, (COLORS[0], COLORS[3], COLORS[4]), strict=True))
SIZE = (7.0, 4.8)


@dataclass(frozen=True)
class Sizes:
    """Sizes of nets by their names, as far as a report tells them.

    Attributes:
        scale: Scale of the spaces.
        seq_len: Number of tokens in a sequence.
    """

    scale: str
    seq_len: int

    def params(self, net: str, accounting: str = "built") -> float:
        """Returns the parameters of a net."""
        space, arch = self._parsed(net)
        return space.params(arch, accounting)

    def flops(self, net: str, accounting: str = "built") -> float:
        """Returns the operations of a net."""
        space, arch = self._parsed(net)
        return space.flops(arch, self.seq_len, accounting=accounting)

    def shares(self, net: str) -> dict[str, float]:
        """Returns operations and parameters of a net over the teacher's, as the paper counts both."""
        return {
            "flops": self.flops(net, "paper") / self.flops(self._teacher, "paper"),
            "params": self.params(net, "paper") / self.params(self._teacher, "paper"),
        }

    @property
    def _teacher(self) -> str:
        space = AutoDistil("reference", scale=self.scale)
        return f"reference {TEACHER_LAYERS}_{space.sizes.width}_{TEACHER_RATIO}_{TEACHER_HEADS}"

    def _parsed(self, net: str) -> tuple[AutoDistil, Any]:
        subspace, _, key = net.partition(" ")
        space = AutoDistil(subspace, scale=self.scale)
        return space, space.parse(key)


def sizes_of(preset: Mapping[str, Any]) -> Sizes:
    """Returns what tells the sizes of a report's nets, from the report's preset."""
    return Sizes(preset["scale"], preset["measuring"]["seq_lens"][-1])


def loss_clouds(found: Agnostic, sizes: Sizes) -> Iterator[Drawing]:
    """Yields the relation losses of all nets: by operations, by parameters and, where it was predicted, by latency."""
    losses = {one.net: one.loss for one in found.nets}
    by: dict[str, tuple[str, dict[str, float]]] = {
        "agnostic": ("operations", {one.net: one.flops for one in found.nets}),
        "agnostic-params": ("parameters", {net: sizes.params(net) for net in losses}),
        "agnostic-latency": (
            "predicted latency (ms)", {one.net: 1e3 * one.predicted_s for one in found.nets if one.predicted_s is not None},
        ),
    }  # fmt: skip
    for name, (label, costs) in by.items():
        if costs:
            points = {net: (cost, losses[net]) for net, cost in costs.items()}
            limit = found.limit_flops if name == "agnostic" else None
            draw = partial(_losses, points=points, chosen=found.chosen, label=label, limit=limit)
            yield Drawing(name, draw, SIZE)


def _losses(ax: Axes, points: Points, chosen: str, label: str, limit: float | None) -> None:
    cloud(ax, points, {chosen}, {})
    if limit is not None:
        ax.axvline(limit, **DASHED)
    ax.set(xlabel=label, ylabel="relation loss", yscale="log")
    legend_above(ax, "Task-agnostic search, all evaluated nets")


def score_clouds(results: Results, sizes: Sizes) -> Iterator[Drawing]:
    """Yields Figures 1, 4 and 3: fine-tuned nets beside the paper's, as far as there are nets enough."""
    proxy = results.proxy
    if proxy.teacher_score is None:
        return
    scores = {one.net: one.score - proxy.teacher_score for one in results.winners.size_class}
    scores |= {one.net: one.score - proxy.teacher_score for one in proxy.nets}
    chosen = {results.agnostic.chosen, *proxy.chosen.values()} & scores.keys()
    labels = {"flops": "operations", "params": "parameters"}
    for number, cost in (("1", "flops"), ("4", "params")):
        points = {net: (sizes.shares(net)[cost], score) for net, score in scores.items()}
        draw = partial(_scores, cost=labels[cost], metric=proxy.task.text)
        title = f"Fine-tuned nets beside the paper's (Figure {number})"
        beside = _printed(cost, SUBSPACES)
        yield Drawing(f"figure-{number}", partial(draw, points=points, chosen=chosen, beside=beside, title=title), SIZE)
        for subspace, panels in PANELS.items():
            own = {net: point for net, point in points.items() if net.startswith(f"{subspace} ")}
            panel = panels[list(labels).index(cost)]
            title = f"Nets of sub-space {subspace} (Figure 3{panel})"
            if len(own) >= LEAST:
                beside, kept = _printed(cost, (subspace,)), chosen & own.keys()
                of_panel = partial(draw, points=own, chosen=kept, beside=beside, title=title)
                yield Drawing(f"figure-3{panel}", of_panel, SIZE)


def _printed(cost: str, subspaces: Sequence[str]) -> dict[str, Points]:
    """Returns the paper's points by their kind: its students, and others' beside ``base``, whose size they have."""

    def points(rows: Mapping[str, Printed]) -> Points:
        return {name: (row.share(cost), row.gain) for name, row in rows.items()}

    students = {name: row for name, (subspace, row) in STUDENTS.items() if subspace in subspaces}
    found = {"the paper's students": points(students)}
    if "base" in subspaces:
        found["others' students, as printed"] = points(DISTILLED)
    return found


def _scores(
    ax: Axes, points: Points, chosen: set[str], beside: Mapping[str, Points], cost: str, metric: str, title: str
) -> None:
    cloud(ax, points, chosen, beside)
    ax.axhline(0, **DASHED)
    ax.set(xlabel=f"{cost} over the teacher's", ylabel=f"{metric}\nless the teacher's (the paper's: MNLI)")
    legend_above(ax, title)


def latency_cloud(results: Results) -> Iterator[Drawing]:
    """Yields the metric of the nets that were measured, by their latency; nothing where none was."""
    scores, nets = {one.net: one.score for one in results.proxy.nets}, results.winners.nets
    measured = {one.net: (one.measured_s, one.score) for one in results.winners.size_class}
    measured |= {one.net: (one.measured_s, scores[one.net]) for one in nets.values() if one.net in scores}
    points = {net: (1e3 * seconds, score) for net, (seconds, score) in measured.items() if seconds is not None}
    chosen = {results.agnostic.chosen, *results.proxy.chosen.values()}
    if points:
        draw = partial(_latencies, points=points, chosen=chosen & points.keys(), metric=results.proxy.task.text)
        yield Drawing("scores-latency", draw, SIZE)


def _latencies(ax: Axes, points: Points, chosen: set[str], metric: str) -> None:
    cloud(ax, points, chosen, {})
    ax.set(xlabel="measured latency (ms)", ylabel=metric)
    legend_above(ax, "Fine-tuned nets that were measured")


def cloud(ax: Axes, points: Points, chosen: set[str], beside: Mapping[str, Points]) -> None:
    """Draws nets by sub-space, the selected ones in red, and the paper's points as hollow marks.

    Args:
        ax: The axes.
        points: Cost and quality of all nets, by name.
        chosen: Names of the selected nets.
        beside: The paper's points, by their kind.
    """
    for subspace in SUBSPACES:
        own = [point for net, point in points.items() if net.startswith(f"{subspace} ")]
        if own:
            opacity = 0.45 if len(own) > 2 * LEAST else 0.85
            _marks(ax, own, f"{subspace}, {len(own)} nets", s=18, color=COLOR_OF[subspace], alpha=opacity, edgecolors="none")
    if chosen:
        _marks(ax, [points[net] for net in sorted(chosen)], "selected", s=52, color=COLORS[1], edgecolors="white", zorder=4)
    for (kind, known), marker in zip(beside.items(), ("D", "s"), strict=False):
        _marks(ax, list(known.values()), kind, s=34, marker=marker, facecolors="none", edgecolors=INK, zorder=5)
    ax.grid(True)


def _marks(ax: Axes, points: Sequence[Point], label: str, **style: Any) -> None:
    x, y = zip(*points, strict=True)
    ax.scatter(x, y, label=label, **style)
