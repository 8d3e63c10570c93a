"""Canaries check a level that was found without them, and are never divided by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hwcost.campaign import run as campaign
from hwcost.campaign.estimates.estimate import fit_campaign, visits_of
from hwcost.campaign.plans import canaries
from hwcost.campaign.plans.plan import Item, Plan, items
from hwcost.devices import DeviceHandle, load
from hwcost.errors import InterruptedRunError
from hwcost.spaces import space
from hwcost.stores import open_store
from hwcost.testing.faults import Faults
from hwcost.testing.in_process import run_rounds
from hwcost.testing.sim_device import SimDevice
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload, component_stacks, models

SUPERSHAPER = space("supershaper")
COMPUTE, MEMORY = SyntheticWorkload("compute", flops=10**9), SyntheticWorkload("memory", elements=5 * 10**6)


def plan_of(n: int, *canaries: SyntheticWorkload) -> Plan:
    works = [SyntheticWorkload(f"w{i:02d}", flops=int(3e9 * 1.02**i)) for i in range(n)]
    return Plan(tuple(Item(work) for work in works), "cpu", "null", protocol("standard"), canaries=canaries)


def test_one_is_bound_by_computing_and_one_by_memory_and_both_are_small() -> None:
    wholes = items(models(SUPERSHAPER, SUPERSHAPER.sample(30, seed=0), batch_size=2, seq_len=64))
    compute, memory = canaries.choose(wholes, "torch")
    assert (compute.batch_size, compute.seq_len) == (2, 64)
    assert compute.work().flops > 100 * compute.work().elements
    assert memory.work().flops < memory.work().elements
    least = min(item.workload.work().flops for item in wholes)
    assert max(compute.work().flops, memory.work().flops) < 0.1 * least


def test_few_or_unrelated_items_and_laws_have_none() -> None:
    wholes = items(models(SUPERSHAPER, SUPERSHAPER.sample(30, seed=0)))
    assert canaries.choose(wholes[:10], "torch") == ()
    assert canaries.choose(wholes, "null") == ()
    assert canaries.choose(items([SyntheticWorkload(f"w{i}", flops=i) for i in range(30)]), "torch") == ()
    stacks = items(component_stacks(SUPERSHAPER, components=[*SUPERSHAPER.components(), *SUPERSHAPER.parts()]))
    taken = {item.workload.key for item in stacks}
    assert all(one.key not in taken for one in canaries.choose(stacks, "torch"))


@pytest.mark.parametrize("n", [1, 19, 20, 21, 95])
def test_canaries_stand_at_both_ends_and_between_every_stretch(n: int) -> None:
    order = [f"k{i}" for i in range(n)]
    found = canaries.interleave(order, ["a", "b"])
    assert [key for key in found if key not in "ab"] == order
    places = [i for i, key in enumerate(found) if key in "ab"]
    assert (places[0], places[-1]) == (0, len(found) - 1)
    assert max(np.diff(places)) <= canaries.EVERY + 1
    assert len(places) <= n / canaries.EVERY + 2
    assert canaries.interleave(order, []) == order


def test_among_workloads_that_are_timed_in_turn_each_canary_stands_once() -> None:
    order = [f"k{i}" for i in range(9)]
    found = canaries.spread(order, ["a", "b"])
    assert [key for key in found if key not in "ab"] == order
    assert (found.index("a"), found.index("b"), len(found)) == (0, 5, 11)
    assert canaries.spread([], ["a"]) == []


def test_a_plan_keeps_its_canaries_and_old_plans_have_none() -> None:
    plan = plan_of(3, COMPUTE, MEMORY)
    assert Plan.from_dict(plan.to_dict()) == plan
    old = {name: value for name, value in plan.to_dict().items() if name != "canaries"}
    assert Plan.from_dict(old) == replace(plan, canaries=())


def test_they_certify_a_level_and_change_no_latency() -> None:
    faults = Faults(noise=0.005, process=0.005, walk_sd=0.06, walk_s=40.0, span_s=150.0, sensitivities=(1.0,))
    plan = plan_of(60, COMPUTE, MEMORY)
    visits = run_rounds(plan, SimDevice(faults=faults), DeviceHandle(load("xeon")))
    fit = fit_campaign(plan, visits)
    assert fit.canaries is not None
    assert fit.canaries.visits == 8
    assert set(fit.canaries.latency_s) == set(plan.canary_keys)
    assert fit.canaries.after < fit.canaries.before
    alone = fit_campaign(plan, [visit for visit in visits if visit.workload_key not in plan.canary_keys])
    assert alone.canaries is None
    assert [m.latency_s for m in alone.measurements] == [m.latency_s for m in fit.measurements]
    assert {m.workload.key for m in fit.measurements} == set(plan.by_key)


@pytest.mark.slow
def test_a_host_that_jumps_between_rounds_is_unstable_by_its_canaries() -> None:
    plan = plan_of(12, COMPUTE, MEMORY)
    visits = run_rounds(plan, SimDevice(faults=Faults(noise=0.003, process=0.003)), DeviceHandle(load("xeon")))
    assert "W_UNSTABLE_HOST" not in {flag.code for flag in fit_campaign(plan, visits).flags}
    jumped = []
    for seen in visits:
        factor = 1.08 if seen.round == 2 and seen.workload_key in plan.canary_keys else 1.0
        jumped.append(replace(seen, samples_s=tuple(factor * sample for sample in seen.samples_s)))
    flags = {flag.code: flag.text for flag in fit_campaign(plan, jumped).flags}
    assert "canaries" in flags["W_UNSTABLE_HOST"]


def interrupted_in_the_second_round(state: campaign.Progress) -> None:
    if state.round == 1:
        raise KeyboardInterrupt


def test_a_campaign_visits_its_canaries_and_resumes_without_repeats(tmp_path: Path) -> None:
    plan = plan_of(45, COMPUTE, MEMORY)
    with open_store(tmp_path / "s.db") as store:
        campaign_id = campaign.start(replace(plan, protocol=protocol("quick")), store)
        with pytest.raises(InterruptedRunError, match="47 visits are kept"):
            campaign.run(store, campaign_id, progress=interrupted_in_the_second_round)
        result = campaign.run(store, campaign_id)
        visits = visits_of(store, campaign_id)
        assert len(visits) == 2 * (45 + 2)
        assert len({(visit.round, visit.position) for visit in visits}) == len(visits)
        assert store.count(campaign_id, role="canary") == 2 * 2
    assert len(result.measurements) == 45
    assert all(len(m.visits) == 2 for m in result.measurements)
