"""``hwcost supernet``: train the nets of a whole space at once, judge them, and take them out one by one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwcost.cli import console
from hwcost.cli.progress import ProgressText, progress
from hwcost.errors import UsageError

if TYPE_CHECKING:
    from hwcost.spaces.base import Architecture, SearchSpace
    from hwcost.supernets.recipe import Recipe
    from hwcost.supernets.run import Run
    from hwcost.supernets.sampling import Allowed
    from hwcost.supernets.training import Progress

app = typer.Typer(help="Train elastic supernets, judge their subnets, and take them out.", no_args_is_help=True)

Folder = Annotated[str, typer.Argument(metavar="DIR", help="Folder of a training.")]
Device = Annotated[str, typer.Option("--device", "-d", help="Where torch computes: cpu or cuda.")]


@app.command()
def train(
    space: Annotated[str, typer.Argument(help="Space, options behind it: supershaper:scale=mini.")],
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Folder of the training; the same command goes on.")],
    corpus: Annotated[
        str, typer.Option("--corpus", metavar="PATH", help="stdlib, text files, or a data set on disk.")
    ] = "stdlib",
    recipe: Annotated[str, typer.Option("--recipe", help="Settings by name, such as mini or supershaper-paper.")] = "mini",
    scale_steps: Annotated[float, typer.Option("--scale-steps", help="Multiplies the recipe's steps.")] = 1.0,
    steps: Annotated[int | None, typer.Option("--steps", help="Steps, instead of the recipe's.")] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", help="Sequences of a step.")] = None,
    seq_len: Annotated[int | None, typer.Option("--seq-len", help="Tokens of a sequence.")] = None,
    accumulate: Annotated[int | None, typer.Option("--accumulate", help="Micro batches of a step.")] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", help="At its peak.")] = None,
    dtype: Annotated[str | None, typer.Option("--dtype", help="float32, or bfloat16 for mixed precision.")] = None,
    sampling: Annotated[str | None, typer.Option("--sampling", help="sandwich or uniform.")] = None,
    random: Annotated[int | None, typer.Option("--random", help="Random subnets of a step.")] = None,
    backbone: Annotated[
        str | None, typer.Option("--backbone", metavar="DIR", help="A BERT, or a saved net, that the weights start from.")
    ] = None,
    teacher: Annotated[
        str | None, typer.Option("--teacher", metavar="DIR", help="A BERT, or a saved net, whose relations are learnt.")
    ] = None,
    relation: Annotated[
        str | None, typer.Option("--relation", help="With --teacher: softmax-mse, logits-mse or softmax-kl.")
    ] = None,
    limit: Annotated[
        list[str] | None, typer.Option("--limit", metavar="'WHAT<=VALUE'", help="Train only subnets within: params<=66M.")
    ] = None,
    save_every: Annotated[int, typer.Option("--save-every", help="Steps between checkpoints.")] = 200,
    threads: Annotated[int | None, typer.Option("--threads", help="Threads of torch. [default: torch's own]")] = None,
    device: Device = "cpu",
    seed: console.Seed = 0,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Train a supernet, by masked language modelling or by a teacher's relations.

    Every step runs several subnets on the same text and sums their gradients. Ctrl-C is safe: the same command goes on from
    the last checkpoint and ends in the same weights.
    """
    from hwcost.spaces import space as make_space
    from hwcost.supernets.recipe import recipe as recipe_of
    from hwcost.supernets.run import Run, Settings
    from hwcost.timing.timer import stopwatch

    changes = {
        "steps": steps, "batch_size": batch_size, "seq_len": seq_len, "accumulate": accumulate, "dtype": dtype,
        "learning_rate": learning_rate, "sampling": sampling, "random": random, "relation": relation,
    }  # fmt: skip
    _prepare(device, threads)
    how = _changed(recipe_of(recipe).scaled(scale_steps), changes)
    of = make_space(space)
    settings = Settings(of.name, of.options(), how, corpus, seed, backbone, teacher, tuple(limit or ()))
    run = Run.start(out, settings, device, _within(of, how.seq_len, limit or ()))
    spent = stopwatch()
    with progress(_told) as update:
        done = run.train(update, save_every)
    speed = done.tokens / spent() if done.steps else None
    document = {
        "folder": out, "steps": how.steps, "steps_now": done.steps, "tokens_now": done.tokens, "tokens_per_s": speed,
        "peak_memory_bytes": _peak_memory(device), "losses": done.last.losses if done.last else None,
    }  # fmt: skip
    if not console.write_json(document, json):
        took = f", {speed:,.0f} tokens/s, {_peak_memory(device) / 2**30:.2f} GiB at the most" if speed else ""
        typer.echo(f"{out}: {how.steps} steps, {done.steps} of them now{took}")


