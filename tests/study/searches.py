"""Searches that the tests of studies share."""

from __future__ import annotations

import math

from hwcost.objectives import Maximize, Minimize, Params
from hwcost.spaces import space
from hwcost.study import search

SPACE = space("supershaper", scale="mini")
SIZE = Params(SPACE)


def depth(arch) -> float:
    """A made-up quality: later layers count more."""
    return float(sum((place + 1) * math.sqrt(gene) for place, gene in enumerate(arch.genes)))


def both(**options):
    return search(SPACE, [Minimize(SIZE), Maximize(depth)], **{"searcher": "nsga2", "evaluations": 70, "seed": 2, **options})


def plain(study):
    return [(trial.number, trial.architecture, trial.values, trial.status, trial.reason) for trial in study.trials]
