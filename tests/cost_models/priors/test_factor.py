"""The factor between few rows and a shape: the mean of rows that agree, and no row that is far off draws it to itself."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost._types import Floats
from hwcost.cost_models.priors.answer import Answer
from hwcost.cost_models.priors.experts import NOISES
from hwcost.cost_models.priors.factor import factor

EVEN = np.full(len(NOISES), -np.log(len(NOISES)))


def found(*ratios: float, weights: Floats | None = None) -> float:
    return factor(np.array(ratios), np.ones(len(ratios)) if weights is None else weights, EVEN)


def test_equal_ratios_are_the_factor() -> None:
    assert found(3.0, 3.0, 3.0) == pytest.approx(3.0, rel=1e-5)


def test_even_ratios_give_their_middle() -> None:
    assert found(0.98, 1.0, 1.0 / 0.98) == pytest.approx(1.0, rel=1e-4)


def test_a_row_that_is_far_off_draws_the_factor_little() -> None:
    mean = 1.5 ** (1 / 3)
    assert abs(found(1.0, 1.01, 1.5) - 1.005) < 0.2 * abs(mean - 1.005)


def test_the_factor_is_in_units_of_the_ratios() -> None:
    assert found(2.0, 2.02, 2.5) == pytest.approx(2.0 * found(1.0, 1.01, 1.25), rel=1e-6)


def test_rows_of_more_weight_count_more() -> None:
    light, heavy = found(1.0, 1.01, 1.03), found(1.0, 1.01, 1.03, weights=np.array([0.2, 0.2, 2.6]))
    assert light < heavy < 1.03


def test_two_thirds_of_the_error_of_a_mean_under_heavy_tails() -> None:
    rng = np.random.default_rng(0)
    errors = 0.02 * rng.standard_t(1.5, (200, 3))
    ours = [np.log(factor(np.exp(one), np.ones(3), EVEN)) for one in errors]
    assert np.mean(np.abs(ours)) < 0.67 * np.mean(np.abs(errors.mean(axis=1)))
    normal = 0.02 * rng.standard_normal((200, 3))
    ours = [np.log(factor(np.exp(one), np.ones(3), EVEN)) for one in normal]
    assert np.mean(np.abs(ours)) < 1.1 * np.mean(np.abs(normal.mean(axis=1)))


def test_an_answer_times_a_factor_has_the_same_relative_errors() -> None:
    one = Answer(np.array([1.0, 2.0]), np.diag([0.1, 0.2]), 0.01, 1.7, np.array([-0.1, 0.1]), 0.1)
    columns = np.array([[1.0, 1.0], [2.0, 0.5]])
    assert columns @ one.times(3.0).mean == pytest.approx(3.0 * (columns @ one.mean))
    assert one.times(3.0).half_widths(columns, 0.0) == pytest.approx(one.half_widths(columns, 0.0))