@app.command("eval")
def evaluate(
    folder: Folder,
    arch: Annotated[list[str] | None, typer.Option("--arch", help="One architecture; may be repeated.")] = None,
    number: Annotated[int, typer.Option("-n", help="Architectures spread over sizes, where none is given.")] = 8,
    device: Device = "cpu",
    seed: console.Seed = 0,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Show the perplexity of subnets on held-out text, with the weights they inherit."""
    _prepare(device, None)
    from hwcost.supernets.diagnostics import perplexities
    from hwcost.supernets.run import Run

    run = Run.open(folder, device)
    net = run.trained()
    archs = [net.space.parse(text) for text in arch or ()] or _ladder(run, number, seed)
    found = perplexities(net, archs, run.held_out())
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
    arch: Annotated[str, typer.Option("--arch", help="The architecture.")],
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Folder for weights, description and source.")],
    head: Annotated[
        str | None, typer.Option("--head", help="mlm, pooler or none. [default: as the space is measured]")
    ] = None,
    onnx: Annotated[
        str | None, typer.Option("--onnx", metavar="FILE", help="Also write an ONNX file, for one sequence.")
    ] = None,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Take a subnet out as a plain net with weights of its own, which runs without hwcost."""
    _prepare("cpu", None)
    from hwcost.supernets import subnet
    from hwcost.supernets.run import Run
    from hwcost.supernets.schema import writing

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
        _export(run, model, onnx)
    params = sum(parameter.numel() for parameter in model.parameters())
    about = {"space": net.space.name, "options": net.space.options(), "arch": net.space.key(point)}
    if not console.write_json({**about, "folder": out, "onnx": onnx, "params": params}, json):
        typer.echo(f"{out}: {net.space.key(point)}, {params:,} parameters" + (f"; {onnx}" if onnx else ""))


@app.command()
def info(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Folder of a training, or of a net that was taken out.")],
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Show what a folder holds: a training and how far it is, or a net."""
    _prepare("cpu", None)
    from hwcost.supernets import subnet
    from hwcost.supernets.run import Run

    if (Path(folder) / subnet.CONFIG).exists():
        document = {name: value for name, value in subnet.describe(folder).items() if name != "schema_version"}
        rows = [[name, str(document.get(name, ""))] for name in ("space", "options", "arch")]
        rows += [["net", document["net"]["name"]]]
    else:
        run = Run.open(folder)
        document = {**run.settings.flat(), "steps_done": run.steps_done()}
        rows = [[name, str(value)] for name, value in document.items()]
    if not console.write_json({"folder": folder, **document}, json):
        console.print_table(folder, ["what", "value"], rows)


def _ladder(run: Run, number: int, seed: int) -> list[Architecture]:
    """Returns the smallest and the largest subnet, and others spread over sizes between them."""
    net = run.supernet
    between = net.space.sample(number, seed=seed, design="spread") if number else []
    return [net.smallest(), *(one for one in between if one not in (net.smallest(), net.largest())), net.largest()]


def _within(space: SearchSpace, seq_len: int, limits: Sequence[str]) -> Allowed | None:
    """Returns what says whether architectures keep limits; None where there are none."""
    if not limits:
        return None
    import numpy as np

    from hwcost.cli.search_spec import SearchSpec

    spec = SearchSpec(space, seq_len)
    spec.read_models((), limits)
    checks = [spec.constraint(text, None) for text in limits]
    return lambda archs: np.all([check.feasible(archs) for check in checks], axis=0)


def _changed(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    from dataclasses import replace

    given = {name: value for name, value in changes.items() if value is not None}
    if "steps" in given:
        given["warmup_steps"] = min(recipe.warmup_steps, max(0, given["steps"] - 1))
    return replace(recipe, **given)


def _prepare(device: str, threads: int | None) -> None:
    """Checks that torch can compute there, and sets its threads."""
    try:
        import torch
    except ImportError:
        from hwcost.errors import MissingExtraError

        raise MissingExtraError("torch", "torch") from None
    from hwcost.errors import DeviceError

    if device not in ("cpu", "cuda"):
        raise UsageError(f"torch computes on cpu or cuda here, got '{device}'")
    if device == "cuda" and not torch.cuda.is_available():
        raise DeviceError("no CUDA device is here, or torch was built without CUDA; --device cpu works everywhere")
    if threads is not None:
        if threads < 1:
            raise UsageError(f"torch needs at least one thread, got {threads}")
        torch.set_num_threads(threads)


def _peak_memory(device: str) -> int:
    """Returns the most memory that was taken: of the GPU, or of this process."""
    if device == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated())
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _make_room(path: Path) -> None:
    """Makes the folder of a file, or says that there can be none, before anything else is written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder '{path.parent}': {error.strerror}. Give --onnx another file") from None
    if path.is_dir():
        raise UsageError(f"'{path}' is a folder. Give --onnx a file, such as {path / 'model.onnx'}")


def _export(run: Run, model: Any, path: str) -> None:
    import torch

    from hwcost.backends.onnx_export import export_module
    from hwcost.supernets.schema import writing
    from hwcost.workloads import builder

    described = builder(run.supernet.space).model_inputs(1, run.settings.recipe.seq_len)
    inputs = {name: torch.ones(one.shape, dtype=torch.long) for name, one in described.items()}
    with writing(Path(path)):
        export_module(model, inputs, Path(path))


def _told(state: Progress) -> ProgressText:
    return ProgressText(state.done, state.total, _losses(state), f"step {state.done} of {state.total}: {_losses(state)}")


def _losses(state: Progress) -> str:
    return ", ".join(f"{name} {loss:.3f}" for name, loss in state.losses.items())
