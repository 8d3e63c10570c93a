"""The report of ``hwcost search``: one JSON document, tables for people, and figures."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hwcost.cli import console
from hwcost.cli.winners import certainty, why_unknown
from hwcost.cost_models.base import CostModel
from hwcost.objectives.cost_function import measured_quantity
from hwcost.searchers.trial import Trial
from hwcost.spaces.base import SearchSpace
from hwcost.study.remeasure import Level, Remeasured
from hwcost.study.selection import SelectionBias, selection_bias
from hwcost.study.study import Study
from hwcost.study.verification import Verification
from hwcost.units import format_count, format_quantity, format_seconds, in_words

SHOWN = 20
"""Rows that a table shows; --json has all."""
LISTED = 1000
"""Rejections that --json lists with their reasons; all are counted."""


@dataclass
class Found:
    """A search, and what was found out about its winners afterwards.

    Attributes:
        study: The search.
        biases: Bias of the selection by each latency model, by the name of its objective or constraint.
        measured: Measured winners.
        verification: Certainty about the best one; None unless it was asked for.
    """

    study: Study
    biases: dict[str, SelectionBias] = field(default_factory=dict)
    measured: list[Remeasured] = field(default_factory=list)
    verification: Verification | None = None


def biases(study: Study, models: Sequence[CostModel], refits: int) -> dict[str, SelectionBias]:
    """Finds how much the latency models of a search flatter its winners, by the name of their objective or constraint.

    Args:
        study: The search.
        models: Cost models that it asked.
        refits: Number of refits of each; fewer than two find nothing.
    """
    if refits < 2 or not study.front:
        return {}
    names = [*_names(study), *(constraint.name for constraint in study.problem.constraints)]
    costs = {
        name: value for name, value in zip(names, study.problem.asked, strict=True)
        if measured_quantity(value) is not None and any(value is model for model in models)
    }  # fmt: skip
    found = {name: selection_bias(study, cost, refits) for name, cost in costs.items()}
    return {name: bias for name, bias in found.items() if bias is not None}


def document(found: Found) -> dict[str, Any]:
    """Returns everything that a search found, as plain JSON."""
    study, measured = found.study, found.measured
    space = study.problem.space
    return {
        "space": space.name,
        "space_options": space.options(),
        "searcher": study.searcher.name,
        "seed": study.searcher.seed,
        "stopped": study.stopped,
        "remarks": list(study.remarks),
        "iterations": study.iterations,
        "evaluations": study.evaluations,
        "failed": sum(trial.status == "failed" for trial in study.trials),
        "infeasible": sum(trial.status == "infeasible" for trial in study.trials),
        "proved": getattr(study.searcher, "is_proved", None),
        "rejected": dict(study.rejections.counts),
        "rejections": [
            {"arch": space.key(one.architecture), "constraint": one.constraint, "reason": one.reason}
            for one in study.rejections[:LISTED]
        ],
        "unfinished": [
            {"arch": space.key(trial.architecture), "status": trial.status, "reason": trial.reason}
            for trial in study.trials if trial.status != "completed"
        ],
        "front": [_winner(space, _names(study), trial, found.biases) for trial in study.front],
        "selection": {
            name: {"factor": bias.factor, "log_error": bias.error, "refits": bias.refits}
            for name, bias in found.biases.items()
        },
        "measured": [_remeasured(space, row) for row in measured],
        "level": measured[0].level.plain() if measured and measured[0].level else None,
        "verification": None if found.verification is None else _verification(space, found.verification),
    }  # fmt: skip


def _verification(space: SearchSpace, state: Verification) -> dict[str, Any]:
    return {
        "best": None if state.best is None else space.key(state.best), "probability": state.probability,
        "margin": state.margin,
        "wanted": state.wanted, "tolerance": state.tolerance, "rounds": state.rounds, "sure": state.is_sure,
        "remark": why_unknown(state) if state.probability is None else None,
    }  # fmt: skip


def _names(study: Study) -> list[str]:
    return [objective.name for objective in study.problem.objectives]


def _winner(space: SearchSpace, names: list[str], trial: Trial, biases: dict[str, SelectionBias]) -> dict[str, Any]:
    values = dict(zip(names, trial.values, strict=True))
    return {
        "arch": space.key(trial.architecture), "iteration": trial.number,
        "params": space.params(trial.architecture) if space.is_buildable else None, "values": values,
        "corrected": {name: biases[name].corrected(value) for name, value in values.items() if name in biases},
    }  # fmt: skip


def _remeasured(space: SearchSpace, row: Remeasured) -> dict[str, Any]:
    return {
        "arch": space.key(row.architecture), "predicted_s": row.predicted_s, "low_s": row.low_s, "high_s": row.high_s,
        "measured_s": row.measured_s, "measured_low_s": row.measured_low_s, "measured_high_s": row.measured_high_s,
        "error": row.error, "holds": row.holds,
    }  # fmt: skip


# -- tables ------------------------------------------------------------------------------------------------------------


def show(found: Found) -> None:
    """Prints the best architectures, and predicted beside measured; where none was completed, how the search went."""
    study = found.study
    counts = _counts(study)
    if not study.front:
        console.note(counts)
        return
    _show_front(study, found.biases, counts)
    for name, bias in found.biases.items():
        console.note(_flattery(name, bias))
    if found.measured:
        _show_measured(study.problem.space, found.measured)
    if found.verification is not None:
        console.note(certainty(found.verification))


def _flattery(name: str, bias: SelectionBias) -> str:
    percent, error = 100 * math.expm1(bias.log_ratio), 100 * bias.error
    return f"{name}: winners were chosen for their predictions, which changes those by {percent:+.1f} +- {error:.1f} %"


def _counts(study: Study) -> str:
    parts = [f"{study.evaluations} evaluated in {study.iterations} iterations"]
    ends = Counter(trial.status for trial in study.trials)
    parts += [f"{ends[status]} of them {status}" for status in ("infeasible", "failed") if ends[status]]
    parts += [f"{count} rejected by {name}" for name, count in study.rejections.counts.items()]
    if (proved := getattr(study.searcher, "is_proved", None)) is not None:
        left_out = "not proved: a cost model's domain or interval left some out"
        parts.append("proved: nothing else is better" if proved else left_out)
    if reason := next((trial.reason for trial in reversed(study.trials) if trial.status == "failed"), None):
        parts.append(f"the last that failed: {reason}")
    return "; ".join([*parts, str(study.stopped)])


def _show_front(study: Study, biases: dict[str, SelectionBias], counts: str) -> None:
    space, names, front = study.problem.space, _names(study), study.front
    has_params = space.is_buildable and "params" not in names
    corrected = [name for name in names if name in biases]
    rows = [
        [
            space.key(trial.architecture), *(format_quantity(*pair) for pair in zip(names, trial.values, strict=True)),
            *(format_quantity(name, biases[name].corrected(trial.values[names.index(name)])) for name in corrected),
            *([format_count(space.params(trial.architecture))] if has_params else []),
        ]
        for trial in front[:SHOWN]
    ]  # fmt: skip
    title = f"{'Best' if len(names) == 1 else 'Front'} of {space.name} by {study.searcher.name}"
    more = f"{len(front) - SHOWN} more on the front, see --json; " if len(front) > SHOWN else ""
    columns = ["architecture", *names, *(f"{name}, corrected" for name in corrected), *(["params"] if has_params else [])]
    console.print_table(title, columns, rows, more + counts)


def _show_measured(space: SearchSpace, measured: list[Remeasured]) -> None:
    cells = [
        [
            space.key(row.architecture), format_seconds(row.predicted_s), format_seconds(row.measured_s),
            "-" if row.error is None else f"{100 * row.error:+.1f} %",
            {True: "yes", False: "no", None: "-"}[row.holds],
        ]
        for row in measured[:SHOWN]
    ]  # fmt: skip
    columns = ["architecture", "predicted", "measured", "error", "in interval"]
    console.print_table("Predicted against measured", columns, cells, _level_text(measured[0].level))


def _level_text(level: Level | None) -> str:
    """Says how much slower the machine is now than when the model's rows were measured, as far as that is known."""
    if level is None:
        return "no net of the model was measured again: errors include any change of the machine's speed since the fit"
    times = f"{level.ratio:.3f} times as long ({level.low:.3f} to {level.high:.3f}, {level.anchors} nets)"
    return f"errors are on the level of the model's measurements: nets that it was fitted on now take {times}"


