"""Does AutoDistil's few-shot search keep its promises? Studies at scale ``mini``, on the prose of Python's standard library.

- ``shots``: Table 7: relation losses of the same nets in three SuperLMs and in single ones of 27, 864 and 11,232 nets, which
  have as many steps as each of the three; in ``shots-equal-work`` as many as all three together.
- ``ranks``: rank correlations of relation loss with accuracy and held-out loss after fine-tuning, the premise of the
  task-agnostic search, over 12 nets drawn evenly over the sizes of the three sub-spaces.
- ``strategies``: Table 6: masked words, relations, relations with continued training.
- ``layers``: Table 8: the rules by which shallow nets keep layers of their SuperLM.
- ``data``: Table 9: shares of the training text.

All start from one teacher, which is trained first. Every SuperLM and every row is kept in the folder: the same command goes
on where it was stopped, and so does one with more seeds.

Run: ``python benchmarks/few_shot.py [--only STUDY]``: half an hour on one core. ``--smoke`` tells whether all runs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from trainings.bench import QUICK, Bench
from trainings.premise import ranks, show_ranks
from trainings.shots import shots, show_shots
from trainings.strategies import data, layers, show_compared, strategies
from trainings.superlms import Sizes, SuperLms

from hwcost.errors import HwcostError
from hwcost.tasks import task

Table = list[dict[str, Any]]

SMOKE = Sizes(teacher=2, steps=2, batch=4, judged=1, tuned=2, tuned_batch=4)


@dataclass(frozen=True)
class Study:
    """A study.

    Attributes:
        run: Function that computes the rows with a number of seeds.
        show: Function that prints the table.
        seeds: Number of seeds.
    """

    run: Callable[[SuperLms, int], Table]
    show: Callable[[Table], None]
    seeds: int = 5


STUDIES = {
    "shots": Study(shots, show_shots),
    "shots-equal-work": Study(partial(shots, factor=3), show_shots),
    "ranks": Study(ranks, show_ranks, 3),
    "strategies": Study(strategies, show_compared),
    "layers": Study(layers, show_compared),
    "data": Study(data, show_compared),
}
GIVEN = ("steps", "epsilon", "task", "tuned", "tuned_batch", "tuned_rate")
"""Sizes that options replace."""


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--folder", type=Path, default=Path("runs/few-shot"))
    made.add_argument("--only", choices=STUDIES, help="one study")
    made.add_argument("--seeds", type=int, help="number of seeds, two or more, in place of each study's own")
    made.add_argument("--steps", type=int, help="steps of a SuperLM")
    made.add_argument("--epsilon", type=float, help="constant of Adam where a SuperLM learns relations")
    made.add_argument("--task", help="task that nets are fine-tuned on, such as docstring or truecasing")
    made.add_argument("--tuned", type=int, help="steps of fine-tuning")
    made.add_argument("--tuned-batch", type=int, help="examples in a step of fine-tuning")
    made.add_argument("--tuned-rate", type=float, help="learning rate of fine-tuning")
    made.add_argument("--smoke", action="store_true", help="a few steps and two seeds, numbers without a meaning")
    made.add_argument("--threads", type=int, default=torch.get_num_threads())
    return made


def sizes_of(arguments: argparse.Namespace) -> Sizes:
    """Returns the sizes of the trainings.

    Raises:
        ValueError: When a size is not positive, or intervals would come from one seed.
        UnknownNameError: When there is no such task.
    """
    if arguments.seeds is not None and arguments.seeds < 2:
        raise ValueError(f"intervals need two seeds or more, got {arguments.seeds}")
    given = {name: getattr(arguments, name) for name in GIVEN if getattr(arguments, name) is not None}
    for name, value in given.items():
        if name != "task" and not value > 0:
            raise ValueError(f"--{name.replace('_', '-')} is a positive number, got {value}")
    sizes = replace(SMOKE if arguments.smoke else Sizes(), **given)
    task(sizes.task)
    return sizes


def main() -> None:
    """Runs all studies, or one."""
    arguments = parser().parse_args()
    try:
        sizes = sizes_of(arguments)
    except (ValueError, HwcostError) as error:
        parser().error(str(error))
    torch.set_num_threads(arguments.threads)
    lms = SuperLms(Bench(arguments.folder / ("smoke" if arguments.smoke else "full"), QUICK), sizes)
    for name in [arguments.only] if arguments.only else STUDIES:
        study = STUDIES[name]
        print(f"{name}:", flush=True)
        study.show(study.run(lms, arguments.seeds or (2 if arguments.smoke else study.seeds)))


if __name__ == "__main__":
    sys.exit(main())
