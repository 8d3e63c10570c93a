"""Campaigns drawn as arrays obey the same law as those that real passes make of the device."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.studies.alternatives import WAYS
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.devices import DeviceHandle, load
from hwcost.testing.faults import DRIFTS, NOISES, Faults
from hwcost.testing.in_process import run_rounds
from hwcost.testing.sim_campaign import BLOCKS, NOISE, SimCampaign
from hwcost.testing.sim_device import SimDevice
from hwcost.timing.protocol import protocol
from hwcost.timing.stopping import MedianError
from hwcost.workloads import SyntheticWorkload

MIXED = Faults(noise=0.01, process=0.015, walk_sd=0.05, walk_s=10.0, sensitivities=(1.0,))


def test_equal_seeds_give_equal_campaigns() -> None:
    one, same, other = (SimCampaign(seed, MIXED, n_items=20) for seed in (0, 0, 1))
    assert np.array_equal(one.visits, same.visits)
    assert not np.isclose(one.visits, other.visits).any()
    assert one.visits.shape == (80, BLOCKS)
    assert sorted(one.items[:20]) == list(range(20))


def test_both_paths_agree_in_law() -> None:
    from scipy import stats

    works = [SyntheticWorkload(f"w{i}", flops=int(3e9 * 1.01**i)) for i in range(60)]
    quick = replace(protocol("quick"), rounds=4, stopping=MedianError(0.99))  # always the least number of blocks
    plan = Plan(tuple(Item(work) for work in works), "xeon", "sim", quick)
    device = SimDevice(faults=replace(MIXED, span_s=100.0))
    visits = run_rounds(plan, device, DeviceHandle(load("xeon")))
    left = []
    for visit in visits:
        work = plan.by_key[visit.workload_key].workload
        starts = visit.started_s + np.array(visit.block_starts_s)
        level = device.level(work)(starts)
        left.append(np.median(np.log(np.array(visit.samples_s) / device.law_s(work)) - level))
    campaign = SimCampaign(0, replace(MIXED, walk_s=10.0), n_items=60)
    middle = np.arange(campaign.n) + 0.5
    drawn = np.median(campaign.visits, axis=1) - campaign.sizes[campaign.items] - campaign.paths[0](middle)
    assert {visit.status for visit in visits} <= {"ok", "warn"}  # blocks of a moving level may look like two groups
    assert np.std(left) == pytest.approx(np.std(drawn), rel=0.15)
    assert stats.ks_2samp(left, drawn).pvalue > 0.01


def test_the_truth_is_at_the_mean_level_of_the_campaign() -> None:
    campaign = SimCampaign(0, DRIFTS["ramp 12 %"], n_items=90)
    felt = np.array([0.3, 0.6, 1.0])[campaign.groups]
    assert campaign.truth == pytest.approx(campaign.sizes + 0.06 * felt)
    assert campaign.visits.mean() == pytest.approx(campaign.truth.mean(), abs=1e-3)


@pytest.mark.parametrize("name", NOISES)
def test_noise_is_centred_on_the_law(name: str) -> None:
    campaign = SimCampaign(0, NOISES[name], n_items=300)
    errors = np.median(campaign.visits, axis=1) - campaign.sizes[campaign.items]
    assert np.median(errors) == pytest.approx(0, abs=0.004)


def test_every_way_is_exact_on_a_perfect_device() -> None:
    campaign = SimCampaign(0, Faults(), n_items=40)
    for way in WAYS.values():
        assert way(campaign).item == pytest.approx(campaign.truth, abs=1e-12)


def test_ways_differ_in_noise_as_they_should() -> None:
    campaigns = [SimCampaign(seed, Faults(noise=NOISE), n_items=100) for seed in range(10)]
    errors = {name: np.mean([way(one).p95(one.truth) for one in campaigns]) for name, way in WAYS.items()}
    assert errors["round means"] == pytest.approx(1.96 * 0.0075, rel=0.1)
    assert errors["sequential"] == pytest.approx(errors["round means"], rel=0.1)
    assert errors["canary"] > 1.15 * errors["sequential"]
