"""Cost models that the tests of objectives share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from hwcost.cost_models import cost_model
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.training.intervals import calibrate
from hwcost.spaces import Architecture, Candidates, space

SHAPER = space("supershaper")
NOISE = 0.03


def latencies_s(archs: Sequence[Architecture], seed: int) -> NDArray[np.float64]:
    law = np.array([1e-3 + 2e-12 * SHAPER.flops(arch) for arch in archs])
    return np.asarray(law * np.exp(np.random.default_rng(seed).normal(0, NOISE, len(archs))))


@cache
def calibrated(n: int) -> CostModel:
    archs = SHAPER.sample(n, seed=0)
    seconds = latencies_s(archs, 0)
    return calibrate(cost_model("ridge", SHAPER).fit(archs, seconds), archs, seconds)


@cache
def measured() -> tuple[list[Architecture], NDArray[np.float64]]:
    archs = SHAPER.sample(2000, seed=7)
    return archs, latencies_s(archs, 7)


def narrow() -> CostModel:
    """A lookup table of the four smallest widths."""
    archs = Candidates(SHAPER, np.random.default_rng(0).integers(0, 4, size=(60, 12))).architectures
    return cost_model("lut", SHAPER).fit(archs, [1e-9 * SHAPER.params(arch) for arch in archs])
