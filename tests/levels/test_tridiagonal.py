"""Tridiagonal systems: solution and entries of the inverse are those of the dense matrix."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.levels import tridiagonal
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


@pytest.mark.parametrize("n", [2, 3, 7, 400])
def test_lapack_gives_the_same_bits(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(n)
    tied = 1e3 * rng.random(n - 1)
    tied[::5] = 0.0
    diagonal, right = 1.0 + np.append(tied, 0.0) + np.append(0.0, tied), rng.normal(size=n)
    monkeypatch.setattr(tridiagonal, "SHORT", 0)
    by_lapack = solve(diagonal, -tied, right)
    monkeypatch.setattr(tridiagonal, "SHORT", n)
    monkeypatch.delitem(sys.modules, tridiagonal.LIBRARY)
    in_python = solve(diagonal, -tied, right)
    for name in ("values", "variance", "covariance"):
        np.testing.assert_array_equal(getattr(in_python, name), getattr(by_lapack, name))
