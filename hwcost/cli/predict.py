"""``hwcost predict``: what architectures cost, by a fitted model or by a rough estimate from data sheets."""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwcost.cli import console, tables
from hwcost.cli.given import refuse_unused
from hwcost.errors import ArchitectureError, DataError, UsageError
from hwcost.quantities import LATENCY

SIZES = ("batch_size", "seq_len")
"""Sizes of a shape, as documents name them."""

JSON = (".json", ".jsonl", ".ndjson")
"""Ends of the names of files that may hold one object."""

if TYPE_CHECKING:
    from hwcost.cost_models.base import CostModel
    from hwcost.exchange.sheet import Sheet
    from hwcost.spaces.base import Architecture, SearchSpace


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("predict")(predict)


def predict(
    context: typer.Context,
    folder: Annotated[str | None, typer.Argument(metavar="DIR", help="A folder that 'hwcost fit' wrote.")] = None,
    arch: Annotated[
        list[str] | None,
        typer.Option(
            "--arch", help="Architecture, such as 360_360_..., width=360,depth=12 or a JSON object; may be repeated."
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option("--file", metavar="FILE|-", help="Architectures, one a line; or a table (.csv, .json, ...) of them."),
    ] = None,
    use_measured: Annotated[
        bool, typer.Option("--use-measured/--model-only", help="Answer with the measurement where there is one to trust.")
    ] = True,
    roofline: Annotated[bool, typer.Option("--roofline", help="No model: estimate from the device's data sheet.")] = False,
    device: Annotated[str | None, typer.Option("--device", "-d", help="Device profile, for --roofline.")] = None,
    space: Annotated[str | None, typer.Option("--space", help="Search space, for --roofline.")] = None,
    batch_size: Annotated[
        str | None,
        typer.Option(
            "--batch-size", metavar="N[,N...]", help="Sequences per call, for a model over shapes or --roofline.",
            show_default="the model's own, 1 with --roofline",
        ),
    ] = None,
    seq_len: Annotated[
        str | None,
        typer.Option(
            "--seq-len", metavar="N[,N...]", help="Tokens per sequence, for a model over shapes or --roofline.",
            show_default="the model's own, 128 with --roofline",
        ),
    ] = None,
    dtype: Annotated[
        str, typer.Option("--dtype", help="Number format, for --roofline: float32, bfloat16 or float16.")
    ] = "float32",
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Predict the latency of architectures.

    A fitted model gives a 90 % interval and says whether an architecture lies within what was measured. --roofline needs no
    model; it is a rough estimate, not a measurement.
    """
    from hwcost.cost_models import load
    from hwcost.cost_models.unconfirmed_level import UnconfirmedLevel

    shapes = _shapes(batch_size, seq_len)
    if not roofline:
        refuse_unused(context, ("device", "space", "dtype"), "without --roofline")
    if roofline:
        models = [_roofline(folder, device, space, dtype, *shape) for shape in shapes]
        fitted = models[0]
    elif folder is None:
        raise UsageError("give a folder that 'hwcost fit --out' wrote, or --roofline with --device and --space")
    else:
        fitted = load(folder)
        models = [fitted.at(*shape) for shape in shapes]
    archs, remarks = _architectures(models[0].space, arch, file)
    level = UnconfirmedLevel.in_provenance(fitted.provenance)
    remarks += [str(level)] if level else []
    tables.say(remarks)
    document = {**_joined([answers(model, archs, use_measured, fitted) for model in models]), "remarks": remarks}
    if roofline:
        document = {"estimate": fitted.provenance["label"], **document}
        console.note(f"{fitted.provenance['device']}: {fitted.provenance['label']}")
    if not console.write_json(document, json):
        by_model = f"Predicted by {fitted.name}{'' if models == [fitted] else _at(document)}"
        of_device = f"Roofline on {fitted.provenance.get('device')}: {fitted.provenance.get('label')}"
        _show(document, of_device if roofline else by_model)


def _shapes(batch_size: str | None, seq_len: str | None) -> list[tuple[int | None, int | None]]:
    """Returns every batch size that was given at every length; None for one that was not given."""
    from hwcost.campaign.plans.sizes import read_sizes

    sizes = read_sizes(batch_size, "batch size"), read_sizes(seq_len, "sequence length")
    batches, lengths = (one if isinstance(one, tuple) else (one,) for one in sizes)
    return [(batch, length) for batch in batches for length in lengths]


def _joined(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns the document of one shape as it is; of several, one document whose predictions hold their shape."""
    first = documents[0]
    if len(documents) == 1:
        return first
    entries = [
        {**{name: one[name] for name in SIZES if name in one}, **entry}
        for one in documents
        for entry in one["predictions"]
    ]
    return {**{name: value for name, value in first.items() if name not in SIZES}, "predictions": entries}


def _end(value: float) -> float | None:
    """Returns one end of an interval; None where there is no interval."""
    return None if math.isnan(value) else value


def _at(document: dict[str, Any]) -> str:
    """Says at which shape a model over shapes was asked; empty for several."""
    sizes = [f"{name}={document[name]}" for name in SIZES if name in document]
    return f" at {', '.join(sizes)}" if sizes else ""


def answers(model: CostModel, archs: list[Architecture], use_measured: bool, fitted: CostModel) -> dict[str, Any]:
    """Returns the document: one entry per architecture, in order.

    Args:
        model: Cost function of architectures alone.
        archs: The architectures.
        use_measured: Whether measured values answer where there are such.
        fitted: The cost model itself; where it is over shapes, ``model`` is what it is at one of them.
    """
    from hwcost.cost_models.training.measured import MEASURED

    measured = model.with_measured()
    answer = (measured if use_measured else model).predict(archs)
    ends = ("low_s", "high_s") if model.quantity == LATENCY else ("low", "high")
    entries = [
        {
            "arch": model.space.key(one),
            model.quantity: float(answer.values[i]),
            ends[0]: _end(float(answer.low[i])),
            ends[1]: _end(float(answer.high[i])),
            "in_domain": bool(answer.in_domain[i]),
            "source": MEASURED if use_measured and measured.source(one) == MEASURED else fitted.name,
            "doubt": measured.doubt(one) if use_measured else None,
        }
        for i, one in enumerate(archs)
    ]
    about: dict[str, Any] = {"model": fitted.name, "chosen": fitted.chosen, "space": model.space.name}
    about |= {name: model.provenance[name] for name in SIZES if name in model.provenance}
    return {**about, "quantity": model.quantity, "unit": model.unit, "predictions": entries}


def _roofline(
    folder: str | None, device: str | None, space: str | None, dtype: str, batch_size: int | None, seq_len: int | None
) -> CostModel:
    from hwcost.cost_models.families.roofline import Roofline
    from hwcost.devices import resolve
    from hwcost.spaces import space as make_space

    if folder is not None or device is None or space is None:
        raise UsageError("--roofline takes no folder, and needs --device NAME and --space NAME")
    shape = {"batch_size": batch_size or 1, "seq_len": seq_len or 128}
    model = Roofline.of_device(make_space(space), resolve(device), dtype, **shape)
    model.provenance |= shape
    return model


def _architectures(space: SearchSpace, arch: list[str] | None, file: str | None) -> tuple[list[Architecture], list[str]]:
    """Returns the architectures that were given, and the decisions about the columns of a table of them."""
    from hwcost.exchange.delimited import read_delimited
    from hwcost.exchange.sources import is_table_name, read_sheet

    made = [space.as_architecture(text) for text in arch or []]
    is_table = file is not None and is_table_name(file)
    text = "" if file is None else _json_of(file) if is_table else _read(file)
    single = _single_object(space, text)
    if single is not None:
        return [*made, space.as_architecture(single)], []
    if file is not None and (is_table or _has_header(space, text)):
        name = "standard input" if file == "-" else file
        found, remarks = _rows(space, read_sheet(file) if is_table else read_delimited(text, name), name)
        return [*made, *found], remarks
    made += [space.as_architecture(line) for line in map(str.strip, text.splitlines()) if line and not line.startswith("#")]
    if not made:
        raise UsageError("no architecture was given; use --arch, or --file with one a line")
    return made, []


def _rows(space: SearchSpace, sheet: Sheet, file: str) -> tuple[list[Architecture], list[str]]:
    """Returns the architectures of the rows of a table, and the decisions about its columns."""
    from hwcost.exchange.marked_numbers import unmarked
    from hwcost.exchange.sources import as_rows
    from hwcost.exchange.time_cells import columns_of_times, in_seconds

    texts, numbers = ([gene.name for gene in space.genes if gene.categorical == which] for which in (True, False))
    sheet = unmarked(sheet, texts)
    if not len(sheet):
        raise DataError(f"{file} names columns and has no rows. Give a row with a value of every gene per architecture.")
    sheet = in_seconds(sheet, set(columns_of_times(sheet, numbers)).intersection(numbers))
    made = []
    for index, row in enumerate(as_rows(sheet)):
        try:
            made.append(space.as_architecture(row))
        except ArchitectureError as error:
            raise DataError(f"{file}: {sheet.at([index])}: {error}") from None
    return made, list(sheet.remarks)


def _json_of(file: str) -> str:
    """Returns the text of a file that is named as JSON; empty for one of another name or encoding, and for a pipe."""
    path = Path(file)
    if path.suffix.lower() not in JSON or not path.is_file():
        return ""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):  # which the reader of tables reports, or reads
        return ""


def _single_object(space: SearchSpace, text: str) -> dict[str, Any] | None:
    """Returns the values of a text that is one JSON object with a value of every gene by name; None for all other texts."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    is_one = isinstance(found, dict) and all(isinstance(found.get(gene.name), int | float | str) for gene in space.genes)
    return found if is_one else None


def _has_header(space: SearchSpace, text: str) -> bool:
    """Whether the first line of a text names all genes, as that of a table does."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return {gene.name for gene in space.genes} <= {name.strip(' "') for name in re.split("[,;\t|]", first)}


def _read(file: str) -> str:
    try:
        return sys.stdin.read().removeprefix("\ufeff") if file == "-" else Path(file).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{file}: {error.strerror}. Give a text file with one architecture a line.") from None
    except UnicodeDecodeError:
        raise DataError(f"{file} is not UTF-8 text. Give a text file with one architecture a line.") from None


def _show(document: dict[str, Any], title: str) -> None:
    from hwcost.units import format_quantity

    quantity, is_latency = document["quantity"], document["quantity"] == LATENCY
    low, high = ("low_s", "high_s") if is_latency else ("low", "high")
    rows = []
    doubted = [entry for entry in document["predictions"] if entry["doubt"] is not None]
    doubts = [f"{entry['arch']} is answered by the model: {entry['doubt']}." for entry in doubted]
    for entry in document["predictions"]:
        interval = "-" if entry[low] is None else " to ".join(format_quantity(quantity, entry[end]) for end in (low, high))
        domain = "yes" if entry["in_domain"] else "no"
        shape = "@" + "x".join(str(entry[name]) for name in SIZES if name in entry)
        name, value = entry["arch"] + shape.removesuffix("@"), format_quantity(quantity, entry[quantity])
        rows.append([name, value, interval, domain, entry["source"]])
    heading = "latency" if is_latency else quantity
    console.print_table(title, ["architecture", heading, "90 % interval", "in domain", "source"], rows, "\n".join(doubts))
