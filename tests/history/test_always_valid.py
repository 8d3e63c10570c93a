"""An interval that holds at every look together, where Student's holds at one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats

from hwcost.history.always_valid import ALPHA, SCALE, half_width

LOOKS = np.arange(2, 61)


def ever_wrong(draws: np.ndarray, factors: np.ndarray) -> float:
    """Returns the share of rows whose mean's interval leaves out zero at any look.

    Args:
        draws: Draws with the mean zero, shape (rows, 60).
        factors: Half-width at each look over the standard deviation, shape (59,).
    """
    n = LOOKS
    sums, squares = draws.cumsum(axis=1)[:, n - 1], (draws**2).cumsum(axis=1)[:, n - 1]
    means = sums / n
    sds = np.sqrt((squares - n * means**2) / (n - 1))
    return float((np.abs(means) > factors * sds).any(axis=1).mean())


@pytest.mark.parametrize("kind", ["normal", "heavy tails", "two noises"])
def test_it_leaves_out_the_truth_at_no_look_where_a_single_look_s_interval_often_does(kind: str) -> None:
    rng = np.random.default_rng(0)
    draws = rng.standard_normal((4000, 60))
    if kind == "heavy tails":
        draws = rng.standard_t(4, (4000, 60))
    elif kind == "two noises":
        draws *= np.where(rng.random((4000, 60)) < 0.3, 3.0, 1.0)
    always = np.array([half_width(1.0, n, n - 1) for n in LOOKS])
    once = special.stdtrit(LOOKS - 1, 0.975) / np.sqrt(LOOKS)
    assert ever_wrong(draws, always) <= ALPHA
    assert ever_wrong(draws, once) > 4 * ALPHA


@pytest.mark.parametrize("n", [5, 9, 30])
def test_it_is_the_set_of_means_that_the_mixture_of_t_tests_does_not_reject(n: int) -> None:
    t = half_width(1.0, n, n - 1) * math.sqrt(n)

    def density(size: float) -> float:
        return float(stats.nct.pdf(t, n - 1, size * math.sqrt(n)) * stats.norm.pdf(size, scale=SCALE))

    mixture, _ = integrate.quad(density, -6.0, 6.0, points=[0.0, 1.0], limit=200)
    assert mixture / stats.t.pdf(t, n - 1) == pytest.approx(1 / ALPHA, rel=1e-3)


@given(st.integers(5, 200), st.floats(0.001, 0.5))
def test_it_is_wider_than_a_single_look_s_and_narrows(n: int, alpha: float) -> None:
    width, next_one = half_width(1.0, n, n - 1, alpha), half_width(1.0, n + 1, n, alpha)
    assert width > float(special.stdtrit(n - 1, 1 - alpha / 2)) / math.sqrt(n)
    assert next_one < width or next_one == width == math.inf
    assert half_width(2.0, n, n - 1, alpha) == pytest.approx(2 * width)


def test_too_few_values_leave_nothing_out() -> None:
    assert half_width(0.01, 1, 0) == half_width(0.01, 3, 2) == math.inf
    assert half_width(0.01, 4, 3) < math.inf
