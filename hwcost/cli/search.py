"""``hwcost search``: architectures that serve objectives under limits."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwcost.cli import console
from hwcost.cli.progress import ProgressText, progress
from hwcost.errors import MeasurementError, UsageError

if TYPE_CHECKING:
    from hwcost.cli.goals import Goals
    from hwcost.cost_models.base import CostModel
    from hwcost.searchers.trial import Trial
    from hwcost.study.remeasure import Level, Remeasured
    from hwcost.study.study import Progress, Study
    from hwcost.timing.measurement import Measurement

SHOWN = 20
"""Rows that a table shows, and winners that are measured; --json has all rows."""
BACK_TO_BACK = "back-to-back"
LISTED = 1000
"""Refusals that --json lists with their reasons; all are counted."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("search")(search)


def search(
    minimize: Annotated[
        list[str] | None, typer.Option("--minimize", metavar="WHAT", help="params, flops, memory, DIR or module:function.")
    ] = None,
    maximize: Annotated[
        list[str] | None, typer.Option("--maximize", metavar="WHAT", help="The same; both may be repeated.")
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option("--limit", metavar="'WHAT<=VALUE'", help="params<=66M, models/cpu<=50ms, flops<=0.5x."),
    ] = None,
    space: Annotated[str | None, typer.Option("--space", help="Search space. [default: that of the first DIR]")] = None,
    searcher: Annotated[
        str,
        typer.Option(
            "--searcher", "-s",
            help="random, exhaustive, evolution, nsga2, firefly, bayesian, exact, sdo, optuna, pymoo or botorch.",
        ),
    ] = "evolution",
    option: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An option of the searcher, such as preset=hat.")
    ] = None,
    evaluations: Annotated[int | None, typer.Option("--evaluations", "-n", help="End after so many architectures.")] = None,
    iterations: Annotated[int | None, typer.Option("--iterations", help="The same, repeats included.")] = None,
    seconds: Annotated[float | None, typer.Option("--seconds", help="End after so much time.")] = None,
    stall: Annotated[int | None, typer.Option("--stall", help="End after so many without improvement.")] = None,
    dominate: Annotated[int | None, typer.Option("--dominate", help="End when so many dominate the reference.")] = None,
    reference: Annotated[str | None, typer.Option("--reference", metavar="ARCH", help="Architecture to dominate.")] = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", metavar="ARCH", help="What limits such as 0.5x are relative to.")
    ] = None,
    probability: Annotated[
        float, typer.Option("--probability", help="With which limits on latency models hold; 0: predictions as they are.")
    ] = 0.95,
    seq_len: Annotated[int, typer.Option("--seq-len", min=1, help="Tokens per sequence, for flops.")] = 128,
    log: Annotated[
        str | None, typer.Option("--log", metavar="FILE", help="Keeps the study; the same command goes on from it.")
    ] = None,
    plot: Annotated[
        str | None, typer.Option("--plot", metavar="DIR", help="Draw the front and how the search went.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="module:factory",
            help="With --measure: factory of a space of your own. [default: that of the cost model's nets]",
        ),
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure/--no-measure", help="Measure the winners: predicted against measured.")
    ] = False,
    device: Annotated[str, typer.Option("--device", "-d", help="With --measure: where.")] = "cpu",
    backend: Annotated[str, typer.Option("--backend", help="With --measure: through what.")] = "torch",
    tier: Annotated[str, typer.Option("--tier", help="With --measure: quick, standard or strict.")] = "quick",
    store: console.StoreUrl = None,
    seed: console.Seed = 0,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Search a space for architectures that serve objectives and keep limits.

    WHAT is a size, the folder of a cost model that 'hwcost fit' wrote, or a function of your own that takes an architecture;
    NAME= before it gives it a name. Nothing is dropped silently: what limits refuse is counted, with the reason.
    """
    from hwcost.cli.goals import Goals
    from hwcost.registry import parse_options
    from hwcost.spaces import space as make_space
    from hwcost.study import search as run

    goals = Goals(make_space(space) if space else None, seq_len, probability or None)
    goals.read_models([*(minimize or ()), *(maximize or ())], limit or ())
    of = goals.space
    if of is None or not (minimize or maximize):
        raise UsageError("a search needs an objective: --minimize WHAT or --maximize WHAT")
    objectives = [goals.objective(text, True) for text in minimize or ()]
    objectives += [goals.objective(text, False) for text in maximize or ()]
    limits = [goals.limit(text, of.parse(baseline) if baseline else None) for text in limit or ()]
    ends: dict[str, Any] = {
        "evaluations": evaluations, "iterations": iterations, "seconds": seconds, "stall": stall, "dominate": dominate
    }  # fmt: skip
    if all(end is None for end in ends.values()):
        ends["evaluations"] = min(10_000, of.size)
    options = parse_options(option or (), "--set NAME=VALUE")
    if taken := sorted(options.keys() & signature(run).parameters.keys()):
        raise UsageError(f"--set gives options of the searcher; '{taken[0]}' is none, see hwcost search --help")
    with progress(_told) as update:
        study = run(
            of, objectives, limits, searcher=searcher, seed=seed, reference=of.parse(reference) if reference else None,
            log=log, progress=update, remark=console.note, **ends, **options,
        )  # fmt: skip
    winners = study.front
    if measure and len(winners) > SHOWN:
        console.note(f"of {len(winners)} winners, the first {SHOWN} are measured")
    rows = _measured(goals, winners[:SHOWN], (device, backend, tier, store), model) if measure else []
    if plot is not None:
        _draw(study, plot)
    document = _document(study, winners, rows)
    if not console.write_json(document, json):
        _show(study, winners, rows)
    if rows and all(row.measured_s is None for row in rows):
        raise MeasurementError("no winner could be measured; see above for why. Measure them again, on a quieter machine")


def _measured(
    goals: Goals, winners: list[Trial], where: tuple[str, str, str, str | None], factory: str | None
) -> list[Remeasured]:
    """Measures the winners as the first latency model says that its measurements were taken."""
    from hwcost.api import measure
    from hwcost.devices import require
    from hwcost.study.remeasure import level_of, links, remeasured

    models = [model for model in goals.models.values() if model.provenance.get("data") != "quality"]
    if not models:
        raise UsageError("--measure puts measurements beside predictions: give a latency model as objective or limit")
    cost, archs = models[0], [trial.architecture for trial in winners]
    device, backend, tier, store = where
    own = {"device": require(device).name, "backend": backend}
    other = {name: cost.provenance[name] for name in own if cost.provenance.get(name, own[name]) != own[name]}
    again = [] if other else links(cost)  # elsewhere, a level would hide that it is elsewhere
    if other:
        console.note(f"the model was measured with {', '.join(f'{name} {value}' for name, value in other.items())}")
    factory = _factory(cost, factory)
    shape: dict[str, Any] = {"batch_size": cost.features.batch_size, "seq_len": cost.features.seq_len}
    if factory is not None:  # it may fix its own
        shape = {name: cost.provenance.get(name) for name in (*shape, "dtype")}
    texts = {"batch_size": "batch {}", "seq_len": "{} tokens"}
    about = ", ".join([f"on {device}", *(text.format(shape[name]) for name, text in texts.items() if shape[name])])
    console.note(f"measuring {len(archs)} winners, and {len(again)} nets that the model has learnt from, {about}")
    distinct = list(dict.fromkeys([*archs, *again]))
    result = measure(
        distinct, device, backend=backend, space=cost.space, tier=tier, role="winner", store=store, model=factory, **shape,
        **_manner(cost, backend),
    )  # fmt: skip
    _tell_lost([one for one in result.measurements[: len(archs)] if one.latency_s is None])
    intervals = ((one.latency_s, one.low_s, one.high_s) for one in result.measurements)
    found = dict(zip(distinct, intervals, strict=True))
    level = level_of(cost, again, [found[arch] for arch in again])
    return remeasured(cost, archs, [found[arch] for arch in archs], level)


def _manner(cost: CostModel, backend: str) -> dict[str, Any]:
    """Returns the arguments of ``measure`` that repeat how the cost model's rows were measured, as far as it knows."""
    known = cost.provenance
    manner = {"threads": known.get("threads", 1), "arrival": known.get("protocol", {}).get("arrival", BACK_TO_BACK)}
    if known.get("backend") == backend:
        manner["backend_options"] = known.get("backend_options", {})
    if manner["threads"] != 1 or manner["arrival"] != BACK_TO_BACK:
        console.note(f"as the model's rows were: {manner['threads']} thread(s), calls {manner['arrival']}")
    return manner