# -- figures -----------------------------------------------------------------------------------------------------------


def check_plot(folder: str) -> None:
    """Refuses a folder of figures before the search that they show.

    Raises:
        MissingExtraError: When matplotlib is not installed.
        UsageError: When nothing may be written there.
    """
    from hwcost.report.figures import check_can_draw

    check_can_draw(Path(folder) / "front")


def draw(study: Study, folder: str) -> None:
    """Draws the front of two objectives, or the best architecture of one, and the convergence; of more, that alone."""
    from hwcost.report import search_figures
    from hwcost.report.figures import name_axis, new_figure, save

    objectives, space, name = study.problem.objectives, study.problem.space, study.problem.objectives[0].name
    if len(objectives) == 2:
        figure, ax = new_figure(6.0, 4.6)
        search_figures.front(ax, study)
        save(figure, Path(folder) / "front")
    elif len(objectives) == 1 and not any(gene.categorical for gene in space.genes):
        figure, ax = new_figure(7.0, 3.6)
        best = {f"{in_words(name)} {format_quantity(name, study.best.values[0])}": study.best.architecture}
        search_figures.architectures(ax, best, [gene.name for gene in space.genes])
        save(figure, Path(folder) / "best")
    if len(objectives) == 1 or study.references is not None:
        figure, ax = new_figure(6.0, 3.8)
        what = name if len(objectives) == 1 else "hypervolume"
        search_figures.progress(ax, {study.searcher.name: study.convergence().tolist()}, what)
        name_axis(ax.yaxis, what)
        save(figure, Path(folder) / "progress")
    drawn = len(objectives) <= 2 or study.references is not None
    console.note(f"figures: {folder}" if drawn else f"no figure: a front of {len(objectives)} objectives has no drawing")
