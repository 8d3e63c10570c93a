"""Do DO and SDO find a planted sparse architecture, and does the printed estimator fail as predicted?

Finding Fast Transformers' two searches (Tsai et al., section 3.3) where the answer is known: 24 gates of which a third
matters, ``studies.planted``, for SDO; for DO a regression on features most of which are redundant, whose weights are
trained with the gates.

Run: ``python benchmarks/sparse_search.py [--seeds 20]``: some minutes.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numpy as np
from studies.planted import PENALTY, Gates, Planted

from hwcost.objectives import Minimize
from hwcost.searchers import Problem, Trial, searcher
from hwcost.searchers.direct import Direct
from hwcost.searchers.sampling import ESTIMATORS
from hwcost.study import search

SAMPLES, ITERATIONS = 8, 6000
RATES = {"literal": 0.05, "score": 0.05, "literal+ema": 0.5, "score+ema": 1.0, "rloo": 1.0}
"""Step size of each estimator; those without a baseline follow the loss's level, and need small steps to stay finite."""
DIRECT_PENALTY, DIRECT_STEPS, DIRECT_RATE = 1.0, 1500, 0.05
KEPT_LOSS, DROPPED_LOSS = 1.9, 2.0


def sampled(estimator: str, seed: int) -> bool:
    """Whether SDO's most likely architecture is the planted one."""
    planted = Planted(seed)
    study = search(
        planted.space, planted.objectives(), searcher="sdo", iterations=ITERATIONS, seed=seed, repeats="repeat",
        searcher_options={
            "samples": SAMPLES, "estimator": estimator, "penalty": PENALTY, "rate": RATES[estimator], "scale": 1.0,
        },
    )  # fmt: skip
    chosen: Any = study.searcher
    return bool(np.array_equal(np.array(chosen.chosen().genes, dtype=bool), planted.answer))


def converged(start: int, seed: int) -> float:
    """Returns where the printed rule leaves a gate that is worth keeping, from either side."""
    problem = Problem(Gates(1), [Minimize(lambda arch: 0.0, "loss")])
    made: Any = searcher("sdo", problem, seed, estimator="literal", rate=0.01, samples=16, start=[start])
    for _ in range(3000):
        losses = {0: DROPPED_LOSS, 1: KEPT_LOSS}
        made.tell([Trial(arch, values=(losses[int(arch.genes[0])],)) for arch in made.ask()])
    return float(made.probabilities[0, 1])


def direct(seed: int, gates: int = 24, matters: int = 8) -> bool:
    """Whether DO leaves open exactly the gates of features that matter."""
    import torch

    random = torch.Generator().manual_seed(seed)
    answer = torch.zeros(gates, dtype=torch.bool)
    answer[torch.randperm(gates, generator=random)[:matters]] = True
    truth = answer * (0.5 + torch.rand(gates, generator=random))
    weights = torch.ones(gates, requires_grad=True)

    def loss(opened: Any, step: int) -> Any:
        batch = torch.Generator().manual_seed(1000 * seed + step)
        x = torch.randn(64, gates, generator=batch)
        y = x @ truth + 0.1 * torch.randn(64, generator=batch)
        return (x @ (opened * weights) - y).square().mean()

    made = Direct(np.full(gates, 1 / gates), DIRECT_PENALTY).minimize(loss, [weights], DIRECT_STEPS, DIRECT_RATE)
    return bool(np.array_equal(made.kept(), answer.numpy()))


def main() -> None:
    """Prints how often each finds the answer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    seeds = parser.parse_args().seeds
    found = sum(direct(seed) for seed in range(seeds))
    print(f"DO, proximal, lambda {DIRECT_PENALTY:g}: {found} of {seeds}", flush=True)
    for estimator in reversed(ESTIMATORS):
        found = sum(sampled(estimator, seed) for seed in range(seeds))
        print(f"SDO, {estimator}, lambda {PENALTY:g}: {found} of {seeds}", flush=True)
    predicted = DROPPED_LOSS / (DROPPED_LOSS + KEPT_LOSS)
    ends = [np.mean([converged(start, seed) for seed in range(5)]) for start in (0, 1)]
    print(f"printed rule, a gate worth keeping: settles at {ends[0]:.3f} and {ends[1]:.3f}; predicted {predicted:.3f}")


if __name__ == "__main__":
    sys.exit(main())
