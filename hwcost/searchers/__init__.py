"""Searchers ask for candidates and learn from their trials; one algorithm per file.

:mod:`hwcost.searchers.direct` is of another family: it follows gradients through a net instead of asking for architectures,
so that it has neither problem nor trials, and is not registered.
"""

from __future__ import annotations

from typing import Any

from hwcost.registry import Registry
from hwcost.searchers.base import Searcher
from hwcost.searchers.problem import Problem
from hwcost.searchers.rejections import Rejection, Rejections
from hwcost.searchers.trial import Trial, Trials

__all__ = ["SEARCHERS", "Problem", "Rejection", "Rejections", "Searcher", "Trial", "Trials", "searcher"]

SEARCHERS = Registry(
    "hwcost.searchers",
    "searcher",
    {
        "bayesian": "hwcost.searchers.bayesian:Bayesian",
        "botorch": "hwcost.searchers.botorch_sets:BotorchSets",
        "evolution": "hwcost.searchers.evolution:Evolution",
        "exact": "hwcost.searchers.exact:Exact",
        "exhaustive": "hwcost.searchers.exhaustive:Exhaustive",
        "firefly": "hwcost.searchers.firefly:Firefly",
        "nsga2": "hwcost.searchers.nsga2:Nsga2",
        "optuna": "hwcost.searchers.optuna_sampler:OptunaSampler",
        "pymoo": "hwcost.searchers.pymoo_algorithm:PymooAlgorithm",
        "random": "hwcost.searchers.random:Random",
        "sdo": "hwcost.searchers.sampling:Sampling",
    },
)


def searcher(name: str, problem: Problem, seed: int = 0, **options: Any) -> Searcher:
    """Makes a searcher by name.

    Args:
        name: Name of the searcher, for example ``evolution``.
        problem: Space, objectives and constraints.
        seed: Seed of all random draws; equal seeds give equal searches.
        **options: Options of the searcher, for example ``preset="hat"``.

    Raises:
        UnknownNameError: When the searcher is unknown; lists the known ones.
        UsageError: When an option is unknown to it, or it cannot pursue the problem.
    """
    made: Searcher = SEARCHERS.make(name, problem, seed, **options)
    return made
