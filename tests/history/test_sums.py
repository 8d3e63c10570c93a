"""Sums of a history against statistics of its parts, taken one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hwcost.history.stretch import Stretch
from hwcost.history.sums import Sums, p_of

LEVEL = -6.0


def history(seed: int, n: int, vague: float = 0.0) -> Stretch:
    """Draws a history with a shift in its middle; a share of its values is vague."""
    rng = np.random.default_rng(seed)
    y = LEVEL + rng.normal(0.0, 0.02, n) + 0.3 * (np.arange(n) >= n // 2)
    return Stretch(y, np.where(rng.random(n) < vague, rng.uniform(0.01, 1.0, n), 1.0))


@given(st.integers(0, 10_000), st.integers(4, 60), st.data())
def test_full_values_have_the_t_test_of_scipy(seed: int, n: int, data: st.DataObject) -> None:
    y, weight = history(seed, n)
    first = data.draw(st.integers(0, n - 4))
    last = data.draw(st.integers(first + 4, n))
    cut = data.draw(st.integers(first + 2, last - 2))
    sums = Sums(Stretch(y, weight))
    assert sums.mean(first, last) == pytest.approx(y[first:last].mean(), rel=1e-12)
    assert sums.p(first, cut, last) == pytest.approx(stats.ttest_ind(y[first:cut], y[cut:last]).pvalue, rel=1e-7)
    sides = Stretch(y[first:cut], weight[first:cut]), Stretch(y[cut:last], weight[cut:last])
    assert p_of(*sides) == pytest.approx(sums.p(first, cut, last), rel=1e-7)


@given(st.integers(0, 10_000), st.integers(8, 60))
def test_vague_values_count_by_their_weights_and_full_ones_are_a_bound(seed: int, n: int) -> None:
    y, weight = history(seed, n, vague=0.5)
    edges = [0, n // 3, n]
    rest = np.concatenate([part - np.average(part, weights=w) for part, w in _parts(y, weight, edges)])
    variance, dof = float(weight @ rest**2) / (n - 2), n - 2
    full = rest[weight == 1.0]
    if 4 <= len(full) < n and full @ full / max(len(full) - 2, 1) > variance:
        variance, dof = float(full @ full) / max(len(full) - 2, 1), max(len(full) - 2, 1)
    found = Sums(Stretch(y, weight)).variance(edges)
    assert found == (pytest.approx(variance, rel=1e-9), dof)


def _parts(y: np.ndarray, weight: np.ndarray, edges: list[int]) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(y[a:b], weight[a:b]) for a, b in itertools.pairwise(edges)]


@pytest.mark.parametrize("weight", [1.0, 0.3])
def test_histories_without_noise(weight: float) -> None:
    even = np.full(10, LEVEL / 7)
    step = even + 0.06 * (np.arange(10) > 4)
    of_even, of_step = (Sums(Stretch(y, np.full(10, weight))) for y in (even, step))
    assert of_even.p(0, 5, 10) == 1.0
    assert of_step.p(0, 5, 10) == 0.0
    assert of_step.p(0, 3, 5) == 1.0
    assert of_step.variance([0, 5, 10]) == (0.0, 8)
