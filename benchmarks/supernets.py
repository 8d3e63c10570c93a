"""Do supernets do what the papers say of them? Trained from nothing on the prose of Python's standard library, on two cores.

Four stages, each kept in the folder when it is finished, so that an interrupted run goes on where it was:

- ``sandwich``: SuperShaper's supernet; perplexity of fixed subnets while it trains, its bottlenecks (Figure 4), a predictor
  of perplexity with what it goes by (Figure 7a), templates (Table 6), and shape difference against quality (Table 7).
- ``scratch``: nets chosen by seed before any training, trained by themselves: does inherited quality rank them alike?
- ``relations``: AutoDistil's three SuperLMs: the relation loss of all 768 subnets before and after, and their ranking.
- ``flash``: does flash distillation rank AutoDistill's students as regular distillation does (Figure 6)?

Run: ``python benchmarks/supernets.py [--quick] [--only STAGE]``: up to 90 minutes on two idle cores, ``--quick`` up to 20.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from trainings.bench import QUICK, Bench, Effort
from trainings.flash import flash, show_flash
from trainings.relations import relations, show_relations
from trainings.sandwich import sandwich, show_sandwich
from trainings.scratch import scratch, show_scratch

STAGES = {
    "sandwich": (sandwich, show_sandwich), "scratch": (scratch, show_scratch),
    "relations": (relations, show_relations), "flash": (flash, show_flash),
}  # fmt: skip


def main() -> None:
    """Runs all stages, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer nets and steps")
    parser.add_argument("--folder", type=Path, default=Path("runs/supernets"))
    parser.add_argument("--only", choices=STAGES, help="one stage; scratch needs sandwich")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    folder = arguments.folder / ("quick" if arguments.quick else "full")
    bench = Bench(folder, QUICK if arguments.quick else Effort())
    for name in [arguments.only] if arguments.only else STAGES:
        run, show = STAGES[name]
        show(bench.stage(name, lambda run=run: run(bench)))


if __name__ == "__main__":
    sys.exit(main())
