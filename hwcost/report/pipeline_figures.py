"""The figures of the four systems' papers, drawn from the report of one run; see :mod:`hwcost.systems`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hwcost.report import supernet_figures
from hwcost.report.figures import ACCENT, INK, SOFT, alpha, entitle, fitness, importance
from hwcost.report.search_figures import progress

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS = (ACCENT, "#c1666b", "#d4a24e", "#48795e", "#6d597a", "#7b8794")
Plain = Mapping[str, Any]


class Drawing(NamedTuple):
    """A figure that can be drawn.

    Attributes:
        name: Of its file.
        draw: Draws it on axes.
        size: Inches.
    """

    name: str
    draw: Callable[[Axes], Any]
    size: tuple[float, float] = (6.2, 4.2)


def drawings(report: Plain) -> list[Drawing]:
    """Returns the figures of a pipeline's report, in order; none for a pipeline that is not known here."""
    known = {"supershaper": _supershaper, "autodistil": _autodistil, "components": _components, "autodistill": _autodistill}
    of_pipeline = known.get(report["pipeline"])
    return list(of_pipeline(report["stages"])) if of_pipeline else []


# -- parts -------------------------------------------------------------------------------------------------------------


def losses(ax: Axes, curves: Plain, title: str) -> None:
    """Draws a training's losses."""
    supernet_figures.curves(ax, curves["steps"], _known(curves["losses"]), title, "loss")


def _known(lines: Plain) -> dict[str, list[float]]:
    """Returns lines with unknown points as gaps; phases have losses of their own."""
    return {name: [float("nan") if one is None else one for one in line] for name, line in lines.items()}


def clouds(
    ax: Axes, groups: Mapping[str, Sequence[tuple[float, float]]], labels: tuple[str, str], title: str
) -> None:
    """Draws groups of points, the first one as a cloud in the background."""
    for index, ((name, points), color) in enumerate(zip(groups.items(), (SOFT, *COLORS), strict=False)):
        x, y = np.array(points, dtype=np.float64).reshape(-1, 2).T
        size = 16 if index == 0 else 44
        ax.scatter(
            x, y, s=size, color=color, alpha=alpha(len(x)) if index == 0 else 1.0, edgecolors="none", label=name,
            zorder=2 + index,
        )  # fmt: skip
    ax.set(xlabel=labels[0], ylabel=labels[1])
    ax.grid(True)
    ax.legend(frameon=False, fontsize=8.5)
    entitle(ax, title)


def bars(ax: Axes, groups: Mapping[str, Mapping[str, float]], ylabel: str, title: str) -> None:
    """Draws groups of bars side by side: by group, by bar, a number."""
    names = list(next(iter(groups.values())))
    places, width = np.arange(len(names)), 0.8 / len(groups)
    for index, ((label, values), color) in enumerate(zip(groups.items(), COLORS * len(groups), strict=False)):
        offset = (index - (len(groups) - 1) / 2) * width
        ax.bar(places + offset, [values[name] for name in names], width, color=color, label=label)
    ax.set_xticks(places, names, fontsize=8.5)
    ax.set(ylabel=ylabel)
    ax.grid(True, axis="y")
    if len(groups) > 1:
        ax.legend(frameon=False, fontsize=8.5)
    entitle(ax, title)


def gates(ax: Axes, rows: Sequence[Sequence[float]], names: Sequence[str], title: str) -> None:
    """Draws gates, one row per block: dark where they are open (Finding Fast Transformers, Figures 3 and 4)."""
    ax.imshow(np.array(rows, dtype=np.float64), aspect="auto", cmap="GnBu", vmin=0, vmax=1, interpolation="nearest")
    ax.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
    ax.set_yticks(range(len(rows)), [str(index) for index in range(1, len(rows) + 1)])
    ax.set(ylabel="block")
    entitle(ax, title)


# -- SuperShaper -------------------------------------------------------------------------------------------------------


