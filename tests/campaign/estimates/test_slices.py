"""Campaigns whose blocks were timed slice by slice."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from hwcost.campaign.estimates.estimate import fit_campaign
from hwcost.campaign.estimates.slices import own_part, sliced_blocks
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.timing.measurement import Measurement, Visit
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload

N, ROUNDS, PASSES = 8, 4, 12
PLAN = Plan(
    tuple(Item(SyntheticWorkload(f"w{i}", flops=int(1e9 * (1 + i)))) for i in range(N)), "xeon", "sim", protocol("standard")
)
TRUTH = {item.workload.name: -6.0 + 0.1 * i for i, item in enumerate(PLAN.items)}


def visits_of(slowed: NDArray[np.float64], seed: int = 0, slightly: float = 0.0) -> list[Visit]:
    """Returns visits in turn.

    Args:
        slowed: Log delay by what came and went within each block, shape (items, rounds, passes).
        seed: Seed of the noise.
        slightly: Most log delay of the quick slices of a block, of which its quickest ones have none.
    """
    rng, found = np.random.default_rng(seed), []
    quick = np.array([*TRUTH.values()])[:, None, None] + rng.normal(0.0, 0.005, slowed.shape)
    within = np.random.default_rng([seed, 1]).uniform(0.0, slightly, slowed.shape)
    for round in range(ROUNDS):
        places = [rng.permutation(N) for _ in range(PASSES)]
        for i, item in enumerate(PLAN.items):
            at = np.array([np.flatnonzero(order == i)[0] + N * k for k, order in enumerate(places)])
            found.append(
                Visit(
                    item.workload.key, round, i, started_s=100.0 * round, ended_s=100.0 * round + 0.025 * N * PASSES,
                    samples_s=tuple(np.exp(quick[i, round] + within[i, round] + slowed[i, round]).tolist()),
                    block_starts_s=tuple((0.025 * at).tolist()),
                    conditions={
                        "block_quick_s": np.exp(quick[i, round] + within[i, round]).tolist(),
                        "block_quickest_s": np.exp(quick[i, round]).tolist(),
                    },
                )
            )  # fmt: skip
    return found


def off(measurements: tuple[Measurement, ...]) -> NDArray[np.float64]:
    """Returns the log error of every latency."""
    return np.array([math.log(m.latency_s) - TRUTH[m.workload.name] for m in measurements if m.latency_s is not None])


def whole(visits: list[Visit]) -> list[Visit]:
    """Returns the visits without what slices say."""
    return [replace(visit, conditions={}) for visit in visits]


def test_what_comes_and_goes_within_blocks_is_seen_by_slices_alone() -> None:
    slowed = np.random.default_rng(1).uniform(-0.1, 0.4, (N, ROUNDS, PASSES)).clip(0.0)
    visits = visits_of(slowed)
    found = fit_campaign(PLAN, visits).measurements
    assert np.abs(off(found)).max() < 0.01
    assert all(m.is_confirmed and m.half_width is not None and m.half_width < 0.02 for m in found)
    assert np.abs(off(fit_campaign(PLAN, whole(visits)).measurements)).min() > 0.03


def test_slices_change_nothing_where_nothing_slowed_any() -> None:
    visits = visits_of(np.zeros((N, ROUNDS, PASSES)))
    sliced, plain = (fit_campaign(PLAN, one).measurements for one in (visits, whole(visits)))
    assert [(m.latency_s, m.half_width) for m in sliced] == [(m.latency_s, m.half_width) for m in plain]


def test_loads_within_slices_are_seen_by_the_quickest_alone_where_loads_come_and_go_within_blocks() -> None:
    slowed = np.random.default_rng(5).uniform(0.0, 0.3, (N, ROUNDS, PASSES))
    assert np.abs(off(fit_campaign(PLAN, visits_of(slowed, slightly=0.15)).measurements)).max() < 0.01
    quiet = fit_campaign(PLAN, visits_of(np.zeros(slowed.shape), slightly=0.02)).measurements
    assert off(quiet).mean() == pytest.approx(0.01, abs=0.003)


def test_records_of_quick_slices_alone_are_read() -> None:
    visits = visits_of(np.random.default_rng(5).uniform(0.0, 0.3, (N, ROUNDS, PASSES)), slightly=0.15)
    former = [replace(one, conditions={"block_quick_s": one.conditions["block_quick_s"]}) for one in visits]
    quick = np.log(np.concatenate([one.conditions["block_quick_s"] for one in visits]))
    assert (sliced_blocks(former).y == quick).all()
    assert (sliced_blocks([*former[:1], *visits[1:]]).y == quick).all()
    assert (sliced_blocks(visits).y <= quick).all()
    assert (sliced_blocks(visits).y < quick).mean() > 0.9


def test_slow_calls_in_every_block_may_be_the_workload_s_own() -> None:
    slowed = np.zeros((N, ROUNDS, PASSES))
    slowed[3] = 0.06
    found = fit_campaign(PLAN, visits_of(slowed)).measurements
    assert [m.is_confirmed for m in found] == [i != 3 for i in range(N)]
    own = found[3]
    assert own.half_width is not None
    assert 0.06 < own.half_width < 0.08
    assert "6 % of the time was lost in calls that were clearly slower" in own.interval_reason
    assert all(m.half_width is not None and m.half_width < 0.02 for m in found if m is not own)


def test_slow_calls_in_every_block_of_all_workloads_may_be_their_own() -> None:
    found = fit_campaign(PLAN, visits_of(np.full((N, ROUNDS, PASSES), 0.06))).measurements
    assert not any(m.is_confirmed for m in found)
    assert all(m.half_width is not None and 0.06 < m.half_width < 0.08 for m in found)


def test_what_neighbours_leave_to_no_block_of_one_workload_is_told_from_those_of_all() -> None:
    """Of 48 blocks of a workload hardly one is undisturbed, and of those of all several are."""
    slowed = np.random.default_rng(4).gamma(3.0, 0.03, (N, ROUNDS, PASSES))
    left_out, item = slowed.reshape(-1), np.repeat(np.arange(N), ROUNDS * PASSES)
    by_itself = np.array([own_part(left_out[item == k], np.zeros(ROUNDS * PASSES, dtype=int))[0] for k in range(N)])
    together = own_part(left_out, item)[:: ROUNDS * PASSES]
    assert np.median(by_itself) > 0.02
    assert np.median(together) < 0.015
    assert (together <= by_itself).all()


def test_a_workload_with_a_visit_without_slices_is_taken_as_a_whole() -> None:
    slowed = np.random.default_rng(2).uniform(0.0, 0.2, (N, ROUNDS, PASSES))
    visits = visits_of(slowed)
    visits[0] = replace(visits[0], conditions={})
    found = sliced_blocks(visits)
    is_first = np.repeat([visit.workload_key == visits[0].workload_key for visit in visits], PASSES)
    assert (found.left_out[is_first] == 0).all()
    assert (found.left_out[~is_first] > 0).mean() > 0.9
    assert found.y[is_first] == pytest.approx(np.log(np.concatenate([v.samples_s for v in visits]))[is_first])


def test_time_that_counters_say_was_lost_in_slow_slices_widens_nothing() -> None:
    visits = visits_of(np.random.default_rng(3).uniform(0.05, 0.3, (N, ROUNDS, PASSES)))
    counted = []
    for visit in visits:
        lost = 1.0 - np.array(visit.conditions["block_quickest_s"]) / visit.samples_s
        counted.append(replace(visit, conditions=visit.conditions | {"block_lost_fraction": lost.tolist()}))
    found = fit_campaign(PLAN, counted).measurements
    assert all(m.is_confirmed and m.half_width is not None and m.half_width < 0.02 for m in found)
    assert not any(m.is_confirmed for m in fit_campaign(PLAN, visits).measurements)
