"""Tridiagonal systems: solution and entries of the inverse are those of the dense matrix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import lapack

from hwcost.levels.tridiagonal import solve


@given(st.integers(0, 10_000), st.integers(2, 60), st.floats(1e-2, 1e4))
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


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 400])
def test_several_systems_are_solved_side_by_side(n: int) -> None:
    rng = np.random.default_rng(n)
    tied = 1e3 * rng.random((2, 3, n - 1))
    tied[..., ::5] = 0.0
    ends = np.zeros((2, 3, 1))
    diagonal = 1.0 + np.concatenate([tied, ends], axis=-1) + np.concatenate([ends, tied], axis=-1)
    right = rng.normal(size=(2, 3, n))
    found = solve(diagonal, -tied, right)
    for place in np.ndindex(2, 3):
        alone = solve(diagonal[place], -tied[place], right[place])
        for name in ("values", "variance", "covariance"):
            np.testing.assert_array_equal(getattr(found, name)[place], getattr(alone, name))


def test_it_is_what_elimination_gives() -> None:
    rng = np.random.default_rng(1)
    tied = 1e3 * rng.random(2000)
    tied[::50] = 0.0
    diagonal, right = 1.0 + np.append(tied, 0.0) + np.append(0.0, tied), rng.normal(size=2001)
    found = solve(diagonal, -tied, right)
    pivots, factors, _ = lapack.dpttrf(diagonal, -tied)
    behind = lapack.dpttrf(diagonal[::-1], -tied[::-1])[0][::-1]
    np.testing.assert_allclose(found.values, lapack.dpttrs(pivots, factors, right)[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.variance, 1.0 / (pivots + behind - diagonal), rtol=1e-9)
    np.testing.assert_allclose(found.covariance, -factors * found.variance[1:], rtol=1e-9)
