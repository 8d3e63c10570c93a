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
from dataclasses import replace
from pathlib import Path

import torch
from trainings.bench import QUICK, Bench
from trainings.few_shot import STUDIES
from trainings.superlms import Sizes, SuperLms

SMOKE = Sizes(teacher=2, steps=2, batch=4, judged=1, tuned=2, tuned_batch=4)


def main() -> None:
    """Runs all studies, or one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("runs/few-shot"))
    parser.add_argument("--only", choices=STUDIES, help="one study")
    parser.add_argument("--seeds", type=int, help="number of seeds, two or more, in place of each study's own")
    parser.add_argument("--steps", type=int, help="steps of a SuperLM")
    parser.add_argument("--epsilon", type=float, help="constant of Adam in the training of a SuperLM")
    parser.add_argument("--task", help="task that nets are fine-tuned on, such as docstring or truecasing")
    parser.add_argument("--tuned", type=int, help="steps of fine-tuning")
    parser.add_argument("--tuned-batch", type=int, help="examples in a step of fine-tuning")
    parser.add_argument("--tuned-rate", type=float, help="learning rate of fine-tuning")
    parser.add_argument("--smoke", action="store_true", help="a few steps and two seeds, numbers without a meaning")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    if arguments.seeds is not None and arguments.seeds < 2:
        parser.error(f"intervals need two seeds or more, got {arguments.seeds}")
    torch.set_num_threads(arguments.threads)
    bench = Bench(arguments.folder / ("smoke" if arguments.smoke else "full"), QUICK)
    given = {name: getattr(arguments, name) for name in ("steps", "epsilon", "task", "tuned", "tuned_batch", "tuned_rate")}
    sizes = replace(SMOKE if arguments.smoke else Sizes(), **{name: value for name, value in given.items() if value})
    lms = SuperLms(bench, sizes)
    for name in [arguments.only] if arguments.only else STUDIES:
        study = STUDIES[name]
        print(f"{name}:", flush=True)
        study.show(study.run(lms, arguments.seeds or (2 if arguments.smoke else study.seeds)))


if __name__ == "__main__":
    sys.exit(main())
