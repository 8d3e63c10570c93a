"""The table of all 576 students of AutoDistill at ``mini`` scale: each flash-distilled once and measured once.

Stages, each resumable; a stage that runs out of ``--minutes`` stops after a student, and the same command goes on:

- ``distil``: the teacher, then flash distillation of every student (Zhang et al., section 3.3), in a seeded order.
- ``regular``: regular distillation, 20 times as long, of a spread sample of them (Figure 6).
- ``shares``: one student distilled for 1.25, 2.5, 5 and 10 % of the regular steps, from several seeds (Figure 5).
- ``measure``: latency of every student on this CPU, in interleaved rounds.
- ``write``: the table ``hwcost/testing/autodistill_table.json``, which ``hwcost.testing.autodistill_table()`` reads.

Run: ``python benchmarks/autodistill_table.py STAGE [--folder F] [--minutes M]``: about 12, 8, 1 and 5 minutes of one core.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from trainings.students import STAGES, Students


def main() -> None:
    """Runs one stage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--folder", type=Path, default=Path("runs/autodistill-table"))
    parser.add_argument("--minutes", type=float, default=60.0, help="time after which a stage stops")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    STAGES[arguments.stage](Students(arguments.folder, 60 * arguments.minutes))


if __name__ == "__main__":
    sys.exit(main())
