"""``hwcost fit``: a cost model from a campaign or from a table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwcost.cli import console, tables
from hwcost.cli.given import refuse_unused
from hwcost.files import check_writable
from hwcost.quantities import LATENCY

if TYPE_CHECKING:
    from hwcost.cost_models.base import CostModel
    from hwcost.cost_models.checks.sanity import Sanity
    from hwcost.cost_models.data import Data
    from hwcost.cost_models.training.train import Trained
    from hwcost.spaces.base import GeneValue

OF_NETS = (
    "campaign", "batch_size", "seq_len", "drift", "categorical", "increasing", "run_column", "latency", "keep", "drop", "id",
    "monotone", "quantity",
)  # fmt: skip
"""Options of tables and campaigns whose rows are whole nets."""
DOUBTS = 3
"""Doubted measurements that are named."""

MANY_QUICKER = 0.1
"""Share of the rows of a table that a quicker level of the machine holds for it to be named."""


Model = Annotated[
    str, typer.Option("--model", "-m", help="Cost model: auto, lut, polynomial, hybrid, lightgbm, xgboost, ridge, ...")
]
Operators = Annotated[
    bool,
    typer.Option("--operators", help="Read the table as one of operators by name; --space says which make an architecture."),
]
Monotone = Annotated[
    bool,
    typer.Option(
        "--monotone/--no-monotone",
        help="Never call larger genes faster, where the space says so (auto, lightgbm, xgboost; hybrid over shapes).",
    ),
]
Plot = Annotated[bool, typer.Option("--plot/--no-plot", help="Draw predicted against measured values.")]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("fit")(fit)


def fit(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="STORE|TABLE", help="A campaign's store, or a table of latencies.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the model.")],
    space: tables.Space = None,
    model: Model = "hybrid",
    campaign: tables.Campaign = None,
    batch_size: tables.BatchSize = None,
    seq_len: tables.SeqLen = None,
    quantity: tables.Quantity = LATENCY,
    prior: tables.Prior = None,
    operators: Operators = False,
    drift: tables.Drift = "auto",
    categorical: tables.Categorical = "",
    increasing: tables.Increasing = "",
    run_column: tables.RunColumn = None,
    latency: tables.Latency = None,
    unit: tables.Unit = None,
    keep: tables.Keep = "",
    drop: tables.Drop = "",
    id: tables.Id = None,
    monotone: Monotone = True,
    plot: Plot = True,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Fit a cost model and write it as a folder of plain data.

    The printed metrics come from cross-validation: every row is predicted by a fit that has not seen it. Only measurements
    with the role 'fit' are used.
    """
    from hwcost.cost_models.data import is_store

    check_writable(out, "--out another folder", is_folder=True)
    if prior:
        refuse_unused(context, ["model", "monotone", "operators"], "with --prior, which makes the cost model 'prior'")
    if operators:
        if model != "lut":
            refuse_unused(context, ["model"], f"with --operators, which makes a lookup table (lut), not {model}")
        refuse_unused(context, OF_NETS, "with --operators")
        _operators(source, out, space, model, unit or None, json)
        return
    if is_store(source):
        refuse_unused(context, ["drift"], "on a campaign, whose rounds take the machine's level out")
    rows = tables.Rows(space, campaign, tables.options(context), tables.shape(batch_size, seq_len), quantity)
    with _steps():
        found = _with_prior(source, prior, rows, drift) if prior else _trained(source, rows, model, drift, monotone)
    _keep(*found, out, plot, json)


@contextmanager
def _steps() -> Iterator[None]:
    """Shows the steps of the fits within, where they take long: a bar on a terminal, a line for each model elsewhere."""
    from hwcost.cli.progress import ProgressText, patient
    from hwcost.cost_models.training.steps import Step, following

    def describe(step: Step) -> ProgressText:
        text = f"{step.model}: rows left out in turn"
        return ProgressText(step.done, step.total, text, f"{text}, {step.done} of {step.total} parts done", step.model)

    with patient(describe) as update, following(update):
        yield


def _trained(source: str, rows: tables.Rows, model: str, drift: str, monotone: bool) -> tuple[Data, Trained]:
    """Reads rows and fits a cost model on them."""
    from hwcost.cost_models.training.train import train

    data, _ = tables.read(source, rows)
    held: dict[str, Any] = {} if monotone else {"monotone": False}
    return data, train(data, model, drift, **rows.shape, **held)  # type: ignore[arg-type]