def _tell_lost(lost: list[Measurement]) -> None:
    """Says why winners have no measurement."""
    for one in lost:
        why = next((str(found) for found in one.flags if found.code.startswith("E_")), "none of its visits can be used")
        console.note(f"'{one.workload.name}' could not be measured: {why}")


def _factory(cost: CostModel, given: str | None) -> str | None:
    """Returns the factory of the winners; says so when another one built the nets that the cost model was fitted on."""
    from hwcost.workloads import source_of

    known: str | None = cost.provenance.get("factory")
    factory = given or known
    if factory is not None and known is not None:
        digest = cost.provenance.get("factory_sha256")
        if factory != known:
            console.note(f"the cost model was fitted on nets that {known} built; the winners are built by {factory}")
        elif digest and source_of(factory) != digest:
            console.note(f"the file of {factory} has changed since the cost model's nets were measured: winners may differ")
    return factory


def _draw(study: Study, folder: str) -> None:
    """Draws the front of two objectives, or the best architectures of one, and how the search went."""
    from pathlib import Path

    from hwcost.report import search_figures
    from hwcost.report.figures import new_figure, save

    objectives, space = study.problem.objectives, study.problem.space
    if len(objectives) == 2:
        figure, ax = new_figure(6.0, 4.6)
        search_figures.front(ax, study)
        save(figure, Path(folder) / "front")
    elif study.front and not any(gene.categorical for gene in space.genes):
        figure, ax = new_figure(7.0, 3.6)
        best = {f"{study.best.values[0]:.5g}": study.best.architecture}
        search_figures.architectures(ax, best, [gene.name for gene in space.genes])
        save(figure, Path(folder) / "best")
    if len(objectives) == 1 or study.problem.references is not None:
        figure, ax = new_figure(6.0, 3.8)
        what = objectives[0].name if len(objectives) == 1 else "hypervolume"
        search_figures.progress(ax, {study.searcher.name: study.attained().tolist()}, what)
        save(figure, Path(folder) / "progress")
    console.note(f"figures: {folder}")


