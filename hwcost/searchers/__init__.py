"""Searchers ask for architectures and are told what became of them; one algorithm per file."""

from __future__ import annotations

from typing import Any

from hwcost.registry import Registry
from hwcost.searchers.base import Searcher
from hwcost.searchers.problem import Problem, Refusal
from hwcost.searchers.trial import Trial

__all__ = ["SEARCHERS", "Problem", "Refusal", "Searcher", "Trial", "searcher"]

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
        name: For example ``evolution``.
        problem: Space, objectives and limits.
        seed: Equal seeds give equal searches.
        **options: What the searcher takes, for example ``preset="hat"``.

    Raises:
        UnknownNameError: When there is no such searcher; lists the known ones.
        UsageError: When an option is unknown to it, or it cannot pursue the problem.
    """
    made: Searcher = SEARCHERS.make(name, problem, seed, **options)
    return made