def _keep(data: Data, result: Trained, out: Path, plot: bool, json: str | None) -> None:
    """Writes the model, its figures and the document, or prints the tables."""
    from hwcost.cost_models.checks.sanity import enlargements

    result.model.save(out)
    console.note(f"wrote {out}")
    if plot:
        _draw(result, out)
    tables.say(result.model.provenance.get("doubts", ()))
    sanity = enlargements(result.model)
    if not console.write_json(_document(result, sanity, data, out), json):
        _show(result, sanity)


def _with_prior(source: str, prior: list[str], rows: tables.Rows, drift: str) -> tuple[Data, Trained]:
    """Fits on a few rows and models of other devices; says where the interval is wide."""
    from hwcost.cost_models.priors.fit import train_with_prior, warning

    data, sources = tables.read(source, rows, prior)
    result = train_with_prior(data, sources, drift, rows.shape)  # type: ignore[arg-type]
    if (text := warning(result)) is not None:
        console.note(text)
    return data, result


def _operators(source: str, out: Path, space: str | None, model: str, unit: str | None, json: str | None) -> None:
    """Makes a lookup table of a table of operator latencies."""
    from hwcost.cost_models.families.operators import lookup_table
    from hwcost.errors import UsageError
    from hwcost.spaces import space as make_space
    from hwcost.units import format_seconds

    if space is None or model not in ("hybrid", "lut"):
        raise UsageError("--operators makes a lookup table (--model lut) of a space that declares operators: give --space")
    made = lookup_table(make_space(space), source, unit)
    made.save(out)
    for text in made.provenance["remarks"]:
        console.note(text)
    console.note(f"wrote {out}")
    document = {"source": source, "space": made.space.name, "model": made.name, "out": str(out)}
    if not console.write_json({**document, "provenance": made.provenance, "component_s": made.component_s_}, json):
        rows = [[name, format_seconds(seconds)] for name, seconds in made.component_s_.items()]
        footer = "An architecture costs the sum of its operators; only whole models can show how well they add up."
        console.print_table(f"{len(rows)} operators of space {made.space.name}", ["operator", "latency"], rows, footer)


def _document(result: Trained, sanity: Sanity | None, data: Data, out: Path) -> dict[str, Any]:
    from hwcost.spaces.shaped import unshaped

    model = result.model
    return {
        "source": data.source,
        "space": unshaped(model.space).name,
        "over_shapes": _shapes_of(model),
        "model": model.name,
        "quantity": model.quantity,
        "unit": model.unit,
        "chosen": model.chosen,
        "out": str(out),
        "n_rows": model.n_rows_,
        "n_architectures": model.n_architectures_,
        "metrics": result.metrics,
        "interval_90": None if model.log_interval_half_width_ is None else {"half_width": model.log_interval_half_width_},
        "doubts": [{"arch": _key(model, genes), "why": why} for genes, why in model.doubts_.items()],
        "monotone": model.monotone_,
        "enlargements_faster": None if sanity is None else sanity.as_dict(),
        "importance": model.importance(),
        "provenance": model.provenance,
        "remarks": [*data.remarks, *model.provenance.get("doubts", ())],
    }


def _show(result: Trained, sanity: Sanity | None) -> None:
    from hwcost.cli.evaluate import COLUMNS, metric_cells
    from hwcost.spaces.shaped import unshaped
    from hwcost.units import format_half_width, format_percent

    model = result.model
    name = f"{model.name} ({model.chosen})" if model.chosen else model.name
    is_priced, is_repeated = model.provenance.get("priced_by") == "components", model.n_architectures_ < model.n_rows_
    how = "Components, checked on" if is_priced else "Cross-validated on"
    nets = f" ({model.n_architectures_} architectures)" if is_repeated else ""
    what = "" if model.quantity == LATENCY else f"{model.quantity}: "
    title = f"{what}{how} {model.n_rows_} rows{nets} of space {unshaped(model.space).name}{_over(model)}"
    few = f"none, because {model.n_architectures_} different architectures are too few"
    why = "none, because components alone do not give one" if is_priced else few
    half = why if model.log_interval_half_width_ is None else format_half_width(model.log_interval_half_width_, sign="±")
    columns = [column for column, key in COLUMNS.items() if result.metrics[key] is not None]
    cells = metric_cells(result.metrics, [COLUMNS[column] for column in columns])
    lines = [
        f"90 % interval: {half}", _drift_line(model), _shrunk_line(model), *_doubt_lines(model), _sanity_line(model, sanity),
    ]  # fmt: skip
    footer = "\n".join(line for line in lines if line)
    console.print_table(title, ["model", *columns], [[name, *cells]], footer)
    shares = sorted(model.importance().items(), key=lambda item: -item[1])[:12]
    if shares:
        is_prior = "prior" in model.provenance
        head = ("Resemblance", ["source", "probability"]) if is_prior else ("Importance", ["feature", "share"])
        console.print_table(*head, [[n, format_percent(s, 1)] for n, s in shares])


