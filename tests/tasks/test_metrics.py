"""Metrics equal scikit-learn's and scipy's."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from hwcost.errors import UsageError
from hwcost.tasks.metrics import METRICS, f1

pytestmark = pytest.mark.once

judges = pytest.importorskip("sklearn.metrics")

OURS = {
    "accuracy": judges.accuracy_score,
    "f1": lambda true, found: judges.f1_score(true, found, zero_division=0),
    "macro_f1": lambda true, found: judges.f1_score(true, found, average="macro", zero_division=0),
    "matthews": judges.matthews_corrcoef,
}


def test_these_are_all() -> None:
    assert set(METRICS) == {*OURS, "pearson", "spearman"}


@given(st.integers(1, 200), st.integers(2, 6), st.data())
def test_metrics_of_classes(count: int, classes: int, data: st.DataObject) -> None:
    labels = arrays.arrays(np.int64, count, elements=st.integers(0, classes - 1))
    true, found = data.draw(labels), data.draw(labels)
    for name, judge in OURS.items():
        if name != "f1" or classes == 2:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a single class
                assert METRICS[name](true, found) == pytest.approx(float(judge(true, found)), abs=1e-12), name


@given(st.integers(3, 200), st.integers(0, 2**32 - 1), st.booleans())
def test_metrics_of_numbers(count: int, seed: int, is_tied: bool) -> None:
    rng = np.random.default_rng(seed)
    true = rng.normal(3, 2, count)
    found = 0.5 * true + rng.normal(0, 1, count)
    if is_tied:
        true, found = true.round(), found.round()
    if np.ptp(true) and np.ptp(found):
        assert METRICS["pearson"](true, found) == pytest.approx(stats.pearsonr(true, found).statistic, abs=1e-12)
        assert METRICS["spearman"](true, found) == pytest.approx(stats.spearmanr(true, found).statistic, abs=1e-12)


def test_predictions_that_are_all_alike_are_worth_nothing() -> None:
    true, same = np.arange(8.0), np.full(8, 0.1, dtype=np.float32)
    assert METRICS["pearson"](true, same) == METRICS["spearman"](true, same) == 0
    assert METRICS["matthews"](np.array([0, 1]), np.array([1, 1])) == METRICS["f1"](np.array([0, 0]), np.array([0, 0])) == 0


def test_f1_is_of_two_classes() -> None:
    with pytest.raises(UsageError, match="'f1' is of two classes.*Ask for 'macro_f1'"):
        f1(np.array([0, 2]), np.array([0, 1]))
