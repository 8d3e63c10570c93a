"""A machine with a neighbour that comes and goes: the uncontended latency is found; without one nothing is done."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hwcost.campaign.estimates.estimate import estimate
from hwcost.campaign.estimates.uncontended import visit_values
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.levels.contention import fit_contention, is_contended
from hwcost.timing.measurement import Visit
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload

ITEMS, ROUNDS, BLOCKS = 40, 4, 12


def states(rng: np.random.Generator, n: int, stay: float = 0.85) -> np.ndarray:
    """A neighbour that is there half of the time, and stays for about seven blocks."""
    there = np.empty(n, dtype=bool)
    there[0] = rng.random() < 0.5
    for i in range(1, n):
        there[i] = there[i - 1] if rng.random() < stay else not there[i - 1]
    return there


def campaign(
    seed: int, noise: float = 0.01, delay: float = 0.45, contended: bool = True, drift: float = 0.0
) -> tuple[np.ndarray, Plan, list[Visit]]:
    rng = np.random.default_rng(seed)
    truth = rng.normal(-1.5, 0.4, ITEMS)
    plan = Plan(
        tuple(Item(SyntheticWorkload(f"w{i}", flops=i + 1)) for i in range(ITEMS)), "cpu", "null", protocol("standard")
    )
    made = []
    for r in range(ROUNDS):
        for position, i in enumerate(rng.permutation(ITEMS)):
            slowed = states(rng, BLOCKS) & contended
            y = truth[i] + rng.normal(0, drift) + rng.normal(0, noise, BLOCKS)
            y += slowed * delay * rng.uniform(0.6, 1.4, BLOCKS)
            made.append(Visit(plan.items[i].workload.key, r, position, samples_s=tuple(np.exp(y))))
    return np.exp(truth), plan, made


def errors(truth: np.ndarray, plan: Plan, made: list[Visit]) -> np.ndarray:
    found = np.array([m.latency_s for m in estimate(plan, made)])
    ratio = np.log(found / truth)
    return np.abs(ratio - np.median(ratio))


def test_the_uncontended_latency_is_found() -> None:
    truth, plan, made = campaign(0)
    assert np.quantile(errors(truth, plan, made), 0.95) < 0.02
    medians = np.array([np.mean([np.log(v.latency_s) for v in made if v.workload_key == key]) for key in plan.by_key])
    plain = medians - np.log(truth)
    assert np.quantile(np.abs(plain - np.median(plain)), 0.95) > 0.10


def test_intervals_still_cover() -> None:
    inside = total = 0
    for seed in range(20):
        truth, plan, made = campaign(seed)
        for m, value in zip(estimate(plan, made), truth, strict=True):
            assert m.low_s is not None
            assert m.high_s is not None
            inside += m.low_s <= value <= m.high_s
            total += 1
    assert inside / total >= 0.90


def test_what_one_visit_alone_shows_uncontended_is_unconfirmed() -> None:
    """All of an item's visits but one meet the neighbour: nothing tells whether that one was free of it."""
    _, plan, made = campaign(3)
    key = plan.items[0].workload.key
    first = next(visit for visit in made if visit.workload_key == key)
    slow = [replace(v, samples_s=tuple(np.array(first.samples_s).min() * np.full(BLOCKS, 1.5))) for v in made
            if v.workload_key == key and v is not first]
    calm = replace(first, samples_s=(min(first.samples_s),) * BLOCKS)
    others = [visit for visit in made if visit.workload_key != key]
    found = {m.workload.key: m.half_width for m in estimate(plan, [*others, calm, *slow])}
    usual = np.median([width for width in found.values() if width is not None])
    assert found[key] is not None
    assert found[key] > 0.2 > 5 * usual


@pytest.mark.parametrize("drift", [0.0, 0.05])
def test_noise_and_drift_between_visits_are_no_contention(drift: float) -> None:
    for seed in range(10):
        _, _, made = campaign(seed, noise=0.02, contended=False, drift=drift)
        assert visit_values(made).states is None


def test_the_shares_and_the_delay_come_back() -> None:
    rng = np.random.default_rng(1)
    item = np.repeat(np.arange(30), 60)
    slowed = rng.random(len(item)) < 0.4
    y = rng.normal(0, 1, 30)[item] + rng.normal(0, 0.01, len(item)) + slowed * rng.exponential(0.3, len(item))
    found = fit_contention(y, item)
    assert found.share == pytest.approx(0.6, abs=0.05)
    assert found.noise == pytest.approx(0.01, rel=0.3)
    assert found.delay == pytest.approx(0.3, rel=0.2)
    assert found.uncontended[~slowed].mean() > 0.9


def test_a_tenth_of_slow_blocks_is_the_limit() -> None:
    visit = np.repeat(np.arange(20), 20)
    y = np.zeros(400)
    y[::20] = 0.3
    assert not is_contended(y, visit)
    y[1::20] = y[2::20] = 0.3
    assert is_contended(y, visit)


def test_equal_blocks_are_no_trouble() -> None:
    found = fit_contention(np.zeros(40), np.repeat(np.arange(4), 10))
    assert np.isfinite(found.uncontended).all()
    assert not is_contended(np.zeros(40), np.repeat(np.arange(4), 10))
