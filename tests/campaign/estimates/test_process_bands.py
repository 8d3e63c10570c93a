"""Workloads whose processes take one of two ways through the code, beside others whose processes agree."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from hwcost.campaign.estimates.estimate import estimate
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.timing.measurement import Measurement, Visit
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload

N = 12


def measured(slow: Sequence[bool], delay: float, seed: int = 0) -> list[Measurement]:
    """Measures twelve workloads of one second, of which the first is slower in some processes."""
    rng = np.random.default_rng(seed)
    plan = Plan(tuple(Item(SyntheticWorkload(f"w{i}", flops=i + 1)) for i in range(N)), "cpu", "null", protocol("standard"))
    visits = [
        Visit(item.workload.key, r, i, samples_s=(math.exp(rng.normal(0, 0.005) + delay * (slow[r] and not i)),))
        for r in range(len(slow))
        for i, item in enumerate(plan.items)
    ]
    return estimate(plan, visits)


def codes(measurement: Measurement) -> set[str]:
    return {flag.code for flag in measurement.flags}


@pytest.mark.parametrize("slow", [(True, False, True, False), (True, True, False, False, True)])
def test_the_interval_of_a_workload_in_two_bands_holds_both(slow: tuple[bool, ...]) -> None:
    one, *others = measured(slow, math.log(1.15))
    assert one.low_s is not None
    assert one.high_s is not None
    assert one.low_s <= 1.01
    assert one.high_s >= 1.14
    assert "W_MULTIMODAL" in codes(one)
    assert "fall into two groups" in one.interval_reason
    assert not any("W_MULTIMODAL" in codes(other) or (other.half_width or 1.0) > 0.02 for other in others)


def test_a_process_that_stands_alone_is_told_and_counts_little() -> None:
    one, *others = measured((False, False, True, False), math.log(1.15))
    assert "W_MULTIMODAL" in codes(one)
    assert one.latency_s == pytest.approx(1.0, rel=0.03)
    assert (one.half_width or 1.0) < 0.02
    assert not any("W_MULTIMODAL" in codes(other) for other in others)


def test_processes_that_agree_are_hardly_ever_told_apart() -> None:
    found = [codes(one) for seed in range(25) for one in measured((False,) * 4, 0.0, seed)]
    assert sum("W_MULTIMODAL" in one for one in found) <= 2
