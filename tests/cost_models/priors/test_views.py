"""What sources say about how a new device resembles them, before any of its rows is known."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost._types import Floats
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.priors.experts import SETTINGS
from hwcost.cost_models.priors.model import PriorModel
from hwcost.cost_models.priors.views import _mixing
from tests.cost_models.priors.test_model import SPACE, shuffled, source


def views(models: list[CostModel]) -> Floats:
    known = PriorModel(SPACE, sources=models).learnt()
    assert known.views.shape == (len(known.members), len(SETTINGS))
    return np.exp(known.views)


def test_which_expert_it_is_only_rows_can_tell() -> None:
    assert views([source(device) for device in range(4)]).sum(axis=1) == pytest.approx(np.full(6, 1 / 6))


def test_one_source_leaves_all_settings_alike() -> None:
    assert views([source(0)]) == pytest.approx(np.full((2, len(SETTINGS)), 0.5 / len(SETTINGS)))


def test_sources_that_deviate_more_let_a_new_device_deviate_more() -> None:
    def size(models: list[CostModel]) -> float:
        return float((views(models)[:4] @ SETTINGS[:, 2]).sum())

    assert size([source(device) for device in range(4)]) < 0.5 * size([shuffled(seed) for seed in range(4)])


def test_a_setting_that_explains_all_sources_takes_the_weight() -> None:
    both = np.zeros((4, len(SETTINGS)))
    both[:, 3] = 0.5
    both[np.arange(4), [10, 20, 30, 40]] = 1.0  # each has a better one, which explains no other source
    found = _mixing(both)
    assert found[3] == pytest.approx(0.8, abs=0.02)
    assert found.sum() == pytest.approx(1.0)


def test_a_source_unlike_the_others_keeps_a_setting_of_its_own() -> None:
    apart = np.zeros((5, len(SETTINGS)))
    apart[:4, 3] = apart[4, 50] = 1.0
    found = _mixing(apart)
    assert (found[3], found[50]) == (pytest.approx(4 / 6, abs=0.01), pytest.approx(1 / 6, abs=0.01))
