"""Tridiagonal systems: solution and entries of the inverse are those of the dense matrix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.levels.tridiagonal import solve


@given(st.integers(0, 10_000), st.integers(1, 60), st.floats(1e-2, 1e4))
def test_it_is_what_the_dense_matrix_gives(seed: int, n: int, seen: float) -> None:
    rng = np.random.default_rng(seed)
    tied = rng.uniform(10.0, 1e5, n - 1)
    diagonal = rng.uniform(0.5, 1.0, n) * seen + np.append(tied, 0.0) + np.append(0.0, tied)
    right = rng.normal(0.0, seen, n)
    found = solve(diagonal, -tied, right)
    dense = np.linalg.inv(np.diag(diagonal) - np.diag(tied, 1) - np.diag(tied, -1))
    assert found.variance == pytest.approx(np.diag(dense), rel=1e-4)
    assert found.covariance == pytest.approx(np.diag(dense, 1), rel=1e-4)
    assert found.values == pytest.approx(dense @ right, rel=1e-4, abs=1e-4 * np.abs(dense @ right).max())


def test_systems_together_are_those_one_by_one() -> None:
    rng = np.random.default_rng(0)
    for n in (1, 2, 3, 8, 13):
        beside = -rng.random((2, 3, n - 1))
        diagonal, right = 2.0 + rng.random((2, 3, n)), rng.normal(size=(2, 3, n))
        together = solve(diagonal, beside, right)
        for place in np.ndindex(2, 3):
            alone = solve(diagonal[place], beside[place], right[place])
            for name in ("values", "variance", "covariance"):
                np.testing.assert_array_equal(getattr(together, name)[place], getattr(alone, name))


def test_systems_that_fall_apart_are_solved_apart() -> None:
    diagonal, beside, right = np.full(9, 3.0), np.full(8, -1.0), np.arange(9.0)
    beside[3] = 0.0
    found = solve(diagonal, beside, right)
    for part in (slice(0, 4), slice(4, 9)):
        alone = solve(diagonal[part], beside[part.start : part.stop - 1], right[part])
        assert found.values[part] == pytest.approx(alone.values, rel=1e-12)
        assert found.variance[part] == pytest.approx(alone.variance, rel=1e-12)
    assert found.covariance[3] == 0.0


def test_long_systems_are_those_of_elimination_row_by_row() -> None:
    from scipy.linalg import lapack

    rng = np.random.default_rng(1)
    tied = 1e3 * rng.random(1776)
    diagonal, right = 1.0 + np.append(tied, 0.0) + np.append(0.0, tied), rng.normal(size=1777)
    down, factor, _ = lapack.dpttrf(diagonal, -tied)
    up = lapack.dpttrf(diagonal[::-1], -tied[::-1])[0][::-1]
    found = solve(diagonal, -tied, right)
    assert found.values == pytest.approx(lapack.dpttrs(down, factor, right)[0], rel=1e-9)
    assert found.variance == pytest.approx(1.0 / (down + up - diagonal), rel=1e-9)
