"""How quick searches are: evolution by a predictor of a thousand trees, exact fronts, and questions to a lookup table.

Each part checks its answer: evolution against the exact optimum of an additive problem, over many seeds.

Run: ``python benchmarks/search_speed.py [--seeds 20]``: some minutes; ``--seeds 0`` leaves out the seeds, a few seconds.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import numpy as np

from hwcost.cost_models import cost_model
from hwcost.cost_models.features.tabulate import Tables
from hwcost.objectives import Constraint, Minimize, Params
from hwcost.searchers.sum_front import front
from hwcost.spaces import Candidates, space
from hwcost.study import search

EVALUATIONS, TREES = 20_000, 1000
BUDGET = 66e6
"""Parameters; the limit of SuperShaper's search."""

SHAPER = space("supershaper")


class Sum:
    """A random sum over the twelve widths, growing with each.

    Args:
        name: Name of the function.
        seed: Seed of the table.
        sign: Sign of the sum: -1 for one that falls.
    """

    def __init__(self, name: str, seed: int, sign: int = 1) -> None:
        self.name, self.space = name, SHAPER
        self.table = sign * np.cumsum(np.random.default_rng(seed).random((12, 7)), axis=1)

    def __call__(self, arch: Any) -> float:
        """Returns one value."""
        return float(self.predict_codes(Candidates.of(SHAPER, [arch]).codes)[0])

    def predict_codes(self, codes: Any) -> Any:
        """Returns n values."""
        return self.table[np.arange(12), codes].sum(axis=1)


def timed(work: Any, repeats: int = 5) -> tuple[float, Any]:
    """Returns the least seconds of some runs, and what the last one gave."""
    spent = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        spent.append(time.perf_counter() - start)
    return min(spent), result


def evolution_by_trees() -> None:
    """20,000 evaluations under a parameter limit, by gradient-boosted trees."""
    archs = SHAPER.sample(2000, seed=0)
    law = Sum("law", 1, -1)
    values = 60 + law.predict_codes(Candidates.of(SHAPER, archs).codes)
    trees = cost_model("xgboost", SHAPER, rounds=TREES, monotone=False).fit(archs, values)

    def run() -> Any:
        size = Constraint(Params(SHAPER), most=BUDGET)
        return search(SHAPER, [Minimize(trees, "quality")], [size], evaluations=EVALUATIONS)

    first, study = timed(run, 1)
    again, _ = timed(run, 3)
    print(
        f"evolution, {study.evaluations} evaluations by {TREES} trees: {first:.2f} s the first time, {again:.2f} s again "
        "(bar 1)", flush=True,
    )  # fmt: skip


def evolution_against_exact(seeds: int) -> None:
    """Seeds in which evolution finds the proved optimum of an additive problem."""
    latency, quality = Sum("latency", 2), Sum("quality", 3, -1)
    middle = float(np.median(latency.predict_codes(np.random.default_rng(0).integers(7, size=(9999, 12)))))
    limit = Constraint(latency, most=middle)
    seconds, exact = timed(lambda: search(SHAPER, [Minimize(quality)], [limit], searcher="exact", evaluations=1), 1)
    best = exact.best.values[0]
    found, spent = 0, []
    for seed in range(seeds):
        one, study = timed(lambda seed=seed: search(
            SHAPER, [Minimize(quality)], [limit], evaluations=EVALUATIONS, seed=seed), 1)  # fmt: skip
        found += bool(np.isclose(study.best.values[0], best, rtol=1e-12))
        spent.append(one)
    print(
        f"additive problem: the proved optimum (exact search, {seconds:.2f} s) was found by evolution in {found} of {seeds} "
        f"seeds (bar 19 of 20), {np.median(spent):.1f} s each",
        flush=True,
    )


def exact_fronts() -> None:
    """The whole front of 7^12 shapes, for sums over layers, and with terms of neighbouring layers."""
    first, second = (Tables(np.array(0.0), list(one.table), []) for one in (Sum("a", 4), Sum("b", 5, -1)))
    rng = np.random.default_rng(6)
    chain = Tables(first.base, first.single, [0.1 * rng.random((7, 7)) for _ in range(11)])
    for name, one in (("sums", first), ("sums with neighbours", chain)):
        seconds, found = timed(lambda one=one: front(one, second))
        print(f"front of 7^12 shapes, {name}: {len(found.codes)} shapes in {seconds:.3f} s (bar 0.1)", flush=True)


def lookups() -> None:
    """Questions to a fitted lookup table, one by one and in batches of codes."""
    archs = SHAPER.sample(60, seed=1)
    cost = cost_model("lut", SHAPER).fit(archs, [1e-3 + 2e-9 * SHAPER.params(arch) for arch in archs]).compile()
    many = SHAPER.sample(2000, seed=2)
    seconds, _ = timed(lambda: [cost(arch) for arch in many])
    codes = np.random.default_rng(3).integers(7, size=(1_000_000, 12)).astype(np.uint8)
    batch, _ = timed(lambda: cost.predict_codes(codes))
    print(
        f"lookup table: {1e6 * seconds / len(many):.2f} us for one architecture (bar 1.5), {len(codes) / batch:.2e} "
        f"architectures per second in a batch (bar 5e8)",
        flush=True,
    )


def main() -> None:
    """Prints all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20, help="seeds of evolution against the proved optimum (20)")
    arguments = parser.parse_args()
    lookups()
    exact_fronts()
    evolution_by_trees()
    if arguments.seeds:
        evolution_against_exact(arguments.seeds)


if __name__ == "__main__":
    sys.exit(main())
