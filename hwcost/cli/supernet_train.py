"""``hwcost supernet train``: train a supernet by masked language modelling, or by a teacher's relations."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwcost.cli import console
from hwcost.cli.progress import ProgressText, progress
from hwcost.cli.supernet_memory import NoMemoryCheck, Processes, check, show
from hwcost.cli.torch_device import Device, check_device, peak_memory_bytes, set_threads
from hwcost.errors import UsageError

if TYPE_CHECKING:
    from hwcost.spaces import SearchSpace
    from hwcost.supernets.recipe import Recipe
    from hwcost.supernets.run import Run
    from hwcost.supernets.sampling import Allowed
    from hwcost.supernets.training import Progress, Summary

RECIPE = "Recipe"

Space = Annotated[str, typer.Argument(help="Search space; options follow its name: supershaper:scale=mini.")]
Out = Annotated[
    str, typer.Option("--out", metavar="DIR", help="Folder of the training; the same command resumes a training.")
]
CorpusPath = Annotated[
    str, typer.Option("--corpus", metavar="PATH", help="Training text: stdlib, text files, a data set on disk, or tokens.")
]
RecipeName = Annotated[
    str, typer.Option("--recipe", help="Name of a recipe, such as mini or supershaper-paper.", rich_help_panel=RECIPE)
]
ScaleSteps = Annotated[
    float, typer.Option("--scale-steps", help="Factor on the recipe's number of steps.", rich_help_panel=RECIPE)
]
Steps = Annotated[int | None, typer.Option("--steps", help="Number of steps.", rich_help_panel=RECIPE)]
BatchSize = Annotated[
    int | None, typer.Option("--batch-size", help="Number of sequences in a step.", rich_help_panel=RECIPE)
]
SeqLen = Annotated[
    int | None, typer.Option("--seq-len", help="Number of tokens in a sequence.", rich_help_panel=RECIPE)
]
Accumulate = Annotated[
    int | None, typer.Option("--accumulate", help="Number of micro batches in a step.", rich_help_panel=RECIPE)
]
LearningRate = Annotated[
    float | None, typer.Option("--learning-rate", help="Learning rate at its peak.", rich_help_panel=RECIPE)
]
Dtype = Annotated[
    str | None, typer.Option("--dtype", help="float32, or bfloat16 for mixed precision.", rich_help_panel=RECIPE)
]
Sampling = Annotated[
    str | None,
    typer.Option("--sampling", help="Rule that samples subnets: sandwich or uniform.", rich_help_panel=RECIPE),
]
Random = Annotated[
    int | None, typer.Option("--random", help="Number of random subnets in a step.", rich_help_panel=RECIPE)
]
Relation = Annotated[
    str | None,
    typer.Option(
        "--relation", help="Relation loss, with --teacher: softmax-mse, logits-mse or softmax-kl.", rich_help_panel=RECIPE
    ),
]
RelationLayer = Annotated[
    int | None,
    typer.Option(
        "--relation-layer", help="Layer of the teacher to learn from: 1 the first, -1 the last.", rich_help_panel=RECIPE
    ),
]
Layers = Annotated[
    str | None,
    typer.Option(
        "--layers", help="Rule of the layers that shallow nets keep: alternate, top or alternate-top.",
        rich_help_panel=RECIPE,
    ),
]  # fmt: skip
Backbone = Annotated[
    str | None,
    typer.Option("--backbone", metavar="DIR", help="Folder of a BERT, or of a saved net, that the weights start from."),
]
Teacher = Annotated[
    str | None,
    typer.Option("--teacher", metavar="DIR", help="Folder of a BERT, or of a saved net, whose relations are learnt."),
]
Constraints = Annotated[
    list[str] | None,
    typer.Option(
        "--constraint", metavar="'WHAT<=VALUE'", help="Bound that trained subnets keep, such as params<=66M; repeatable."
    ),
]
SaveEvery = Annotated[int, typer.Option("--save-every", min=1, help="Number of steps between two checkpoints.")]
Threads = Annotated[int | None, typer.Option("--threads", help="Threads of torch.", show_default="torch's own")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show the memory of the training, and whether it fits.")]


def train(
    space: Space,
    out: Out,
    corpus: CorpusPath = "stdlib",
    recipe: RecipeName = "mini",
    scale_steps: ScaleSteps = 1.0,
    steps: Steps = None,
    batch_size: BatchSize = None,
    seq_len: SeqLen = None,
    accumulate: Accumulate = None,
    learning_rate: LearningRate = None,
    dtype: Dtype = None,
    sampling: Sampling = None,
    random: Random = None,
    relation: Relation = None,
    relation_layer: RelationLayer = None,
    layers: Layers = None,
    backbone: Backbone = None,
    teacher: Teacher = None,
    constraint: Constraints = None,
    save_every: SaveEvery = 200,
    threads: Threads = None,
    device: Device = "cpu",
    seed: console.Seed = 0,
    dry_run: DryRun = False,
    processes: Processes = None,
    no_memory_check: NoMemoryCheck = False,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Train a supernet, by masked language modelling or by a teacher's relations.

    Every step runs several subnets on the same text and sums their gradients. Ctrl-C is safe: the same command resumes the
    training from the last checkpoint and ends in the same weights. A training that takes more memory than is free is refused
    before it begins.

    torchrun --nproc-per-node 2 -m hwcost supernet train ... divides the batch among several devices or hosts.
    """
    from hwcost.spaces import space as make_space
    from hwcost.supernets.process_group import launched
    from hwcost.supernets.recipe import recipe as recipe_of
    from hwcost.supernets.run import SETTINGS, Run, Settings

    check_device(device)
    set_threads(threads)
    changes = {
        "steps": steps, "batch_size": batch_size, "seq_len": seq_len, "accumulate": accumulate, "dtype": dtype,
        "learning_rate": learning_rate, "sampling": sampling, "random": random, "relation": relation,
        "relation_layer": relation_layer, "layers": layers,
    }  # fmt: skip
    changed = _changed(recipe_of(recipe).scaled(scale_steps), changes)
    if teacher is not None:
        changed = changed.for_relations()
    made = make_space(space)
    settings = Settings(made.name, made.options(), changed, corpus, seed, backbone, teacher, tuple(constraint or ()))
    count = processes or int(os.environ.get("WORLD_SIZE", "1"))
    if dry_run:
        if console.is_first():
            show(settings, device, count, json)
        return
    if processes is not None:
        raise UsageError("--processes goes with --dry-run; torchrun --nproc-per-node starts processes")
    allowed = _within(made, changed.seq_len, settings.constraints)
    is_begun = (Path(out) / SETTINGS).exists()  # and keeps the micro batches that it has
    if console.is_first() and not (no_memory_check or is_begun):
        check(settings, device, count)
    with launched(device):
        _train(Run.start(out, settings, device, allowed), save_every, json)


