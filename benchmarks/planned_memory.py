"""Is the memory that ``hwcost pipeline NAME --preset paper --dry-run`` plans what a training takes?

Two steps of the largest training of each system's ``paper`` preset, at its real size, with as many sequences in a micro
batch as fit a bound, two micro batches a step; each in a process of its own. Used is the growth of the process's resident
memory at its highest (on a GPU: of what torch has allocated) over what it was before the net was made.

Run: ``python benchmarks/planned_memory.py [--device cuda] [--gib 6] [--system autodistil] [--training recipe]``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from hwcost.supernets.memory import text_batch
from hwcost.supernets.training import train
from hwcost.systems import PIPELINES, Settings, pipeline

STEPS = 2


def resident(name: str) -> int:
    """Returns a figure of this process's memory in bytes: ``VmRSS``, or ``VmHWM`` for the highest since it was reset."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def run(name: str, training: str | None, device: str, gib: float) -> dict[str, Any]:
    """Trains two steps, and returns what was planned and used."""
    made = pipeline(name, "unused", Settings("paper"), dry_run=True)
    trainings = made.trainings()
    training = training or largest(trainings)
    one = trainings[training]
    memory = one.memory()
    sizes = [2**power for power in range(10, -1, -1)]
    fitting = [size for size in sizes if size <= one.recipe.micro_batch and planned(memory, size) <= gib * 2**30]
    if not fitting:
        return {"system": name, "training": training, "least": planned(memory, 1)}
    size = fitting[0]
    recipe = replace(one.recipe, steps=STEPS, warmup_steps=0, batch_size=2 * size, accumulate=2)
    before, reset = resident("VmRSS"), Path("/proc/self/clear_refs")
    reset.write_text("5")
    module, phase, others = one.make(lambda number: text_batch(one.vocabulary, size, recipe.seq_len), recipe)
    for net in (module, *others):
        net.to(device)
    begun = time.monotonic()
    done = train(module, [phase])
    used = torch.cuda.max_memory_allocated() if device == "cuda" else resident("VmHWM") - before
    return {
        "system": name, "training": training, "micro_batch": size, "batch_size": one.recipe.batch_size,
        "parameters": sum(each.numel() for each in module.parameters()), "planned": planned(memory, size), "used": used,
        "tokens_per_s": done.tokens / (time.monotonic() - begun), **asdict(memory.at(size)),
    }  # fmt: skip


def planned(memory: Any, size: int) -> int:
    """Returns the bytes at the peak with two micro batches of that size."""
    return int(memory.at(size).total_bytes)


def largest(trainings: dict[str, Any]) -> str:
    """Returns the name of the training that takes the most memory with the preset's micro batches."""
    return max(trainings, key=lambda name: trainings[name].memory().at(trainings[name].recipe.micro_batch).total_bytes)


def main() -> None:
    """Runs every system in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--gib", type=float, default=6.0)
    parser.add_argument("--system", choices=PIPELINES.names())
    parser.add_argument("--training")
    parser.add_argument("--child", action="store_true")
    given = parser.parse_args()
    if given.child:
        print(json.dumps(run(given.system, given.training, given.device, given.gib)))
        return
    for name in [given.system] if given.system else PIPELINES.names():
        command = [sys.executable, __file__, *sys.argv[1:], "--child", *([] if given.system else ["--system", name])]
        child = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        found = json.loads(child.stdout)
        if "used" not in found:
            least = found["least"] / 2**30
            print(f"{name}: {found['training']} takes {least:.2f} GiB with one sequence: skipped", flush=True)
            continue
        names = ("parameters", "optimizer", "gradients", "activations")
        parts = ", ".join(f"{part} {found[f'{part}_bytes'] / 2**30:.2f}" for part in names)
        print(
            f"{name}: {found['training']}, {found['parameters'] / 1e6:.1f} M parameters, micro batches of "
            f"{found['micro_batch']} of {found['batch_size']}: planned {found['planned'] / 2**30:.2f} GiB ({parts}), used "
            f"{found['used'] / 2**30:.2f} GiB, ratio {found['planned'] / found['used']:.2f}; {found['tokens_per_s']:,.0f} "
            "tokens/s",
            flush=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()
