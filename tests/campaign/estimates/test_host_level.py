"""The level of a host that others share: known processes, and campaigns on a simulated one."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hwcost.campaign.estimates.block_table import SEGMENT_S
from hwcost.campaign.estimates.estimate import fit_campaign
from hwcost.campaign.estimates.host_level import FORGOTTEN_S, level_error, usual_error
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.campaign.rounds.precision import half_width
from hwcost.timing.measurement import Measurement, Visit
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload

N, ROUNDS, PASSES, BLOCK_S = 6, 4, 40, 0.06
SD = 0.008
"""Standard deviation of the simulated level."""


def levels(rng: np.random.Generator, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns a stationary level that forgets, at ascending times."""
    kept = np.exp(-np.diff(times_s) / FORGOTTEN_S)
    found = [SD * rng.standard_normal()]
    for share in kept:
        found.append(share * found[-1] + SD * math.sqrt(1.0 - share**2) * rng.standard_normal())
    return np.array(found)


def step_of(sd: float) -> float:
    """Returns the standard deviation of a step of such a level from one segment to the next."""
    return sd * math.sqrt(2.0 * (1.0 - math.exp(-SEGMENT_S / FORGOTTEN_S)))


@pytest.mark.parametrize("times_s", [np.arange(4) * 15.0, np.arange(32) * 15.0, np.array([0.0, 15.0, 3600.0, 3615.0])])
def test_the_error_is_that_of_the_mean_of_a_level_that_forgets(times_s: NDArray[np.float64]) -> None:
    rng, n = np.random.default_rng(0), len(times_s)
    seen = np.linspace(1.0, 2.0, n)
    means = [np.average(levels(rng, times_s), weights=seen) for _ in range(4000)]
    assert level_error(times_s, np.arange(n), seen, step_of(SD)) == pytest.approx(np.std(means), rel=0.04)


@given(st.floats(1.0, 20_000.0))
def test_the_usual_error_is_that_of_a_campaign_without_gaps(seconds: float) -> None:
    """The mean of such a level over a stretch of time is known in closed form."""
    u = seconds / FORGOTTEN_S
    known = 2.0 / u * (1.0 - (1.0 - math.exp(-u)) / u)
    assert usual_error(seconds, step_of(SD)) == pytest.approx(SD * math.sqrt(known), rel=0.11)


def test_longer_campaigns_and_processes_further_apart_tell_more() -> None:
    errors = [usual_error(seconds) for seconds in (15.0, 60.0, 240.0, 960.0, 3840.0)]
    assert sorted(errors, reverse=True) == errors
    assert errors[-2] / errors[-1] == pytest.approx(2.0, rel=0.05)
    close, apart = (level_error(np.array([0.0, gap_s]), np.arange(2), np.ones(2), 0.004) for gap_s in (15.0, 3600.0))
    assert apart == pytest.approx(close * math.sqrt(0.5 / (0.5 + 0.5 * math.exp(-15.0 / FORGOTTEN_S))), rel=1e-6)
    assert half_width(4, 10, host_s=60.0) > half_width(4, 10)
    assert half_width(4, 10, host_s=1e5) == half_width(4, 10)


def campaign(rng: np.random.Generator, n: int = N) -> tuple[Plan, list[Visit]]:
    """Returns a campaign of a minute on a machine whose level moves as a shared host's does."""
    items = tuple(Item(SyntheticWorkload(f"w{i}", flops=int(1e9 * (1 + i)))) for i in range(n))
    plan, round_s = Plan(items, "xeon", "sim", protocol("standard")), 15.0
    level = levels(rng, np.arange(0.0, round_s * ROUNDS, BLOCK_S))
    visits = []
    for round in range(ROUNDS):
        places = [rng.permutation(n) for _ in range(PASSES)]
        for i, item in enumerate(items):
            starts_s = BLOCK_S * np.array([np.flatnonzero(order == i)[0] + n * k for k, order in enumerate(places)])
            y = -6.0 + 0.1 * i + level[((round_s * round + starts_s) / BLOCK_S).astype(int)] + rng.normal(0.0, 0.005, PASSES)
            at = {"started_s": round_s * round, "ended_s": round_s * round + BLOCK_S * n * PASSES}
            visits.append(
                Visit(
                    item.workload.key, round, i, tuple(np.exp(y).tolist()), block_starts_s=tuple(starts_s.tolist()),
                    conditions={"shares_host": True}, **at,
                )
            )  # fmt: skip
    return plan, visits


def held(pairs: list[tuple[tuple[Measurement, ...], tuple[Measurement, ...]]]) -> float:
    """Returns the share of workloads whose difference lies within both intervals together."""
    both = [(a, b) for first, second in pairs for a, b in zip(first, second, strict=True)]
    return float(np.mean([
        abs(math.log(a.latency_s / b.latency_s)) <= math.hypot(a.half_width, b.half_width)
        for a, b in both if a.latency_s and b.latency_s and a.half_width and b.half_width
    ]))  # fmt: skip


@pytest.mark.parametrize("n", [N, 1])
def test_intervals_hold_what_the_host_does_from_one_campaign_to_the_next(n: int) -> None:
    rng = np.random.default_rng(3)
    made = [(campaign(rng, n), campaign(rng, n)) for _ in range(24)]
    assert 0.85 <= held([tuple(fit_campaign(*one).measurements for one in pair) for pair in made]) <= 1.0
    alone = [
        tuple(fit_campaign(plan, [replace(v, conditions={}) for v in visits]).measurements for plan, visits in pair)
        for pair in made
    ]
    assert n == 1 or held(alone) < 0.8


def test_a_machine_of_ones_own_keeps_its_intervals() -> None:
    plan, visits = campaign(np.random.default_rng(5))
    shared, own, unknown = (
        fit_campaign(plan, [replace(v, conditions=seen) for v in visits]).measurements
        for seen in ({"shares_host": True}, {"shares_host": False}, {})
    )
    assert own == tuple(replace(m, visits=n.visits) for m, n in zip(unknown, own, strict=True))
    for a, b in zip(shared, own, strict=True):
        assert a.latency_s == b.latency_s
        assert a.half_width is not None
        assert b.half_width is not None
        assert a.level_half_width > b.level_half_width
        assert a.half_width**2 - a.level_half_width**2 == pytest.approx(b.half_width**2 - b.level_half_width**2)
