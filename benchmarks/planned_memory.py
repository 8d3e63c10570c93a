"""Is a training's planned memory what it uses? Two steps of each training of the ``paper`` presets, one by one.

Nets, sequences and optimisers have the papers' sizes. Of a step's micro batches two are run, each of as many sequences as
fit into ``--memory`` by the plan, and of no more than ``--most``. *Used* is, on a processor, the growth of the resident
memory of a process from before the net is made to its peak; the process has trained a net of the preset ``smoke`` by then,
so that what libraries allocate once is there. On a GPU it is the growth of ``torch.cuda.max_memory_allocated``, which has
no gaps: the plan has a tenth more for them. *Tokens per second* are those of the steps behind the first. ``components`` has
its distillation of MiniBERT among its trainings; ``multilingual`` is that preset of ``components``.

Run: ``python benchmarks/planned_memory.py [SYSTEM ...] [--device cuda] [--steps 20] [--memory 24] [--most 8] [--only NAME]
[--dtype bfloat16]``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from hwcost.supernets.base import Supernet
from hwcost.supernets.memory import StepMemory, text_batch
from hwcost.supernets.memory_check import check_memory
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.sampling import rule
from hwcost.supernets.training import Progress, train
from hwcost.systems import Settings, pipeline
from hwcost.systems.plan import Training

SYSTEMS = {
    "supershaper": ("supershaper", "paper"), "autodistil": ("autodistil", "paper"), "components": ("components", "paper"),
    "autodistill": ("autodistill", "paper"), "multilingual": ("components", "multilingual"),
}  # fmt: skip
"""System and preset by the name of a case."""
TASKS = ("docstring", "truecasing")
GIB = 2**30


def trainings(system: str, preset: str, dtype: str) -> Mapping[str, Training]:
    """Returns the trainings of a preset by name; SuperShaper's backbone, which is planned with its supernet, among them."""
    sizes = {"distillation.is_on": True} if system == "components" else {}
    found = dict(pipeline(system, "nowhere", Settings(preset, tasks=TASKS), sizes=sizes, dry_run=True).trainings())
    if system == "supershaper":
        found["backbone"] = replace(found["recipe"], recipe=replace(found["recipe"].recipe, sampling="largest"))
    return {name: replace(one, recipe=replace(one.recipe, dtype=dtype)) for name, one in found.items()}


def shortened(recipe: Recipe, micro_batch: int, steps: int) -> Recipe:
    """Returns a recipe of a few steps, each of the micro batches that the whole step has, but of two at the most."""
    parts = min(2, recipe.batch_size // micro_batch)
    return replace(recipe, steps=steps, warmup_steps=0, batch_size=parts * micro_batch, accumulate=parts)


def trained(training: Training, micro_batch: int, device: str, steps: int) -> float:
    """Takes steps of a training, and returns the tokens per second of those behind the first."""
    recipe = shortened(training.recipe, micro_batch, steps)
    batch = text_batch(training.vocabulary, micro_batch, recipe.seq_len)
    module, phase, others = training.make(lambda number: batch, recipe)
    for net in (module, *others):
        net.to(device)
    if isinstance(module, Supernet) and module.space.name != "components":
        phase.objective.rule = rule(recipe.sampling, module, recipe.random)  # not what is planned with
    ends, tokens = [], []

    def tick(state: Progress) -> None:
        if device == "cuda":
            torch.cuda.synchronize()
        ends.append(time.monotonic())
        tokens.append(state.tokens)

    train(module, [replace(phase, recipe=recipe)], progress=tick)
    del others  # they live as long as the training
    return sum(tokens[1:]) / (ends[-1] - ends[0])


def resident(name: str) -> int:
    """Returns a size of ``/proc/self/status``: ``VmRSS``, what is resident, or ``VmHWM``, its peak; in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def used(case: str, name: str, micro_batch: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns the bytes by which this process grows, and its speed."""
    (system, preset), device = SYSTEMS[case], arguments.device
    trained(next(iter(trainings(system, "smoke", arguments.dtype).values())), 2, device, 2)
    training = trainings(system, preset, arguments.dtype)[name]
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        speed = trained(training, micro_batch, device, arguments.steps)
        return {"used": torch.cuda.max_memory_allocated() - before, "tokens_per_s": speed}
    before = resident("VmRSS")
    speed = trained(training, micro_batch, device, arguments.steps)
    return {"used": resident("VmHWM") - before, "tokens_per_s": speed}


def divided(training: Training, step: StepMemory, memory_gib: float, most: int) -> Recipe:
    """Returns a recipe divided so far that it fits by the plan, and that no micro batch has more than ``most`` sequences."""
    recipe = training.recipe
    counts = range(recipe.accumulate, recipe.batch_size + 1)
    size = max(most, training.fewest)
    first = next(count for count in counts if recipe.batch_size % count == 0 and recipe.batch_size // count <= size)
    asked = replace(recipe, accumulate=first)
    found = check_memory(step, asked, 1, int(memory_gib * GIB), fewest=training.fewest).accumulate
    if found is None:
        raise SystemExit(f"{training.fewest} sequences at a time do not fit into {memory_gib:g} GiB")
    return replace(recipe, accumulate=found)


def compare(case: str, name: str, training: Training, arguments: argparse.Namespace) -> None:
    """Prints the row of a training."""
    step = training.memory()
    recipe = divided(training, step, arguments.memory, arguments.most)
    planned = step.at(recipe.micro_batch, recipe.accumulate > 1).total_bytes
    given = ["--dtype", arguments.dtype, "--device", arguments.device, "--threads", str(arguments.threads)]
    command = [case, "--case", name, str(recipe.micro_batch), "--steps", str(arguments.steps), *given]
    child = subprocess.run([sys.executable, __file__, *command], stdout=subprocess.PIPE, check=True)
    found = json.loads(child.stdout)
    print(
        f"| {case} | {name} | {arguments.dtype} | {recipe.seq_len} | {recipe.micro_batch} | {recipe.accumulate} | "
        f"{planned / GIB:.2f} | {found['used'] / GIB:.2f} | {planned / found['used']:.2f} | {found['tokens_per_s']:,.0f} |",
        flush=True,
    )


def main() -> None:
    """Runs every training in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("systems", nargs="*", default=list(SYSTEMS), help=f"some of {', '.join(SYSTEMS)}")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--steps", type=int, default=2, help="number of steps, 2 at least")
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
        print(json.dumps(used(arguments.systems[0], name, int(micro_batch), arguments)))
        return
    print(
        "| system | training | number format | tokens | sequences | micro batches | planned, GiB | used, GiB | "
        "planned / used | tokens per second |"
    )
    print("|---" * 10 + "|")
    for case in arguments.systems:
        for name, training in trainings(*SYSTEMS[case], arguments.dtype).items():
            if not arguments.only or name in arguments.only:
                compare(case, name, training, arguments)


if __name__ == "__main__":
    main()
