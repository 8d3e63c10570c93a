"""``hwcost supernet``: train the nets of a whole space at once, evaluate them, and extract them one by one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwcost.cli import console
from hwcost.cli.supernet_tokens import tokens
from hwcost.cli.supernet_train import resume, train
from hwcost.cli.torch_device import Device, check_device, check_torch
from hwcost.errors import UsageError

if TYPE_CHECKING:
    from hwcost.spaces import Architecture
    from hwcost.supernets.run import Run

app = typer.Typer(help="Train elastic supernets, evaluate their subnets, and extract them.", no_args_is_help=True)
app.command()(train)
app.command()(resume)
app.command()(tokens)

Folder = Annotated[str, typer.Argument(metavar="DIR", help="Folder of a training.")]


@app.command("eval")
def evaluate(
    folder: Folder,
    arch: Annotated[list[str] | None, typer.Option("--arch", help="Architecture; repeatable.")] = None,
    number: Annotated[
        int, typer.Option("-n", help="Number of architectures, spread over sizes, without --arch.")
    ] = 8,
    device: Device = "cpu",
    seed: console.Seed = 0,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Show the perplexity of subnets on held-out text, with the weights that they inherit."""
    check_device(device)
    from hwcost.supernets.diagnostics import perplexities
    from hwcost.supernets.process_group import launched
    from hwcost.supernets.run import Run

    with launched(device) as group:
        run = Run.open(folder, device)
        net = run.trained()
        archs = [net.space.parse(text) for text in arch or ()] or _spread(run, number, seed)
        found = perplexities(net, archs, run.held_out())
    if not group.is_first:
        return
    rows = [
        {"arch": net.space.key(one), "params": net.space.params(one), "perplexity": value}
        for one, value in zip(archs, found, strict=True)
    ]
    if not console.write_json({"folder": folder, "space": net.space.name, "subnets": rows}, json):
        cells = [[row["arch"], f"{row['params']:,}", f"{row['perplexity']:.2f}"] for row in rows]
        console.print_table(f"Subnets of {folder}", ["architecture", "parameters", "perplexity"], cells)


@app.command()
def extract(
    folder: Folder,
    arch: Annotated[str, typer.Option("--arch", help="Architecture.")],
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Folder for weights, description and source.")],
    head: Annotated[
        str | None, typer.Option("--head", help="Head: mlm, pooler or none.", show_default="as the space is measured")
    ] = None,
    onnx: Annotated[
        str | None, typer.Option("--onnx", metavar="FILE", help="ONNX file to write too, for one sequence.")
    ] = None,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Extract a subnet as a plain net with weights of its own, which runs without hwcost."""
    check_torch()
    from hwcost.files import writing
    from hwcost.supernets import subnet
    from hwcost.supernets.run import Run

    run = Run.open(folder)
    net = run.trained()
    point = net.space.parse(arch)
    if onnx is not None:
        _make_room(Path(onnx))
    net.save(point, out, head)
    with writing(Path(out)):
        run.tokenizer.save(out)
    model = subnet.load(out)
    if onnx is not None:
        _export(run, model, Path(onnx))
    params = sum(parameter.numel() for parameter in model.parameters())
    about = {"space": net.space.name, "options": net.space.options(), "arch": net.space.key(point)}
    if not console.write_json({**about, "folder": out, "onnx": onnx, "params": params}, json):
        typer.echo(f"{out}: {net.space.key(point)}, {params:,} parameters" + (f"; {onnx}" if onnx else ""))


@app.command()
def info(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Folder of a training, or of an extracted net.")],
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Show what a folder holds: a training and its progress, or a net."""
    check_torch()
    from hwcost.supernets import subnet

    if (Path(folder) / subnet.CONFIG).exists():
        document = {name: value for name, value in subnet.describe(folder).items() if name != "schema_version"}
        rows = [[name, str(document.get(name, ""))] for name in ("space", "options", "arch")]
        rows += [["net", document["net"]["name"]]]
    else:
        from hwcost.supernets.run import Run

        run = Run.open(folder)
        document = {**run.settings.flat(), "steps_done": run.steps_done()}
        rows = [[name, str(value)] for name, value in document.items()]
    if not console.write_json({"folder": folder, **document}, json):
        console.print_table(folder, ["what", "value"], rows)


def _spread(run: Run, number: int, seed: int) -> list[Architecture]:
    """Returns the smallest and the largest subnet, and others spread over sizes between them."""
    net = run.supernet
    between = net.space.sample(number, seed=seed, design="spread") if number else []
    return [net.smallest(), *(one for one in between if one not in (net.smallest(), net.largest())), net.largest()]


def _make_room(path: Path) -> None:
    """Makes the folder of a file, or says that there can be none, before anything else is written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder '{path.parent}': {error.strerror}. Give --onnx another file") from None
    if path.is_dir():
        raise UsageError(f"'{path}' is a folder. Give --onnx a file, such as {path / 'model.onnx'}")


def _export(run: Run, model: Any, path: Path) -> None:
    import torch

    from hwcost.backends.onnx_module import export_module
    from hwcost.files import writing
    from hwcost.workloads import builder

    described = builder(run.supernet.space).model_inputs(1, run.settings.recipe.seq_len)
    inputs = {name: torch.ones(one.shape, dtype=torch.long) for name, one in described.items()}
    with writing(path):
        export_module(model, inputs, path)
