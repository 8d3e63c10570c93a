"""Percentiles are told from isolated calls, and only from enough of them."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost.timing.measurement import PERCENTILE_CALLS, Measurement, Visit
from hwcost.workloads import SyntheticWorkload

WORK = SyntheticWorkload("w", flops=1)


def measured(calls: int, calls_per_block: int = 1, status: str = "ok") -> Measurement:
    samples = tuple(float(i + 1) for i in np.random.default_rng(0).permutation(calls))
    visits = [
        Visit(WORK.key, r, 0, samples_s=samples[r::2], calls_per_block=calls_per_block, status=status) for r in range(2)
    ]
    return Measurement(WORK, "fit", 1.0, None, 2, tuple(visits))


@pytest.mark.parametrize(("percent", "needed"), PERCENTILE_CALLS.items())
def test_a_percentile_needs_enough_calls(percent: int, needed: int) -> None:
    assert measured(needed - 1).percentile_s(percent) is None
    assert f"p{percent} takes {needed}" in str(measured(needed - 1).percentile_flag)
    assert measured(needed).percentile_s(percent) == np.ceil(percent / 100 * needed)


def test_the_second_largest_call_bounds_a_percentile_with_99_percent_confidence() -> None:
    from scipy import stats

    for percent, calls in PERCENTILE_CALLS.items():
        assert stats.binom.cdf(1, calls, 1 - percent / 100) == pytest.approx(0.01, abs=5e-4)


def test_blocks_of_several_calls_and_void_visits_tell_nothing() -> None:
    assert measured(1000, calls_per_block=2).percentile_s(90) is None
    assert measured(1000, status="void").percentile_s(90) is None
    assert measured(1000).percentile_flag is None


def test_the_mean_as_observed_holds_blocks_that_lost_the_processor_and_no_void_visit() -> None:
    one = Visit("w", 0, 0, samples_s=(1.0, 1.0, 2.0), conditions={"left_out_s": {"disturbed": [4.0]}})
    assert one.observed_mean_s == pytest.approx(2.0)
    assert one.latency_s == pytest.approx(1.0)
    void = Visit("w", 2, 0, samples_s=(99.0,), status="void")
    visits = (one, Visit("w", 1, 0, samples_s=(1.0, 1.0)), void)
    found = Measurement(SyntheticWorkload("w"), "fit", 1.0, 0.01, 2, visits)
    assert found.observed_mean_s == pytest.approx(1.5)
    assert Measurement(SyntheticWorkload("w"), "fit", None, None, 0, (void,)).observed_mean_s is None
