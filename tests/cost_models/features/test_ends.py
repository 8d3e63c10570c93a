"""Trees are off at the ends of their rows: intervals are wider there, by what errors on rows left out say."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hwcost.cost_models import cost_model, load
from hwcost.cost_models.features.ends import LEAST_ROWS, Ends
from hwcost.cost_models.training.intervals import calibrate
from hwcost.spaces import space

OPERATIONS = np.array([0.0, 0.0005, 0.004, 0.011, 0.003])
CELL = space("custom", genes={f"edge{i}": list("abcde") for i in range(6)})
EVERY = np.indices((5,) * 6).reshape(6, -1).T
SUMS = 0.006 + OPERATIONS[EVERY].sum(axis=1)


def test_an_end_has_the_errors_of_its_tenth_and_the_middle_none_of_them():
    rng = np.random.default_rng(0)
    line = rng.permutation(np.arange(200.0))
    errors = np.where(line < 20, 0.3, np.where(line > 179, 0.05, 0.1)) * np.where(rng.random(200) < 0.5, -1, 1)
    ends = Ends.of(line, errors)
    typical = np.abs(errors).mean()
    assert (ends.low.outer, ends.low.inner, ends.low.factor) == (10.0, 39.0, pytest.approx(0.3 / typical))
    assert (ends.high.outer, ends.high.inner, ends.high.factor) == (189.0, 160.0, 1.0)
    found = ends(np.array([-5.0, 10.0, 24.5, 39.0, 100.0, 250.0]))
    half = 1 + (ends.low.factor - 1) / 2
    np.testing.assert_allclose(found, [ends.low.factor, ends.low.factor, half, 1, 1, 1])
    again = Ends.from_dict(json.loads(json.dumps(ends.as_dict())))
    assert again == ends


def test_few_rows_and_rows_of_one_height_have_no_ends():
    errors = np.linspace(-0.1, 0.1, LEAST_ROWS)
    assert Ends.of(np.arange(LEAST_ROWS - 1.0), errors[1:]) is None
    assert Ends.of(np.zeros(LEAST_ROWS), errors) is None
    assert Ends.of(np.arange(float(LEAST_ROWS)), 0 * errors) is None
    assert Ends.of(np.arange(float(LEAST_ROWS)), errors) is not None


def test_intervals_hold_for_the_quickest_and_are_narrower_for_all_others(tmp_path):
    rng = np.random.default_rng(4)
    values = SUMS * np.exp(rng.normal(0, 0.01, len(SUMS)))
    archs = [CELL.architecture(["abcde"[code] for code in EVERY[row]]) for row in rng.permutation(len(EVERY))[:300]]
    rows = np.ravel_multi_index(CELL.encode(archs).astype(int).T, (5,) * 6)
    model = calibrate(cost_model("lightgbm", CELL, rounds=150).fit(archs, values[rows]), archs, values[rows])
    genes = EVERY.astype(float)
    left = np.setdiff1d(np.flatnonzero(model.in_domain(genes)), rows)
    errors = np.abs(np.log(values / model.predict_encoded(genes)))
    widths = model.half_widths(genes)
    tenth = left[np.argsort(model.domain_.trend.heights(model.features, genes[left]))][: len(left) // 10]
    assert (errors[left] <= widths[left]).mean() > 0.87
    assert (errors[tenth] <= widths[tenth]).mean() > 0.8
    even = np.quantile(errors[left], (errors[left] <= widths[left]).mean())  # one width for all that holds as often
    assert (errors[tenth] <= even).mean() < 0.75
    assert model.log_interval_half_width_ < even
    np.testing.assert_array_equal(load(model.save(tmp_path / "model")).half_widths(genes[left]), widths[left])
    np.testing.assert_array_equal([model.half_widths(genes[[row]])[0] for row in left[:50]], widths[left[:50]])
