from __future__ import annotations

import numpy as np
import pytest

from hwcost.cost_models.prediction import Prediction


@pytest.mark.parametrize("widths", [[np.nan, np.nan], [0.1, np.nan], []])
def test_ends_of_missing_intervals_are_not_a_number(widths):
    n = len(widths)
    answer = Prediction.within(np.full(n, 2.0), np.array(widths, dtype=np.float64), np.ones(n, dtype=bool), "latency_s")
    for ends in (answer.low_s, answer.high_s, answer.low, answer.high):
        assert ends.dtype == np.float64
        np.testing.assert_array_equal(np.isnan(ends), np.isnan(widths))


@pytest.mark.filterwarnings("error")
def test_no_interval_ends_at_zero_or_infinity():
    answer = Prediction.within(np.array([1e-3, 2.0]), np.array([0.1, 5000.0]), np.array([True, False]), "latency_s")
    np.testing.assert_allclose(np.log(answer.high_s[0] / answer.low_s[0]), 0.2)
    assert answer.low_s[1] > 0
    assert np.isfinite(answer.high_s[1])
