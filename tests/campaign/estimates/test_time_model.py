"""The time model on simulated campaigns: quick versions of what ``benchmarks/trust.py`` prints in full."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.studies.alternatives import WAYS, time_model
from hwcost.campaign.estimates.effects import fit_effects
from hwcost.campaign.estimates.estimate import fit_campaign, visit_times
from hwcost.campaign.estimates.joint import joint_level
from hwcost.campaign.estimates.time_model import fit_time_model
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.levels.level import no_level
from hwcost.testing.faults import DRIFTS, NOISES, Faults
from hwcost.testing.sim_campaign import NOISE, SimCampaign
from hwcost.timing.measurement import Visit
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload

SEEDS = range(2)


def judged(faults: Faults, way: str = "time model", n_items: int = 300) -> tuple[float, float]:
    """Returns the mean 95th percentile of the error and the mean coverage over a few seeds."""
    campaigns = [SimCampaign(seed, faults, n_items=n_items) for seed in SEEDS]
    found = [WAYS[way](one) for one in campaigns]
    errors = [one.p95(campaign.truth) for one, campaign in zip(found, campaigns, strict=True)]
    shares = [one.coverage(campaign.truth) for one, campaign in zip(found, campaigns, strict=True)]
    return float(np.mean(errors)), float(np.mean(shares))


FLOOR = judged(Faults(noise=NOISE), "round means")[0]


@pytest.mark.parametrize("name", DRIFTS)
def test_drift_hardly_reaches_the_estimate_and_intervals_cover(name: str) -> None:
    error, coverage = judged(replace(DRIFTS[name], noise=NOISE))
    assert error <= (1.5 if "fast" in name else 1.4) * FLOOR
    assert 0.92 <= coverage <= 0.98


@pytest.mark.parametrize("name", NOISES)
def test_intervals_cover_under_noise_that_is_not_white(name: str) -> None:
    assert judged(NOISES[name])[1] >= (0.88 if NOISES[name].chain_sd else 0.89)


def test_the_blocks_of_one_visit_say_too_little() -> None:
    chained = next(faults for faults in NOISES.values() if faults.chain_sd)
    assert judged(chained, "sequential")[1] < 0.7


def test_plain_ways_lose_to_the_time_model_under_drift() -> None:
    faults = replace(DRIFTS["5 steps, sd 8 %"], noise=NOISE)
    campaign = SimCampaign(0, faults, n_items=300)
    errors = {name: way(campaign).p95(campaign.truth) for name, way in WAYS.items()}
    assert errors["sequential"] > errors["canary"] > errors["round means"] > 1.5 * errors["time model"]


def test_no_level_where_nothing_drifts() -> None:
    campaigns = [SimCampaign(seed, Faults(noise=NOISE), n_items=n) for seed in range(10) for n in (30, 200)]
    assert sum(not time_model(one).has_level for one in campaigns) >= 19


def test_a_level_is_found_where_it_moved_and_centred_on_the_campaign() -> None:
    campaign = SimCampaign(1, replace(DRIFTS["5 steps, sd 8 %"], noise=0.01, sensitivities=(1.0,)))
    table = campaign.table()
    model = fit_time_model(table)
    assert model.has_level
    true = np.choose(table.group, [path(table.time + 0.5) for path in campaign.paths]) - campaign.paths[0].mean
    assert np.median(np.abs(model.offset - true)) < 0.003
    for group, fit in model.classes.items():
        assert fit.level(table.time).mean() == pytest.approx(0, abs=1e-9), group


def test_a_class_has_a_level_of_its_own_only_with_enough_visits() -> None:
    faults = replace(DRIFTS["own drift of each class"], noise=NOISE)
    assert all(fit.is_own for fit in fit_time_model(SimCampaign(0, faults, n_items=300).table()).classes.values())
    assert not any(fit.is_own for fit in fit_time_model(SimCampaign(0, faults, n_items=60).table()).classes.values())


def simulated(campaign: SimCampaign) -> tuple[Plan, list[Visit]]:
    """Makes a plan and visits of a campaign drawn as arrays."""
    works = [SyntheticWorkload(f"w{i}", flops=int(1e12 * np.exp(size))) for i, size in enumerate(campaign.sizes)]
    plan = Plan(tuple(Item(work) for work in works), "cpu", "sim", protocol("standard"))
    visits = [
        Visit(works[i].key, t // campaign.n_items, t % campaign.n_items, tuple(np.exp(blocks)), started_s=t, ended_s=t + 1.0)
        for t, (i, blocks) in enumerate(zip(campaign.items, campaign.visits, strict=True))
    ]
    return plan, visits


def codes(campaign: SimCampaign) -> set[str]:
    return {flag.code for flag in fit_campaign(*simulated(campaign)).flags}


def test_a_campaign_says_what_its_level_did() -> None:
    drifting = SimCampaign(0, Faults(steps=5, step_sd=0.2, noise=0.02), n_items=200)
    fit = fit_campaign(*simulated(drifting))
    flags = {flag.code: flag.text for flag in fit.flags}
    assert set(flags) == {"W_DRIFT", "W_UNSTABLE_HOST"}
    assert "was taken out" in flags["W_DRIFT"]
    assert fit.drift is not None
    assert fit.drift.before < fit.drift.critical < fit.drift.after
    assert codes(SimCampaign(0, Faults(noise=0.01), n_items=100)) == set()


def test_nothing_is_taken_out_where_order_and_size_are_one() -> None:
    campaign = SimCampaign(0, replace(DRIFTS["ramp 12 %"], noise=0.01), n_items=100, order="sorted")
    fit = fit_campaign(*simulated(campaign))
    assert {flag.code for flag in fit.flags} == {"W_CONFOUNDED", "W_DRIFT"}
    assert fit.model is not None
    assert not fit.model.has_level
    assert fit.drift is not None
    assert fit.drift.size_order is not None
    assert fit.drift.size_order < 0.5


@pytest.mark.parametrize("n_rounds", [1, 2])
def test_few_rounds_confound_nothing_when_the_order_is_random(n_rounds: int) -> None:
    assert codes(SimCampaign(3, Faults(noise=0.01), n_items=100, n_rounds=n_rounds)) == set()


def test_a_single_pass_has_no_interval_and_no_level() -> None:
    fit = fit_campaign(*simulated(SimCampaign(0, DRIFTS["ramp 12 %"], n_items=100, n_rounds=1)))
    assert {m.half_width for m in fit.measurements} == {None}
    assert fit.model is not None
    assert not fit.model.has_level


def test_the_estimate_of_visits_is_that_of_arrays() -> None:
    campaign = SimCampaign(0, replace(DRIFTS["ramp, steps and drift"], noise=0.02), n_items=90)
    plan, visits = simulated(campaign)
    found = fit_campaign(plan, visits).measurements
    assert np.log([m.latency_s for m in found]) == pytest.approx(time_model(campaign).item, abs=1e-3)


def test_long_pauses_are_cut_short_and_without_times_the_order_counts() -> None:
    times = [0.0, 1.0, 2.0, 3.0, 90_000.0, 90_001.0]
    visits = [Visit(str(t), 0, i, (1.0,), started_s=t, ended_s=t + 0.5) for i, t in enumerate(times)]
    assert list(visit_times(visits)) == [0, 1, 2, 3, 13, 14]
    assert list(visit_times([Visit("a", 0, 0, (1.0,)), Visit("b", 0, 1, (1.0,))])) == [0, 1]
    assert list(visit_times(visits[:1])) == [0]


@pytest.mark.parametrize("memory", [None, 3.0])
def test_items_rounds_and_steps_are_told_apart_exactly_without_noise(memory: float | None) -> None:
    table = SimCampaign(0, Faults(), n_items=40).table()
    cuts = (33, 90)
    level = np.repeat([0.0, 0.2, -0.1], np.diff([0, *cuts, len(table.y)]))
    y = table.y + level + np.array([0.0, 0.03, -0.02, 0.01])[table.round]
    structure = replace(no_level(table.time), kind="steps", cuts=cuts, memory=memory)
    found = joint_level(y, table.item, table.round, table.weight, structure)
    assert fit_effects(y - found, table.item, table.round).residual == pytest.approx(0, abs=1e-4)


def test_a_level_that_moves_far_is_found_to_the_noise() -> None:
    campaign = SimCampaign(1, Faults(steps=5, step_sd=0.2, noise=0.01), n_items=100)
    found = time_model(campaign)
    assert found.p95(campaign.truth) < 0.012
    assert found.coverage(campaign.truth) >= 0.9
