"""The interval of a median holds what it says, and is no wider than that."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from benchmarks.studies.sign_test import median_interval


@pytest.mark.parametrize("n", [6, 7, 8, 9, 12, 40, 241])
def test_the_median_lies_inside_in_95_of_100_cases(n: int) -> None:
    low, high = median_interval(range(n, 0, -1))
    assert low - 1 == n - high, "as many values lie outside on either side"

    def missed(values: float) -> float:
        """Returns the probability that the median lies outside when so many values do on each side."""
        return float(2 * stats.binom.cdf(values, n, 0.5))

    assert missed(low - 1) <= 0.05 < missed(low)


@pytest.mark.parametrize("n", range(6))
def test_few_values_have_no_interval(n: int) -> None:
    assert all(map(math.isnan, median_interval([1.0] * n)))
