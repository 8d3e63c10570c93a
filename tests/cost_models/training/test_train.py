"""Rows to a finished model: what is said of its errors does not hang on how numbers are written."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost.cost_models.training.metrics import metrics
from hwcost.cost_models.training.train import Trained


@pytest.mark.parametrize("unit", [1.0, 1e-9, 3.6e6])
def test_equal_predictions_are_tied_in_any_unit(unit):
    rng = np.random.default_rng(0)
    predicted = rng.choice([0.011, 0.013, 0.017, 0.019, 0.023], 60)
    measured = predicted * np.exp(rng.normal(0, 0.2, 60))
    scaled = measured * unit
    trained = Trained(None, np.arange(60), scaled, np.log(scaled / (predicted * unit)))
    assert len(np.unique(trained.left_out)) == 5
    for name in ("kendall_tau", "spearman"):
        assert trained.metrics[name] == pytest.approx(metrics(measured, predicted)[name], rel=1e-12)
