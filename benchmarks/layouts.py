"""Does the order in which rows were measured mislead an audit, or an interval?

Run: ``python benchmarks/layouts.py [--seeds N] [--moved 0.4] [--own 0.05] [--model auto]``.

Simulated tables of 60 nets in random order: each once, each five times in succession, each at all batch sizes (and lengths)
before the next one, all at one batch size before the next one, on three devices in turn, and in four passes. Each is
measured on a still machine and on one whose level rises and falls twice by ``--moved``; each net is slower or faster than
the law by a factor of its own, whose logarithm has the standard deviation ``--own``. Shown are the verdicts of the audit;
then, of a model that was fitted on the table, for new nets at the same settings: the mean absolute error in percent, the
coverage of 90 % intervals, and their half-width. Predictions are those at the median level of the rows, so that they are
compared with the truth at that level.
"""

from __future__ import annotations

import argparse
from collections import Counter

import numpy as np
from studies.sim_layouts import LAYOUTS, Layout, measured

from hwcost._types import Floats
from hwcost.auditing.table import audit_table
from hwcost.cost_models.training.train import train

NETS, NEW = 60, 80


def main() -> None:
    """Prints a row for each layout and machine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--moved", type=float, default=0.4, help="range of the moving level, as a share of its mean")
    parser.add_argument("--own", type=float, default=0.05, help="standard deviation of the nets' own factors (log)")
    parser.add_argument("--model", default="auto", help="cost model that is fitted")
    given = parser.parse_args()
    print("| nets | level | verdicts | error, % | coverage | half-width, % |\n|---|---|---|---|---|---|")
    for name, layout in LAYOUTS.items():
        for moved in (0.0, given.moved):
            found = [judged(layout, moved, given.own, given.model, seed) for seed in range(given.seeds)]
            verdicts = Counter(verdict for verdict, _ in found)
            error, held, half = np.mean([figures for _, figures in found], axis=0)
            said = ", ".join(f"{verdict} {count}" for verdict, count in verdicts.most_common())
            level = "still" if not moved else f"moves by {100 * moved:.0f} %"
            print(f"| {name} | {level} | {said} | {error:.1f} | {held:.2f} | {half:.1f} |", flush=True)


def judged(layout: Layout, moved: float, own: float, model: str, seed: int) -> tuple[str, Floats]:
    """Returns the verdict on one table, and error, coverage and half-width for new nets."""
    data, level = measured(layout, NETS, moved, own, seed)
    new, _ = measured(layout, NEW, 0.0, own, 1000 + seed)
    truth = new.values * level
    found = train(data, model).model.predict(new.architectures)
    held = float(np.mean((found.low <= truth) & (truth <= found.high)))
    error, half = np.mean(np.abs(found.values / truth - 1)), np.median(found.high / found.values - 1)
    return audit_table(data).verdict, np.array([100 * error, held, 100 * half])


if __name__ == "__main__":
    main()