def _document(study: Study, winners: list[Trial], measured: list[Remeasured]) -> dict[str, Any]:
    space, names = study.problem.space, [objective.name for objective in study.problem.objectives]
    refusals = study.refusals
    proved = getattr(study.searcher, "is_proved", None)
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
        "proved": proved,
        "refused": dict(study.problem.refused),
        "refusals": [
            {"arch": space.key(one.architecture), "limit": one.limit, "reason": one.reason} for one in refusals[:LISTED]
        ],
        "unfinished": [
            {"arch": space.key(trial.architecture), "status": trial.status, "reason": trial.reason}
            for trial in study.trials if trial.status != "completed"
        ],
        "front": [
            {
                "arch": space.key(trial.architecture), "iteration": trial.number,
                "params": space.params(trial.architecture) if space.is_buildable else None,
                "values": dict(zip(names, trial.values, strict=True)),
            }
            for trial in winners
        ],
        "measured": [
            {
                "arch": space.key(row.architecture), "predicted_s": row.predicted_s, "low_s": row.low_s,
                "high_s": row.high_s, "measured_s": row.measured_s, "measured_low_s": row.measured_low_s,
                "measured_high_s": row.measured_high_s, "error": row.error, "holds": row.holds,
            }
            for row in measured
        ],
        "level": measured[0].level.plain() if measured and measured[0].level else None,
    }  # fmt: skip


def _show(study: Study, winners: list[Trial], measured: list[Remeasured]) -> None:
    from hwcost.units import format_count, format_seconds

    space, names = study.problem.space, [objective.name for objective in study.problem.objectives]
    told = [f"{study.evaluations} evaluated in {study.iterations} iterations"]
    told += [f"{count} refused by {name}" for name, count in study.problem.refused.items()]
    if (proved := getattr(study.searcher, "is_proved", None)) is not None:
        told.append("proved: nothing else is better" if proved else "not proved: the cost model's domain left some out")
    counts = "; ".join([*told, str(study.stopped)])
    if not winners:
        console.note(counts)
        raise UsageError("no architecture was completed; --json has every trial's reason")
    rows = [
        [
            space.key(trial.architecture), *(_formatted(*pair) for pair in zip(names, trial.values, strict=True)),
            *([format_count(space.params(trial.architecture))] if space.is_buildable and "params" not in names else []),
        ]
        for trial in winners[:SHOWN]
    ]  # fmt: skip
    columns = ["architecture", *names, *(["params"] if space.is_buildable and "params" not in names else [])]
    title = f"{'Best' if len(names) == 1 else 'Front'} of {space.name} by {study.searcher.name}"
    more = f"{len(winners) - SHOWN} more on the front, see --json; " if len(winners) > SHOWN else ""
    console.print_table(title, columns, rows, more + counts)
    if measured:
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
    """Says where the machine stands, as far as that is known."""
    if level is None:
        return "nothing that the model has learnt from was measured again: errors hold what the machine has moved since"
    times = f"{level.ratio:.3f} times as long ({level.low:.3f} to {level.high:.3f}, {level.links} nets)"
    return f"errors are on the model's level: nets that it has learnt from now take {times}"


def _formatted(name: str, value: float) -> str:
    from hwcost.units import format_count, format_seconds

    if name.endswith("_s"):
        return format_seconds(value)
    return format_count(value) if abs(value) >= 1e4 else f"{value:.5g}"


def _told(state: Progress) -> ProgressText:
    best = "nothing yet"
    if state.best is not None:
        values = ", ".join(f"{value:.5g}" for value in state.best)
        best = f"best {values}" if len(state.best) == 1 else f"{state.on_front} on the front"
    line = f"{state.evaluations} of {state.wanted or '?'} evaluated: {best}"
    return ProgressText(state.evaluations, state.wanted, best, line)
