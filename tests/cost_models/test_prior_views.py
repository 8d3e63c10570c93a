"""What sources say about how a new device resembles them, before any of its rows is known."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost._types import Floats
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.prior import PriorModel
from hwcost.cost_models.prior_experts import SETTINGS
from tests.cost_models.test_prior import SPACE, shuffled, source


def shares(models: list[CostModel]) -> Floats:
    """Probability of each expert; the last one is like no source."""
    known = PriorModel(SPACE, sources=models).learnt()
    assert known.views.shape == (len(known.members), len(SETTINGS))
    found = np.exp(known.views)
    assert found.sum() == pytest.approx(1.0)
    return np.asarray(found.sum(axis=1))


def test_sources_that_resemble_each_other_are_believed() -> None:
    alike, apart = shares([source(device) for device in range(4)]), shares([shuffled(seed) for seed in range(4)])
    assert alike[-1] < 0.1
    assert apart[-1] > 2 * alike[-1]


def test_which_source_it_is_only_rows_can_tell() -> None:
    known = shares([source(device) for device in range(4)])
    assert known[:4] == pytest.approx(np.full(4, known[0]))


def test_one_source_leaves_all_views_alike() -> None:
    assert shares([source(0)]) == pytest.approx([0.5, 0.5])


def test_sources_that_deviate_more_let_a_new_device_deviate_more() -> None:
    def size(models: list[CostModel]) -> float:
        views = np.exp(PriorModel(SPACE, sources=models).learnt().views).sum(axis=0)
        return float(views @ SETTINGS[:, 2])

    assert size([source(device) for device in range(4)]) < size([shuffled(seed) for seed in range(4)])
