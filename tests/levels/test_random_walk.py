"""The smooth solves the system it says it solves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.levels.random_walk import LEAST_GAP, smooth


@given(st.integers(2, 40), st.integers(0, 1000), st.sampled_from([1.0, 8.0, 128.0]))
def test_fit_and_leverages_are_those_of_the_dense_system(n, seed, memory):
    rng = np.random.default_rng(seed)
    values, weights, gaps = rng.normal(size=n), rng.uniform(0.1, 2.0, n), rng.exponential(size=n - 1)
    gaps[::5] = np.inf
    penalty = np.zeros((n, n))
    for i, coupling in enumerate(memory**2 / np.maximum(gaps, LEAST_GAP)):
        penalty[i : i + 2, i : i + 2] += coupling * np.array([[1.0, -1.0], [-1.0, 1.0]])
    hat = np.linalg.solve(np.diag(weights) + penalty, np.diag(weights))
    found = smooth(values, weights, gaps, np.array([2.0, memory]))
    assert found.fitted[1] == pytest.approx(hat @ values, abs=1e-6)
    assert found.leverage[1] == pytest.approx(np.diag(hat), abs=1e-6)


def test_left_out_errors_are_those_of_fits_without_the_value():
    rng = np.random.default_rng(3)
    values, weights, gaps = rng.normal(size=25), np.ones(25), np.ones(24)
    errors = smooth(values, weights, gaps, np.array([4.0])).left_out(values)[0]
    for i in (0, 11, 24):
        without = weights.copy()
        without[i] = 1e-12
        assert errors[i] == pytest.approx(values[i] - smooth(values, without, gaps, np.array([4.0])).fitted[0, i], abs=1e-6)