def _shapes_of(model: CostModel) -> dict[str, list[float]] | None:
    """Smallest and largest batch size and sequence length of a model over shapes; None for any other."""
    from hwcost.spaces.shaped import Shaped

    if not isinstance(model.space, Shaped):
        return None
    return {name: list(ends) for name, ends in model.domain_.shape_reach.items()}


def _over(model: CostModel) -> str:
    """Says over which shapes a model is; empty for a model of one shape."""
    reach = _shapes_of(model)
    if reach is None:
        return ""
    (least_batch, most_batch), (shortest, longest) = reach.values()
    return f", batch {least_batch:g} to {most_batch:g}, {shortest:g} to {longest:g} tokens"


def _drift_line(model: CostModel) -> str:
    """Says that the machine's level moved and was taken out; empty where it was not."""
    from hwcost.cost_models.training.doubts import FAR_LEVEL, OTHER_SETTING
    from hwcost.units import format_percent

    drift = model.provenance.get("drift")
    if drift is None:
        return ""
    moved = format_percent(drift["level_range"], 1)
    text = f"The machine's level moved by {moved} over the rows ({drift['kind']}); predictions are for its median level."
    if drift["quicker_share"] >= MANY_QUICKER:
        share, by = format_percent(drift["quicker_share"], 0), format_percent(drift["quicker_by"], 0)
        text = f"{text} {share} of the rows are at one {by} quicker, the machine's own where something slowed the others."
    return f"{text} {OTHER_SETTING}" if "steps" in drift["kind"] and drift["level_range"] >= FAR_LEVEL else text


def _shrunk_line(model: CostModel) -> str:
    """Names the components whose measured price was replaced by a positive one; empty where none was."""
    from hwcost.units import format_seconds

    shrunk = model.provenance.get("shrunk", {})
    if not shrunk:
        return ""
    prices = [(name, format_seconds(one["measured_s"]), format_seconds(one["used_s"])) for name, one in shrunk.items()]
    moves = [f"{name} {measured} to {used}" for name, measured, used in prices]
    return f"Prices moved to positive ones within their intervals: {'; '.join(moves)}"


def _doubt_lines(model: CostModel) -> list[str]:
    """Says which architectures are answered by the model although they were measured, and why; the first few of them."""
    named = [f"The model answers for {_key(model, genes)}: {why}." for genes, why in model.doubts_.items()]
    more = len(named) - DOUBTS
    rest = [f"It also answers for {more} more measured architectures; --json lists them."] if more > 0 else []
    return [*named[:DOUBTS], *rest]


def _key(model: CostModel, genes: tuple[GeneValue, ...]) -> str:
    return model.space.key(model.space.made(genes))


def _sanity_line(model: CostModel, sanity: Sanity | None) -> str:
    """Says how often the model calls an enlargement faster; empty where the space does not say what an enlargement is."""
    from hwcost.units import format_percent

    if sanity is None:
        return ""
    held = f"; held never to fall along {len(model.monotone_)} columns" if model.monotone_ else ""
    return (
        f"Single-step enlargements called faster: {format_percent(sanity.share_faster, 1)} of {sanity.n_steps}, "
        f"by more than 1 %: {format_percent(sanity.share_notable, 1)}{held}"
    )


def _draw(result: Trained, out: Path) -> None:
    """Draws the figures; where matplotlib is missing, says so and goes on."""
    from hwcost.errors import MissingExtraError
    from hwcost.report import figures
    from hwcost.spaces.shaped import unshaped

    try:
        figure, ax = figures.new_figure()
    except MissingExtraError as error:
        console.note(f"no figure: {error}")
        return
    title = f"{result.model.name} on {unshaped(result.model.space).name}, cross-validated"
    figures.fitness(ax, result.measured, result.left_out, title, unit=result.model.unit)
    written = figures.save(figure, out / "fitness")
    shares = result.model.importance()
    if any(shares.values()):
        figure, ax = figures.new_figure(5.2, 1.2 + 0.26 * min(17, len(shares)))
        figures.importance(ax, shares)
        written += figures.save(figure, out / "importance")
    console.note("wrote " + ", ".join(str(path) for path in written))
