"""A model that no longer holds on its device is told from one that only meets noise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hwcost.backends.null import Null
from hwcost.cost_models import cost_model
from hwcost.cost_models.data import Data, from_measurements
from hwcost.cost_models.prediction import Prediction
from hwcost.cost_models.train import train
from hwcost.spaces import space as make_space
from hwcost.suites.judging import judge, judge_values
from hwcost.suites.suite import Limits
from hwcost.testing.faults import Faults

SPACE = make_space("supershaper")


def night(seed: int, factor: float = 1.0, noise: float = 0.01, n: int = 30) -> Data:
    """Latencies of one night on a device that follows the null backend's law."""
    rng = np.random.default_rng([7, seed])
    archs = SPACE.sample(n, seed=0, design="spread")
    law_s = np.array([3e-3 + 1e-10 * SPACE.flops(arch, seq_len=128) for arch in archs])
    values = factor * law_s * np.exp(noise * rng.standard_normal(n))
    return Data(SPACE, archs, values, np.ones(n), ("fit",) * n, "night", {"batch_size": 1, "seq_len": 128}, {})


@pytest.fixture(scope="module")
def model():
    return train(night(0), "lut").model


@pytest.mark.parametrize("seed", range(1, 6))
def test_noise_alone_leaves_a_model_holding(model, seed: int) -> None:
    found = judge(model, night(seed), Limits())
    assert found.holds, found.reason
    assert found.mape is not None and found.mape < 3
    assert abs(found.level) < 0.01


@pytest.mark.parametrize("factor", [1.06, 1 / 1.06])
def test_a_device_that_moved_by_six_percent_is_named_as_such(model, factor: float) -> None:
    found = judge(model, night(1, factor), Limits())
    assert not found.holds
    assert found.reason.startswith("The level of the device moved")
    assert ("slower" if factor > 1 else "faster") in found.reason
    assert found.level == pytest.approx(math.log(factor), abs=0.01)
