"""Values by series and night, and how much each counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.history.nights import nanmedian, weighted_nanmedian
from hwcost.history.weights import night_weights


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(1, 4)), min_size=1, max_size=12))
def test_a_weighted_median_is_that_of_repeated_values(rows: list[tuple[int, int]]) -> None:
    values, counts = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    repeated = np.repeat(values, counts.astype(int))
    found = weighted_nanmedian(values[None], counts[None] / 4, axis=1)
    assert found == pytest.approx([np.median(repeated)])


def test_unknown_values_have_no_weight() -> None:
    values = np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, np.nan]])
    for weights in (np.ones((2, 3)), np.array([[0.5, 0.5, 0.1], [1.0, 1.0, 1.0]])):
        found = weighted_nanmedian(values, weights, axis=1)
        assert np.isnan(found[1])
    assert found[0] == 1.0
    assert nanmedian(values, axis=1)[0] == 2.0


def test_a_value_counts_as_the_variance_of_a_night_over_its_own() -> None:
    y = np.random.default_rng(0).normal(0, 0.02, 400)
    full = np.arange(400) % 4 > 0
    weights = night_weights(y, np.full(400, 1.96 * 0.06), full, np.zeros(400))
    assert weights[full] == pytest.approx(1.0)
    assert weights[~full] == pytest.approx(0.02**2 / (0.02**2 + 0.06**2), rel=0.25)
    assert night_weights(y, np.full(400, np.nan), np.ones(400, dtype=bool), np.zeros(400)) == pytest.approx(1.0)


def test_where_no_night_is_full_the_nights_themselves_tell_their_noise() -> None:
    y = np.random.default_rng(0).normal(0, 0.05, 100)
    weights = night_weights(y, np.full(100, 1.96 * 0.05), np.zeros(100, dtype=bool), np.zeros(100))
    assert weights == pytest.approx(0.5, abs=0.15)
    level = night_weights(y, np.full(100, np.nan), np.ones(100, dtype=bool), np.full(100, 1.96 * 0.05))
    assert level == pytest.approx(0.5, abs=0.15)