def _supershaper(stages: Plain) -> Iterator[Drawing]:
    net, nets = stages["supernet"], stages["winners"]["nets"]
    yield Drawing("training", lambda ax: losses(ax, net["curves"], "Sandwich training"))
    title = "Bottleneck diagonals after sliced training (Figure 4)"
    yield Drawing("bottlenecks", lambda ax: supernet_figures.bands(ax, np.array(net["diagonals"]), net["widths"], title))
    one = stages["predictor"]
    yield Drawing("perplexity", lambda ax: _predicted(ax, one["perplexity"], one["predicted"]), (5.2, 5.0))
    yield Drawing("importance", lambda ax: importance(ax, one["importance"], "What perplexity goes by (Figure 7)"))
    yield _latency(stages["latencies"], "Predicted against measured latency (Figure 9)")
    rows = stages["search"]["winners"]
    lines = {f"{row['limit']}, {100 * row['share']:g} %": row["progress"] for row in rows}
    yield Drawing("evolution", lambda ax: progress(ax, lines, "predicted perplexity", "Evolution under limits"))
    yield Drawing("limits", lambda ax: _figure_8(ax, nets))
    shapes = {f"{row['limit']}, {100 * row['share']:g} %": [int(w) for w in row["arch"].split("_")] for row in rows}
    names = [str(layer) for layer in range(1, 1 + len(next(iter(shapes.values()))))]
    yield Drawing("shapes", lambda ax: _shapes(ax, shapes, names), (7.4, 3.6))


def _predicted(ax: Axes, found: Sequence[float], predicted: Sequence[float]) -> None:
    groups = {"nets that the fit has not seen": list(zip(found, predicted, strict=True))}
    clouds(ax, groups, ("perplexity", "predicted perplexity"), "Perplexity from shapes (Figure 7)")
    low, high = min(found), max(found)
    ax.plot([low, high], [low, high], color=INK, linewidth=0.9, linestyle=(0, (5, 4)), alpha=0.75)


def _latency(one: Plain, title: str) -> Drawing:
    measured, predicted = np.array(one["measured_s"]), np.array(one["predicted_s"])
    return Drawing("latency", lambda ax: fitness(ax, measured, predicted, title), (5.2, 5.0))


def _figure_8(ax: Axes, nets: Plain) -> None:
    kinds = {
        "random nets": "random ", "evolved within a size": "params ", "evolved within a latency": "latency ",
    }  # fmt: skip
    groups = {label: _points(nets, [name for name in nets if name.startswith(begin)]) for label, begin in kinds.items()}
    others = (*kinds.values(), "smallest", "largest")
    groups["templates"] = _points(nets, [name for name in nets if not name.startswith(others)])
    clouds(ax, groups, ("measured latency (ms)", "perplexity"), "What limits lead to (Figure 8)")


def _points(nets: Plain, names: Sequence[str]) -> list[tuple[float, float]]:
    """Returns measured latency, in ms, and perplexity of nets; of those that were measured."""
    wanted = [nets[name] for name in names if nets[name]["measured_s"] is not None]
    return [(1e3 * net["measured_s"], net["perplexity"]) for net in wanted]


def _shapes(ax: Axes, shapes: Mapping[str, Sequence[int]], names: Sequence[str]) -> None:
    bars(ax, {label: dict(zip(names, shape, strict=True)) for label, shape in shapes.items()}, "width", "Evolved shapes")
    ax.set(xlabel="layer")


# -- AutoDistil --------------------------------------------------------------------------------------------------------


def _autodistil(stages: Plain) -> Iterator[Drawing]:
    if "curves" in stages["teacher"]:
        yield Drawing("teacher", lambda ax: losses(ax, stages["teacher"]["curves"], "The teacher's training"))
    for subspace in ("tiny", "small", "base"):
        curves, title = stages[f"superlm-{subspace}"]["curves"], f"Relation distillation, sub-space {subspace}"
        yield Drawing(f"superlm-{subspace}", partial(losses, curves=curves, title=title))
    yield Drawing("agnostic", lambda ax: _agnostic(ax, stages["agnostic"]))
    yield Drawing("proxy", lambda ax: _proxy(ax, stages["proxy"]))
    nets = {name: net for name, net in stages["winners"]["nets"].items() if net["measured_s"] is not None}
    if nets:
        values = {"measured": {name: 1e3 * net["measured_s"] for name, net in nets.items()}}
        yield Drawing("latencies", lambda ax: bars(ax, values, "measured latency (ms)", "Chosen nets and their teacher"))


def _agnostic(ax: Axes, one: Plain) -> None:
    of = {row["net"]: (row["flops"], row["loss"]) for row in one["nets"]}
    groups = {name: [point for net, point in of.items() if net.startswith(name)] for name in ("tiny", "small", "base")}
    groups = {name: points for name, points in groups.items() if points} | {"chosen": [of[one["chosen"]]]}
    clouds(ax, groups, ("operations", "relation loss"), "Task-agnostic search")
    ax.axvline(one["limit_flops"], color=INK, linewidth=0.8, linestyle=(0, (5, 4)), alpha=0.6)


