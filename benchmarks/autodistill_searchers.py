"""AutoDistill's comparisons on the table of all 576 students (``hwcost.testing.autodistill_table()``), with a known front.

- How many students does each searcher evaluate until it has found one, and three, that dominate the reference (section 4.3)?
- Does flash distillation rank students as regular distillation does: Kendall's tau, with its interval (section 4.7)?
- With ``--figures DIR``: Figures 3 (searchers), 4 (single against multi-objective), 5 (shares of steps) and 6 (both ways).

Evolution and SDO have one objective: quality, within the reference's latency, which is looked up without an evaluation.

Run: ``python benchmarks/autodistill_searchers.py [--seeds 20] [--only NAMES] [--figures DIR]``: own searchers in about five
minutes; those of other libraries (extras ``search`` and ``bo``) in some more, BoTorch and both of Optuna's models with fewer
seeds.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from scipy import stats
from studies.student_searches import SEARCHERS, Goal, evaluations, goals

from hwcost.testing import autodistill_table

RESAMPLED = 2000
"""Resampled sets of students that the interval of tau is found from."""


def show_searchers(goal: Goal, found: dict[str, list[tuple[int, int]]]) -> None:
    """Prints the median evaluations to one and to three dominating students, and their quartiles."""
    reference = goal.table.space.key(goal.reference)
    print(f"\n{goal.quality}, reference {reference}: {len(goal.winners)} of 576 dominate it")
    print(f"{'searcher':<14}{'to one':>20}{'to three':>24}{'runs':>6}")
    for name, rows in found.items():
        texts = []
        for column in (0, 1):
            low, middle, high = np.percentile([row[column] for row in rows], [25, 50, 75])
            texts.append(f"{middle:.0f} ({low:.0f} to {high:.0f})")
        print(f"{name:<14}{texts[0]:>20}{texts[1]:>24}{len(rows):>6}", flush=True)


def taus(seed: int = 0) -> None:
    """Prints tau of flash against regular distillation for each quality, and its bootstrap interval over students."""
    table, rng = autodistill_table(), np.random.default_rng(seed)
    print(f"\nflash against regular distillation, {len(table.regular)} students")
    for quality in ("perplexity", "mlm_accuracy"):
        both = [(table.students[key], row) for key, row in table.regular.items()]
        pairs = np.array([[getattr(one, quality) for one in row] for row in both])
        drawn = [pairs[rng.integers(0, len(pairs), len(pairs))] for _ in range(RESAMPLED)]
        low, high = np.nanpercentile([stats.kendalltau(*one.T).statistic for one in drawn], [2.5, 97.5])
        print(f"  {quality}: tau {stats.kendalltau(*pairs.T).statistic:.3f} (95 %: {low:.3f} to {high:.3f})")


def main() -> None:
    """Prints all tables, and draws the figures where it is asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--only", nargs="+", choices=SEARCHERS, default=list(SEARCHERS))
    parser.add_argument("--figures", type=Path, help="folder of the figures")
    arguments = parser.parse_args()
    taus()
    found = {}
    for goal in goals():
        found[goal] = {
            name: [evaluations(name, goal, seed) for seed in range(min(arguments.seeds, SEARCHERS[name].seeds))]
            for name in arguments.only
        }
        show_searchers(goal, found[goal])
    if arguments.figures:
        from studies.student_figures import write_figures

        write_figures(arguments.figures, found)


if __name__ == "__main__":
    sys.exit(main())