def resume(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Folder of a training, a pipeline's too.")],
    save_every: SaveEvery = 200,
    threads: Threads = None,
    device: Device = "cpu",
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Train a supernet on, with the settings that its folder holds, in any number of processes of torchrun.

    The supernet of a pipeline's run can so be trained by several devices; the pipeline's own command then takes it up.
    """
    from hwcost.spaces import space as make_space
    from hwcost.supernets.process_group import launched
    from hwcost.supernets.run import Run

    check_device(device)
    set_threads(threads)
    with launched(device):
        run = Run.open(folder, device)
        settings = run.settings
        made = make_space(settings.space, **settings.options)
        run.allowed = _within(made, settings.recipe.seq_len, settings.constraints)
        _train(run, save_every, json)


def _train(run: Run, save_every: int, json: str | None) -> None:
    """Trains; the first process reports what was done and the time that it took."""
    from hwcost.files import held
    from hwcost.supernets.process_group import here
    from hwcost.timing.timer import stopwatch

    spent = stopwatch()
    with held(run.folder) if here().is_first else nullcontext(), progress(_progress_text) as update:
        summary = run.train(update, save_every)
    if here().is_first:
        _report(str(run.folder), run.settings.recipe.steps, summary, spent(), run.device, json)


def _report(out: str, steps: int, summary: Summary, seconds: float, device: str, json: str | None) -> None:
    speed, peak_bytes = summary.tokens / seconds if summary.steps else None, peak_memory_bytes(device)
    document = {
        "folder": out, "steps": steps, "steps_now": summary.steps, "tokens_now": summary.tokens, "tokens_per_s": speed,
        "peak_memory_bytes": peak_bytes, "losses": summary.last.losses if summary.last else None,
    }  # fmt: skip
    if not console.write_json(document, json):
        took = f", {speed:,.0f} tokens/s, {peak_bytes / 2**30:.2f} GiB at the most" if speed else ""
        typer.echo(f"{out}: {steps} steps, {summary.steps} of them now{took}")


def _within(space: SearchSpace, seq_len: int, texts: Sequence[str]) -> Allowed | None:
    """Returns a function that says whether architectures satisfy constraints; None where there are none."""
    if not texts:
        return None
    import numpy as np

    from hwcost.objectives.written import SearchSpec

    spec = SearchSpec(space, seq_len)
    spec.read_models((), texts)
    constraints = [spec.constraint(text, None) for text in texts]
    return lambda archs: np.all([one.feasible(archs) for one in constraints], axis=0)


def _changed(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    """Returns a recipe with the settings that are not None; fewer steps shorten the warm-up."""
    given = {name: value for name, value in changes.items() if value is not None}
    if "steps" in given:
        given["warmup_steps"] = min(recipe.warmup_steps, max(0, given["steps"] - 1))
    return replace(recipe, **given)


def _progress_text(state: Progress) -> ProgressText:
    losses = ", ".join(f"{name} {loss:.3f}" for name, loss in state.losses.items())
    return ProgressText(state.done, state.total, losses, f"step {state.done} of {state.total}: {losses}")
