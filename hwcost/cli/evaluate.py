"""``hwcost evaluate``: how good cost models are on rows that they were not fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwcost.cli import console, tables
from hwcost.cli.given import given, refuse_unused
from hwcost.cli.progress import ProgressText, patient
from hwcost.errors import UsageError
from hwcost.quantities import LATENCY
from hwcost.units import unit_of

if TYPE_CHECKING:
    from hwcost.cost_models.data import Data
    from hwcost.cost_models.evaluation.evaluate import Fitted
    from hwcost.cost_models.priors.source import Source

COLUMNS = {
    "MAPE %": "mape",
    "median APE %": "median_ape",
    "R²": "r2",
    "within 5 %": "within_5",
    "within 10 %": "within_10",
    "Kendall tau": "kendall_tau",
    "coverage 90": "coverage_90",
    "width 90 %": "width_90",
}
"""Heading to name of the metric, as tables show them."""

OF_TABLES = ("train", "split", "seeds")
"""Options of tables, which have no rows that are kept aside."""

DIGITS = {"r2": 4, "kendall_tau": 4, "within_5": 3, "within_10": 3, "coverage_90": 3}


Model = Annotated[
    str,
    typer.Option("--model", "-m", help="Cost model: auto, lut, polynomial, hybrid, lightgbm, xgboost, ridge, ..., or all."),
]
Train = Annotated[
    float, typer.Option("--train", help="Rows to fit on, by whole architectures: a share below 1, or a number from 2.")
]
SplitBy = Annotated[str, typer.Option("--split", help="Rows to fit on: random, or ordered for the first ones.")]
Seeds = Annotated[int, typer.Option("--seeds", min=1, help="Number of random splits; metrics are medians over them.")]
Plot = Annotated[
    Path | None, typer.Option("--plot", metavar="FILE.png|svg", help="Figure of predicted against measured values.")
]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("evaluate")(evaluate)


def evaluate(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="TABLE|STORE", help="A table of latencies, or a campaign's store.")],
    space: tables.Space = None,
    model: Model = "auto",
    train: Train = 0.8,
    split: SplitBy = "random",
    seeds: Seeds = 10,
    drift: tables.Drift = "auto",
    categorical: tables.Categorical = "",
    increasing: tables.Increasing = "",
    run_column: tables.RunColumn = None,
    latency: tables.Latency = None,
    unit: tables.Unit = None,
    keep: tables.Keep = "",
    drop: tables.Drop = "",
    id: tables.Id = None,
    campaign: tables.Campaign = None,
    batch_size: tables.BatchSize = None,
    seq_len: tables.SeqLen = None,
    quantity: tables.Quantity = LATENCY,
    prior: tables.Prior = None,
    plot: Plot = None,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Judge cost models on rows that they were not fitted on, beside plain baselines.

    A table is split again and again. A campaign has its own test rows: models are fitted on measurements with the role
    'fit', and tested on 'test' and 'uniform'.
    """
    from hwcost.cost_models.data import is_store

    _check_names(model, split, drift)
    if plot is not None:
        from hwcost.report.figures import check_can_draw

        check_can_draw(plot)
    rows = tables.Rows(space, campaign, tables.options(context), tables.shape(batch_size, seq_len), quantity)
    if is_store(source):
        unused = OF_TABLES if plot is not None else (*OF_TABLES, "drift")
        refuse_unused(context, unused, "on a campaign, whose rows have roles")
        model = model if "model" in given(context) else "all"
    data, sources = tables.read(source, rows, prior)
    document = _evaluated(data, source, model, train, split, seeds, drift, sources)
    if plot is not None:
        _draw(data, "lut" if model == "all" else model, train, drift, plot)
    if not console.write_json(document, json):
        _show(document)


def _check_names(model: str, split: str, drift: str) -> None:
    """Refuses unknown names before anything is read.

    Raises:
        UsageError: When one is unknown.
    """
    from hwcost.cost_models import COST_MODELS

    _check("drift", drift, ("auto", "none"))
    _check("split", split, ("ordered", "random"))
    if model != "all":
        COST_MODELS.load(model)


def _evaluated(
    data: Data, source: str, model: str, train: float, split: str, seeds: int, drift: str, prior: list[Source]
) -> dict[str, Any]:
    """Evaluates a campaign by its roles and a table by splits, and says how far it is where that takes long."""
    from hwcost.cost_models.data import is_store
    from hwcost.cost_models.evaluation.evaluate import evaluate as evaluate_table
    from hwcost.cost_models.evaluation.evaluate import evaluate_roles

    with patient(_fitted) as update:
        if is_store(source):
            return evaluate_roles(data, model, update, prior)
        return evaluate_table(data, model, train, split, seeds, drift, update, prior)  # type: ignore[arg-type]


def _fitted(state: Fitted) -> ProgressText:
    line = f"{state.done} of {state.total} fits, the last of {state.model}"
    return ProgressText(state.done, state.total, state.model, line)


def _check(option: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise UsageError(f"unknown --{option} '{value}'. Known: {', '.join(known)}")


def metric_cells(view: dict[str, Any], names: Sequence[str]) -> list[str]:
    """Formats metrics for a table; a dash where one is undefined."""
    return ["-" if view[name] is None else f"{view[name]:.{DIGITS.get(name, 2)}f}" for name in names]


def _show(document: dict[str, Any]) -> None:
    for key, what in (("models", "held-out rows"), ("uniform", "uniformly drawn architectures")):
        if key in document:
            _table(document[key], f"{document['file']}: {document['space']}, {what}")


def _table(reports: dict[str, Any], title: str) -> None:
    first = next(iter(reports.values()))
    rows = []
    for name, report in reports.items():
        label = f"{name} ({report['chosen']})" if report["chosen"] else name
        rows.append([label, *metric_cells(report["as_measured"], list(COLUMNS.values())), f"{report['seconds_fit']:.2f}"])
        if report["reference_state"] != report["as_measured"]:
            rows.append([f"{name}, reference state", *metric_cells(report["reference_state"], list(COLUMNS.values())), ""])
        if "rolling" in report:
            rows.append([f"{name}, rolling", *metric_cells(report["rolling"], list(COLUMNS.values())), ""])
    footer = f"Fitted on {first['n_train']} rows, tested on {first['n_test']}."
    if (first["architectures_train"], first["architectures_test"]) != (first["n_train"], first["n_test"]):
        footer += (
            f" These are {first['architectures_train']} and {first['architectures_test']} different architectures; "
            "none is on both sides."
        )
    console.print_table(title, ["model", *COLUMNS, "fit (s)"], rows, footer)


def _draw(data: Data, model: str, train: float, drift: str, path: Path) -> None:
    """Draws what a fit on the first random split predicts for the rows it has not seen."""
    from hwcost.cost_models.evaluation.evaluate import held_out
    from hwcost.report import figures

    measured, predicted = held_out(data, model, train, drift=drift)  # type: ignore[arg-type]
    figure, ax = figures.new_figure()
    title = f"{model} on {Path(data.source).name}, held-out rows"
    figures.fitness(ax, measured, predicted, title, unit=unit_of(data.quantity))
    written = figures.save(figure, path)
    console.note("wrote " + ", ".join(str(one) for one in written))
