from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from hwcost.campaign.estimates.effects import fit_effects
from hwcost.campaign.estimates.estimate import estimate, needs_more_rounds
from hwcost.campaign.estimates.reached import Reached
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.timing.measurement import Visit
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload


def plan_of(n: int, tier: str = "standard") -> Plan:
    items = tuple(Item(SyntheticWorkload(f"w{i}", flops=i + 1)) for i in range(n))
    return Plan(items, "cpu", "null", protocol(tier))


def visits(plan: Plan, rounds: int, sd: float, seed: int, round_sd: float = 0.0) -> tuple[np.ndarray, list[Visit]]:
    rng = np.random.default_rng(seed)
    truth = rng.normal(-3, 0.5, len(plan.items))
    level = rng.normal(0, round_sd, rounds)
    made = [
        Visit(item.workload.key, r, i, samples_s=(float(np.exp(truth[i] + level[r] + rng.normal(0, sd))),))
        for r in range(rounds)
        for i, item in enumerate(plan.items)
    ]
    return np.exp(truth + level.mean()), made


def test_without_noise_the_truth_comes_back() -> None:
    plan = plan_of(12)
    truth, made = visits(plan, 4, 0.0, 0)
    assert [m.latency_s for m in estimate(plan, made)] == pytest.approx(list(truth), rel=1e-9)


def test_intervals_cover_at_their_rate() -> None:
    inside = total = 0
    for seed in range(40):
        plan = plan_of(50)
        truth, made = visits(plan, 4, 0.01, seed, round_sd=0.02)
        for m, value in zip(estimate(plan, made), truth, strict=True):
            assert m.low_s is not None
            assert m.high_s is not None
            inside += m.low_s <= value <= m.high_s
            total += 1
    assert 0.93 <= inside / total <= 0.97


def test_an_item_that_misses_a_slow_round_is_not_flattered() -> None:
    plan = plan_of(20)
    rng = np.random.default_rng(0)
    level = [0.0, 0.3, 0.0, 0.0]
    made = [
        Visit(item.workload.key, r, i, samples_s=(float(np.exp(level[r] + rng.normal(0, 0.005))),))
        for r in range(4)
        for i, item in enumerate(plan.items)
        if not (r == 1 and i == 0)
    ]
    found = [m.latency_s for m in estimate(plan, made)]
    assert found[0] == pytest.approx(np.exp(0.075), rel=0.01)


def test_one_wild_visit_hardly_counts() -> None:
    plan = plan_of(30)
    truth, made = visits(plan, 4, 0.005, 1)
    wild = [replace(v, samples_s=(v.latency_s * 1.5,)) if i == 7 else v for i, v in enumerate(made)]
    found = estimate(plan, wild)[7].latency_s
    assert found == pytest.approx(truth[7], rel=0.02)


def test_a_single_item_has_a_t_interval() -> None:
    plan = plan_of(1)
    values = [0.1, 0.102, 0.099, 0.101]
    made = [Visit(plan.items[0].workload.key, r, 0, samples_s=(v,)) for r, v in enumerate(values)]
    (m,) = estimate(plan, made)
    half = stats.t.ppf(0.975, 3) * np.std(np.log(values), ddof=1) / 2
    assert m.half_width == pytest.approx(half)


def test_the_rounds_that_an_interval_takes_count_the_quantile_of_t() -> None:
    plan = plan_of(1)
    made = [Visit(plan.items[0].workload.key, r, 0, samples_s=(value,)) for r, value in enumerate([0.1, 0.102])]
    (m,) = estimate(plan, made)
    sd = np.std(np.log([0.1, 0.102]), ddof=1)
    needed = next(n for n in range(3, 99) if stats.t.ppf(0.975, n - 1) * sd / np.sqrt(n) <= 0.01)
    (flag,) = [flag for flag in m.flags if flag.code == "W_IMPRECISE"]
    assert f"It takes about {needed} rounds" in flag.remedy


@pytest.mark.parametrize(("half_width", "workloads"), [(0.02, 1), (0.03, 12), (0.5, 2), (0.004, 3)])
def test_the_half_width_is_as_wanted_after_the_rounds_that_it_takes(half_width: float, workloads: int) -> None:
    reached = Reached(half_width, 4, workloads)
    needed = reached.rounds_for(0.01)
    assert reached.after(needed) <= 0.01
    assert needed == 4 or reached.after(needed - 1) > 0.01
    assert reached.after(3) == half_width


def test_void_visits_are_kept_but_not_used() -> None:
    plan = plan_of(2)
    _, made = visits(plan, 3, 0.0, 2)
    void = Visit(made[0].workload_key, 3, 0, samples_s=(99.0,), status="void")
    with_void, without = estimate(plan, [*made, void])[0], estimate(plan, made)[0]
    assert with_void.latency_s == without.latency_s
    assert len(with_void.visits) == 4


