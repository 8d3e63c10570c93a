"""Do the nets of the papers' size train here? Tokens per second and peak memory of each, in a process of its own.

SuperShaper's and the component supernet by masked words, AutoDistil's SuperLM by a teacher's relations, and AutoDistill's
student beside its teacher of 293 M parameters: one step each on a processor, 200 on a GPU.

Run: ``python benchmarks/full_size.py [--device cuda] [--steps 200] [--batch-size 256]``.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import torch

from hwcost.corpora import MlmBatches, Tokenizer, corpus
from hwcost.spaces.autodistill import AutoDistill
from hwcost.supernets.distillation import Distillation, Schedule
from hwcost.supernets.masked_lm import SupernetLm
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.registry import supernet
from hwcost.supernets.relations import RelationDistillation
from hwcost.supernets.sampling import Sandwich
from hwcost.supernets.student import student, teacher
from hwcost.supernets.training import Phase, Progress, train

SEQ_LEN = 128
WARM = 20
"""Steps on a GPU that are not timed."""


def words(space: str, device: str, how: Recipe, batches: Callable[[bool], MlmBatches]) -> tuple[Any, list[Phase]]:
    """A supernet by masked language modelling of a sandwich."""
    net = supernet(space).to(device)
    return net, [Phase("words", SupernetLm(net, batches(False).batch, Sandwich(net)), how)]


def relations(space: str, device: str, how: Recipe, batches: Callable[[bool], MlmBatches]) -> tuple[Any, list[Phase]]:
    """A SuperLM by the relations of a teacher of BERT-base's size, with random weights."""
    net = supernet(space).to(device)
    whole = supernet("autodistil", subspace="reference")
    own = whole.extract(whole.space.architecture((12, 768, 4, 12)), "none").to(device)
    objective = RelationDistillation(net, own, 12, batches(False).batch, Sandwich(net, 2))
    return net, [Phase("relations", objective, how)]


def distillation(space: str, device: str, how: Recipe, batches: Callable[[bool], MlmBatches]) -> tuple[Any, list[Phase]]:
    """A student of Table 2 beside its teacher: one block's transfer, then pre-training."""
    of = AutoDistill()
    pair = Distillation(student(of, of.student(space)), teacher(of)).to(device)
    phases = pair.phases(batches(True).batch, Schedule(max(1, how.steps // 10), how.steps, 0), how)
    return pair, [phases[0], phases[-1]]


CASES = {
    "supershaper": (words, "supershaper"),
    "autodistil": (relations, "autodistil:subspace=base"),
    "components": (words, "components:grid=bert-base"),
    "autodistill": (distillation, "512_128_1_640_4"),
}


def run(name: str, device: str, steps: int, batch_size: int) -> dict[str, Any]:
    """Trains one case and returns what it took."""
    make, space = CASES[name]
    text, _ = corpus("stdlib").split()
    tokenizer = Tokenizer.train(text, 28_996)
    dtype = "bfloat16" if device == "cuda" else "float32"
    how = Recipe(steps=steps, batch_size=batch_size, seq_len=SEQ_LEN, learning_rate=2e-5, dtype=dtype)
    module, phases = make(space, device, how, lambda pairs: MlmBatches(text, tokenizer, SEQ_LEN, batch_size, 0, pairs))
    times, tokens = [time.monotonic()], []

    def tick(state: Progress) -> None:
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.monotonic())
        tokens.append(state.tokens)

    done = train(module, phases, progress=tick)
    skipped = min(WARM, done.steps // 2) if device == "cuda" else 0
    seconds = times[-1] - times[skipped]
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    peak = torch.cuda.max_memory_allocated() if device == "cuda" else resident
    return {
        "parameters": sum(parameter.numel() for parameter in module.parameters()), "steps": done.steps,
        "tokens_per_s": sum(tokens[skipped:]) / seconds, "peak_gib": peak / 2**30,
        "first_losses": done.first.losses, "last_losses": done.last.losses,
    }  # fmt: skip


def main() -> None:
    """Runs every case in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--case", choices=CASES)
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(run(arguments.case, arguments.device, arguments.steps, arguments.batch_size)))
        return
    for name in CASES:
        child = subprocess.run([sys.executable, __file__, *sys.argv[1:], "--case", name], stdout=subprocess.PIPE, check=True)
        found = json.loads(child.stdout)
        print(
            f"{name}: {found['parameters'] / 1e6:.1f} M parameters, {found['steps']} steps, {found['tokens_per_s']:,.0f} "
            f"tokens/s, peak {found['peak_gib']:.2f} GiB, losses {found['first_losses']} to {found['last_losses']}",
            flush=True,
        )


if __name__ == "__main__":
    main()
