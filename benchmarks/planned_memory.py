"""Is a training's planned memory what it uses? Two steps of each training of the ``paper`` presets, one by one.

Nets, sequences and optimisers have the papers' sizes. Of a step's micro batches two are run, each of as many sequences as
fit into ``--memory`` by the plan, and of no more than ``--most``. *Used* is the growth of the resident memory of a process
from before the net is made to its peak; the process has trained a net of the preset ``smoke`` by then, so that what
libraries allocate once is there.

Run: ``python benchmarks/planned_memory.py [SYSTEM ...] [--memory 24] [--most 8] [--only NAME] [--dtype bfloat16]``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from hwcost.supernets.base import Supernet
from hwcost.supernets.memory import StepMemory, text_batch
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.sampling import rule
from hwcost.supernets.training import train
from hwcost.systems import Settings, pipeline
from hwcost.systems.plan import Training, least_accumulation

SYSTEMS = ("supershaper", "autodistil", "components", "autodistill")
TASKS = ("docstring",)
GIB = 2**30
STEPS = 2


def trainings(system: str, preset: str, dtype: str) -> Mapping[str, Training]:
    """Returns the trainings of a preset by name; SuperShaper's backbone, which is planned with its supernet, among them."""
    found = dict(pipeline(system, "nowhere", Settings(preset, tasks=TASKS), dry_run=True).trainings())
    if system == "supershaper":
        found["backbone"] = replace(found["recipe"], recipe=replace(found["recipe"].recipe, sampling="largest"))
    return {name: replace(one, recipe=replace(one.recipe, dtype=dtype)) for name, one in found.items()}


def shortened(recipe: Recipe, micro_batch: int) -> Recipe:
    """Returns a recipe of two steps, each of the micro batches that the whole step has, but of two at the most."""
    parts = min(2, recipe.batch_size // micro_batch)
    return replace(recipe, steps=STEPS, warmup_steps=0, batch_size=parts * micro_batch, accumulate=parts)


def trained(training: Training, micro_batch: int) -> None:
    """Takes two steps of a training."""
    recipe = shortened(training.recipe, micro_batch)
    batch = text_batch(training.vocabulary, micro_batch, recipe.seq_len)
    module, phase, others = training.make(lambda number: batch, recipe)
    if isinstance(module, Supernet) and module.space.name != "components":
        phase.objective.rule = rule(recipe.sampling, module, recipe.random)  # not what is planned with
    train(module, [replace(phase, recipe=recipe)])
    del others  # they live as long as the training


def resident(name: str) -> int:
    """Returns a size of ``/proc/self/status``: ``VmRSS``, what is resident, or ``VmHWM``, its peak; in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def used(system: str, name: str, micro_batch: int, dtype: str) -> int:
    """Returns the bytes by which this process grows."""
    trained(next(iter(trainings(system, "smoke", dtype).values())), 2)
    training = trainings(system, "paper", dtype)[name]
    before = resident("VmRSS")
    trained(training, micro_batch)
    return resident("VmHWM") - before


def divided(recipe: Recipe, step: StepMemory, memory_gib: float, most: int) -> Recipe:
    """Returns a recipe divided so far that it fits by the plan, and that no micro batch has more than ``most`` sequences."""
    counts = range(recipe.accumulate, recipe.batch_size + 1)
    first = next(n for n in counts if recipe.batch_size % n == 0 and recipe.batch_size // n <= most)
    found = least_accumulation(step, replace(recipe, accumulate=first), int(memory_gib * GIB))
    if found is None:
        raise SystemExit(f"one sequence at a time does not fit into {memory_gib:g} GiB")
    return replace(recipe, accumulate=found)


def compare(system: str, name: str, training: Training, arguments: argparse.Namespace) -> None:
    """Prints the row of a training."""
    step = training.memory()
    recipe = divided(training.recipe, step, arguments.memory, arguments.most)
    planned = step.at(recipe.micro_batch, recipe.accumulate > 1).total_bytes
    case = [system, "--case", name, str(recipe.micro_batch), "--dtype", arguments.dtype, "--threads", str(arguments.threads)]
    child = subprocess.run([sys.executable, __file__, *case], stdout=subprocess.PIPE, check=True)
    grown = int(child.stdout)
    print(
        f"| {system} | {name} | {recipe.seq_len} | {recipe.micro_batch} | {recipe.accumulate} | {planned / GIB:.2f} | "
        f"{grown / GIB:.2f} | {planned / grown:.2f} |",
        flush=True,
    )


def main() -> None:
    """Runs every training in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("systems", nargs="*", default=SYSTEMS, help=f"some of {', '.join(SYSTEMS)}")
    parser.add_argument("--memory", type=float, default=24.0, help="GiB that trainings are to fit into")
    parser.add_argument("--most", type=int, default=8, help="largest number of sequences in a micro batch")
    parser.add_argument("--only", action="append", help="name of a training; may be given several times")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--case", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.case:
        name, micro_batch = arguments.case
        print(used(arguments.systems[0], name, int(micro_batch), arguments.dtype))
        return
    print("| system | training | tokens | sequences | micro batches | planned, GiB | used, GiB | planned / used |")
    print("|---|---|---|---|---|---|---|---|")
    for system in arguments.systems:
        for name, training in trainings(system, "paper", arguments.dtype).items():
            if not arguments.only or name in arguments.only:
                compare(system, name, training, arguments)


if __name__ == "__main__":
    main()
