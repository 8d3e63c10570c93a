"""Machines whose latencies are known, cost models fitted on them, and measurements of them."""

from __future__ import annotations

import math

import numpy as np

from hwcost.cost_models import cost_model
from hwcost.cost_models.training.intervals import calibrate
from hwcost.objectives import Constraint, Minimize
from hwcost.objectives.sizes import Params
from hwcost.spaces import space
from hwcost.study import search

SPACE = space("supershaper", scale="mini")


def machine(seed: int, deviation: float = 0.3):
    """Returns the true latency of architectures on a machine whose prices deviate from proportionality."""
    rng = np.random.default_rng(seed)
    prices = [
        {value: 1e-4 * (value / 64) * (1 + deviation * rng.standard_normal()) for value in gene.choices}
        for gene in SPACE.genes
    ]
    return lambda archs: np.array([1e-3 + sum(p[v] for p, v in zip(prices, arch.genes, strict=True)) for arch in archs])


def fitted(true, seed: int, name: str = "lut", n: int = 24, noise: float = 0.02, archs=None, **options):
    archs = archs or SPACE.sample(n, seed=seed)
    values = true(archs) * np.exp(noise * np.random.default_rng(seed).standard_normal(len(archs)))
    return calibrate(cost_model(name, SPACE, **options).fit(archs, values), archs, values)


def fastest(model, least: float, seed: int = 0, evaluations: int = 600):
    constraints = [Constraint(Params(SPACE), least=least)]
    return search(SPACE, [Minimize(model)], constraints, searcher="evolution", evaluations=evaluations, seed=seed)


def measure_with(true, seed: int, error: float = 0.003):
    rng = np.random.default_rng(seed)

    def measure(archs):
        seconds = true(archs) * np.exp(error * rng.standard_normal(len(archs)))
        return [(one, one * math.exp(-2 * error), one * math.exp(2 * error)) for one in seconds]

    return measure


def middle_size() -> float:
    return float(np.median([SPACE.params(arch) for arch in SPACE.sample(50, seed=1)]))
