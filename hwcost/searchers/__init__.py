"""Searchers ask for candidates and learn from their trials; one algorithm per file.

:mod:`hwcost.searchers.direct` is of another family: it follows gradients through a net instead of asking for architectures,
so that it has neither problem nor trials, and is not registered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hwcost._imports import import_callable
from hwcost.errors import UsageError
from hwcost.registry import Registry, made
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


def searcher(name: str | Callable[..., Any], problem: Problem, seed: int = 0, **options: Any) -> Searcher:
    """Makes a searcher by name.

    Args:
        name: Name of the searcher, for example ``evolution``; or a class or function that makes one of a problem and a seed,
            which ``module:name`` may stand for.
        problem: Space, objectives and constraints.
        seed: Seed of all random draws; equal seeds give equal searches.
        **options: Options of the searcher, for example ``preset="hat"``.

    Raises:
        UnknownNameError: When the searcher is unknown; lists the known ones.
        UsageError: When an option is unknown to it, it cannot pursue the problem, or it is not a searcher.
    """
    what = f"searcher '{name if isinstance(name, str) else getattr(name, '__name__', name)}'"
    maker: Any = name
    if isinstance(name, str):
        maker = import_callable(name, "class of searchers") if ":" in name else SEARCHERS.load(name)
    found: Any = made(what, maker, problem, seed, **options)
    if not isinstance(found, Searcher):
        raise UsageError(f"{what} makes {type(found).__name__}, which is not a subclass of hwcost.searchers.Searcher")
    if not hasattr(found, "rejections"):
        raise UsageError(f"{what} was not set up: its __init__ has to call super().__init__(problem, seed)")
    return found