def _proxy(ax: Axes, one: Plain) -> None:
    of = {row["net"]: (row["flops"], row["accuracy"]) for row in one["nets"]}
    groups = {"fine-tuned nets": list(of.values()), "chosen": [of[net] for net in one["chosen"].values()]}
    clouds(ax, groups, ("operations", "accuracy"), "Task-proxy search")


# -- Finding Fast Transformers -----------------------------------------------------------------------------------------


def _components(stages: Plain) -> Iterator[Drawing]:
    of_length = {
        f"{length} tokens": {kind: 100 * share for kind, share in shares.items()}
        for length, shares in stages["profile"]["by_length"].items()
    }
    yield Drawing("shares", lambda ax: bars(ax, of_length, "share of the whole net (%)", "Components (Tables 1 and 4)"))
    for name, title in (("base", "The base net's training"), ("do", "DO"), ("sdo", "SDO: losses of drawn nets")):
        curves = stages[name]["curves"]
        yield Drawing(f"training-{name}", partial(losses, curves=curves, title=title))
    rows = stages["do"]["gates"]
    names = _gate_names(stages["do"]["arch"])
    yield Drawing("gates-do", lambda ax: gates(ax, np.abs(np.array(rows)), names, "DO's gates (Figure 3)"))
    odds = np.array(stages["sdo"]["probabilities"]).reshape(len(rows), -1)
    title = "SDO's probabilities that a gate is open (Figure 4)"
    yield Drawing("gates-sdo", lambda ax: gates(ax, odds.tolist(), names, title))
    found = stages["winners"]["latencies"]
    is_known = all(net["measured_s"] is not None for nets in found.values() for net in nets.values())
    if is_known:
        times = {
            f"{length} tokens": {name: 1e3 * found[name][length]["measured_s"] for name in found} for length in found["base"]
        }
        yield Drawing("latencies", lambda ax: bars(ax, times, "measured latency (ms)", "What was chosen, measured"))


def _gate_names(arch: str) -> list[str]:
    """Names the gates of a block, from how many each group of an architecture's key has."""
    groups = arch.split("_")[0].split(".")
    kinds = ("ff", "joint", "qk", "v", "mean", "head")
    return [f"{kind} {index}" for kind, group in zip(kinds, groups, strict=True) for index in range(1, 1 + len(group))]


# -- AutoDistill -------------------------------------------------------------------------------------------------------


def _autodistill(stages: Plain) -> Iterator[Drawing]:
    yield Drawing("teacher", lambda ax: losses(ax, stages["teacher"]["curves"], "The teacher's training"))
    yield _latency(stages["latencies"], "Predicted against measured latency")
    rows = stages["search"]
    yield Drawing("search", lambda ax: _searches(ax, rows))
    lines = {name: rows[name]["hypervolume"] for name in ("bayesian", "random")}
    yield Drawing("progress", lambda ax: progress(ax, lines, "hypervolume beyond the reference", "How the searches went"))
    nets = stages["winners"]["nets"]
    yield Drawing("measured", lambda ax: _measured_fronts(ax, nets, rows))
    regular = stages["regular"]["nets"]
    both = {
        "flash": {key: net["flash_perplexity"] for key, net in regular.items()},
        "regular": {key: net["perplexity"] for key, net in regular.items()},
    }
    if regular:
        yield Drawing("regular", lambda ax: bars(ax, both, "perplexity", "Winners, distilled both ways"))


def _searches(ax: Axes, rows: Plain) -> None:
    of = {
        name: {one["arch"]: (1e3 * one["latency_s"], one["perplexity"]) for one in rows[name]["trials"]}
        for name in ("random", "bayesian")
    }
    groups = {name: list(points.values()) for name, points in of.items()}
    groups["reference"] = [of["bayesian"][rows["reference"]]]
    clouds(ax, groups, ("predicted latency (ms)", "perplexity"), "What was evaluated")


def _measured_fronts(ax: Axes, nets: Plain, rows: Plain) -> None:
    groups = {name: _points(nets, rows[name]["front"]) for name in ("random", "bayesian")}
    groups["reference"] = _points(nets, [rows["reference"]])
    clouds(ax, groups, ("measured latency (ms)", "perplexity"), "Both fronts, measured")
