"""Throughput of one training by its number of processes, as ratios to one process in the same run.

::

    python benchmarks/ranks.py                                  # gloo, on the CPU: 1 and 2 processes of one thread each
    python benchmarks/ranks.py --counts 1,2,4,8 --device cuda   # NCCL, a GPU each

Every number of processes trains the same supernet on the same global batch, in turns that repeat, so that a slow phase of
the machine meets all of them; the first steps of each turn are not counted. ``exchange`` is the share of a step that is
spent in exchanging gradients, waiting for the others included, by the first process's clock.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

SKIPPED = 3
"""Steps at the beginning of a turn that are not counted."""


def words(vocabulary: int, sequences: int, seq_len: int) -> Any:
    """Returns made-up batches by their number."""

    def batch(number: int) -> dict[str, Any]:
        rng = np.random.default_rng(number)
        ids = rng.integers(5, vocabulary, size=(sequences, seq_len))
        labels = np.where(rng.random(ids.shape) < 0.15, ids, -100)
        labels[:, 0] = ids[:, 0]
        return {
            "input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids), "labels": labels,
        }  # fmt: skip

    return batch


def turn(asked: argparse.Namespace) -> None:
    """Trains in this process, one of several; the first prints seconds a step and the share of exchange."""
    import torch

    from hwcost.supernets.masked_lm import SupernetLm
    from hwcost.supernets.process_group import ProcessGroup, launched
    from hwcost.supernets.recipe import Recipe
    from hwcost.supernets.registry import supernet
    from hwcost.supernets.sampling import rule
    from hwcost.supernets.training import Phase, train
    from hwcost.timing.timer import stopwatch

    torch.set_num_threads(asked.threads)
    spent, ends, exchanged = stopwatch(), [], []
    add = ProcessGroup.add

    def timed(group: Any, tensors: Any, device: Any) -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()
        before = spent()
        add(group, tensors, device)
        if device.type == "cuda":
            torch.cuda.synchronize()
        exchanged.append(spent() - before)

    ProcessGroup.add = timed  # type: ignore[method-assign]
    with launched(asked.device) as group:
        how = Recipe(steps=asked.steps, batch_size=asked.batch_size, seq_len=asked.seq_len).over(group.count)
        net = supernet(asked.space).to(asked.device)
        vocabulary = len(net.weights.embeddings.word.weight)
        objective = SupernetLm(net, words(vocabulary, how.micro_batch, asked.seq_len), rule(how.sampling, net))
        train(net, [Phase("training", objective, how)], progress=lambda state: ends.append((spent(), state.tokens)))
        if group.is_first:
            seconds = np.diff([one for one, _ in ends])[SKIPPED - 1 :]
            share = float(np.sum(exchanged[SKIPPED:]) / seconds.sum())
            print(json.dumps({"tokens_per_s": ends[-1][1] / float(np.median(seconds)), "exchange": share}))


def measured(asked: argparse.Namespace, count: int) -> dict[str, float]:
    """Runs a turn in so many processes."""
    names = ("space", "device", "threads", "batch_size", "seq_len", "steps")
    own = [f"--{name.replace('_', '-')}={getattr(asked, name)}" for name in names] + ["--turn"]
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"] if count > 1 else []
    done = subprocess.run([sys.executable, *launcher, __file__, *own], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Runs the turns and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", default="1,2", help="numbers of processes, with commas")
    parser.add_argument("--space", default="supershaper:scale=mini")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=1, help="threads of each process")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seq-len", type=int, default=32)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--json", type=Path, help="file for all turns")
    parser.add_argument("--turn", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.turn:
        turn(asked)
        return
    counts = [int(one) for one in asked.counts.split(",")]
    rows: dict[int, list[dict[str, float]]] = {count: [] for count in counts}
    for _ in range(asked.turns):
        for count in counts:
            rows[count].append(measured(asked, count))
    print(f"{'processes':>9} {'tokens/s':>12} {'ratio':>7} {'exchange':>9}")
    for count, own in rows.items():
        ratios = [one["tokens_per_s"] / first["tokens_per_s"] for one, first in zip(own, rows[counts[0]], strict=True)]
        speed, share = (median(one[name] for one in own) for name in ("tokens_per_s", "exchange"))
        print(f"{count:>9} {speed:>12,.0f} {median(ratios):>7.2f} {share:>9.1%}")
    if asked.json:
        asked.json.write_text(json.dumps({str(count): own for count, own in rows.items()}, indent=1))


if __name__ == "__main__":
    main()
