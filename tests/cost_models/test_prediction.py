from __future__ import annotations

import numpy as np
import pytest

from hwcost.cost_models.prediction import Prediction


@pytest.mark.filterwarnings("error")
def test_no_interval_ends_at_zero_or_infinity():
    answer = Prediction.within(np.array([1e-3, 2.0]), np.array([0.1, 5000.0]), np.array([True, False]), "latency_s")
    assert answer.low_s is not None
    assert answer.high_s is not None
    np.testing.assert_allclose(np.log(answer.high_s[0] / answer.low_s[0]), 0.2)
    assert answer.low_s[1] > 0
    assert np.isfinite(answer.high_s[1])
