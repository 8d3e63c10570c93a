"""The ratio keeps its promise of 1 % for any noise, and sees levels that only a few rows stand on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.levels.von_neumann import critical, von_neumann

NOISES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "heavy tails": lambda rng, n: rng.standard_t(2, size=n),
    "groups": lambda rng, n: rng.choice([0.0, 1.0, 1.1, 5.0], n) + rng.normal(0, 0.05, n),
    "whole milliseconds": lambda rng, n: np.round(rng.normal(20, 3, n)),
}


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("n", [30, 300])
def test_noise_falls_below_in_one_percent(name, n):
    rng = np.random.default_rng(0)
    below = np.mean([von_neumann(NOISES[name](rng, n)) < critical(n) for _ in range(2000)])
    assert 0.003 <= below <= 0.02


@pytest.mark.parametrize(("rows", "shift"), [(120, 0.4), (1000, 0.03), (60, 1.0)])
def test_a_block_of_rows_is_seen(rows, shift):
    values = np.random.default_rng(1).normal(0, 0.03, 2000)
    values[700 : 700 + rows] += shift
    assert von_neumann(values) < critical(2000)


def test_extremes():
    assert von_neumann(np.arange(100.0)) < 0.01
    assert von_neumann(np.tile([0.0, 1.0], 50)) == pytest.approx(2.0, rel=0.05)
    assert von_neumann(np.ones(100)) == 1.0
    assert von_neumann(np.arange(5.0)) == 1.0


@given(st.lists(st.floats(-10, 10), min_size=10, max_size=60))
def test_it_knows_ranks_only(values):
    series = np.round(np.array(values), 3)
    assert von_neumann(series) == pytest.approx(von_neumann(np.exp(series)), abs=1e-9)
    assert 0.0 <= von_neumann(series) <= 4.0