def test_without_any_visit_the_latency_is_unknown() -> None:
    (m,) = estimate(plan_of(1), [])
    assert m.latency_s is None
    assert m.half_width is None
    assert m.low_s is None


def test_effects_of_an_unbalanced_design_equal_least_squares() -> None:
    rng = np.random.default_rng(3)
    rows = [(i, r) for i in range(15) for r in range(5) if rng.random() < 0.7 or r == 0]
    item, rnd = (np.array(column) for column in zip(*rows, strict=True))
    y = rng.normal(0, 1, 15)[item] + rng.normal(0, 0.1, 5)[rnd] + rng.uniform(-0.01, 0.01, len(rows))
    effects = fit_effects(y, item, rnd)
    design = np.hstack([np.eye(15)[item], np.eye(5)[rnd]])
    solution = np.linalg.lstsq(design, y, rcond=None)[0]
    wanted = solution[:15] + solution[15:][rnd].mean()
    assert effects.item == pytest.approx(wanted, abs=0.004)


def contended(plan: Plan, rounds: int, delay: float = 0.4, share: float = 0.3) -> list[Visit]:
    """Visits of 20 blocks, of which some are slowed; the same share in every visit."""
    rng = np.random.default_rng(3)

    def samples() -> tuple[float, ...]:
        slowed = rng.permutation(20) < 20 * share
        return tuple(0.05 * np.exp(delay * slowed + rng.normal(0, 0.003, 20)))

    return [
        Visit(item.workload.key, r, i, samples_s=samples()) for r in range(rounds) for i, item in enumerate(plan.items)
    ]


def test_an_item_that_one_visit_confirms_is_as_uncertain_as_the_delay_also_without_degrees_of_freedom() -> None:
    plan = plan_of(12)
    for m in estimate(plan, contended(plan, 1)):
        assert m.half_width == pytest.approx(0.4, rel=0.05)
        (flag,) = [flag for flag in m.flags if flag.code == "W_IMPRECISE"]
        assert "fewer than two visits show the machine uncontended" in flag.text
    for m in estimate(plan, contended(plan, 2)):
        assert m.half_width is not None
        assert m.half_width < 0.1


@pytest.mark.parametrize(
    ("n", "rounds", "reason"),
    [
        (1, 1, "only one process measured it, and the interval of a single workload needs two or more"),
        (6, 1, "every workload was visited only once, and an interval needs two rounds or more"),
    ],
)
def test_the_reason_for_no_interval_is_the_real_one(n: int, rounds: int, reason: str) -> None:
    plan = plan_of(n)
    for m in estimate(plan, visits(plan, rounds, 0.01, 0)[1]):
        assert (m.half_width, m.interval_reason) == (None, reason)
        assert [flag.text for flag in m.flags] == [f"there is no interval: {reason}."]


@pytest.mark.parametrize("rounds", [1, 2])
def test_visits_of_a_single_block_are_no_sign_of_a_neighbour(rounds: int) -> None:
    """As after Ctrl-C in the second pass of a long call."""
    plan = plan_of(1)
    made = [
        Visit(
            plan.items[0].workload.key, r, 0, samples_s=(12.0 + 0.1 * r,), block_starts_s=(0.0,), passes=(1,),
            started_s=20.0 * r, ended_s=20.0 * r + 12.0,
        )
        for r in range(rounds)
    ]  # fmt: skip
    (m,) = estimate(plan, made)
    assert m.is_confirmed
    if rounds == 1:
        assert (m.half_width, m.interval_reason[:16]) == (None, "only one process")
    else:
        assert m.half_width == pytest.approx(12.706 * np.log(12.1 / 12.0) / 2, rel=0.01)
        assert m.interval_reason == ""


def test_visits_that_leave_no_degree_of_freedom_are_the_reason() -> None:
    plan = plan_of(2)
    made = [visit for visit in visits(plan, 2, 0.01, 0)[1] if (visit.round, visit.position) != (1, 1)]
    found = estimate(plan, made)
    assert {m.interval_reason for m in found} == {"3 visits of 2 workloads in 2 rounds leave no degree of freedom"}
    assert needs_more_rounds(found, plan) == list(plan.by_key)


def test_what_cannot_be_used_says_so_and_is_not_topped_up() -> None:
    plan = plan_of(2)
    made = [replace(v, status="void") if v.position == 1 else v for v in visits(plan, 4, 0.001, 0)[1]]
    found = estimate(plan, made)
    assert found[1].interval_reason == "none of its visits can be used"
    assert found[1].workload.key not in needs_more_rounds(found, plan)
