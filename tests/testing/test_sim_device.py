"""A simulated device in the hands of the real visit: each fault shows as what it is."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.campaign.estimates.estimate import fit_campaign
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.devices import DeviceHandle, load
from hwcost.errors import UsageError
from hwcost.testing.backends import BackendSuite
from hwcost.testing.faults import DRIFTS, Faults, LevelPath
from hwcost.testing.in_process import run_rounds
from hwcost.testing.plugins import registered
from hwcost.testing.sim_device import SimDevice
from hwcost.timing.execution.visit import VisitIndex, visit
from hwcost.timing.measurement import Visit
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload

XEON = DeviceHandle(load("xeon"))
WORK = SyntheticWorkload("x", flops=3 * 10**9)
LAW_S = 0.03001


def visited(work: SyntheticWorkload = WORK, tier: str = "standard", **faults: float) -> Visit:
    device = SimDevice(faults=Faults(**{"noise": 0.002, **faults}))
    return visit(device, work, XEON, protocol(tier), VisitIndex(0, 0), device.telemetry(XEON))


class TestSim(BackendSuite):
    name = "sim"
    computes = False

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def registered(cls):
        with registered("hwcost.backends", {"sim": "hwcost.testing.sim_device:SimDevice"}):
            yield

    @classmethod
    def workload(cls):
        return SyntheticWorkload("some", flops=10**9, elements=10**6)


@given(st.sampled_from(list(DRIFTS)), st.integers(0, 50), st.integers(0, 2), st.lists(st.floats(0, 2000), min_size=1))
def test_a_level_depends_on_seed_class_and_time_alone(name: str, seed: int, group: int, times: list[float]) -> None:
    t = np.array(times)
    level = LevelPath(DRIFTS[name], seed, group)(t)
    again = LevelPath(DRIFTS[name], seed, group)
    assert np.array_equal(level, np.array([again(t[i : i + 1])[0] for i in range(len(t))]))


def test_classes_feel_a_common_level_in_part_or_have_their_own() -> None:
    t = np.linspace(0, 1600, 500)
    common = [LevelPath(DRIFTS["slow drift, sd 5 %"], 0, group)(t) for group in range(3)]
    assert np.allclose(common[0], 0.3 * common[2])
    assert np.allclose(common[1], 0.6 * common[2])
    own = [LevelPath(DRIFTS["own drift of each class"], 0, group)(t) for group in range(3)]
    assert abs(np.corrcoef(own)[np.triu_indices(3, 1)]).max() < 0.95
    ramp = LevelPath(DRIFTS["ramp 12 %"], 0, 2)
    assert ramp(np.array([0.0, 800.0, 1600.0, 9999.0])) == pytest.approx([0, 0.06, 0.12, 0.12])


def test_a_drift_has_the_spread_and_memory_it_was_given() -> None:
    t = np.linspace(0, 1600, 1601)
    walks = np.array([LevelPath(Faults(walk_sd=0.05, walk_s=50.0), seed, 2)(t) for seed in range(200)])
    assert walks.std() == pytest.approx(0.05, rel=0.1)
    lagged = np.mean(walks[:, 50:] * walks[:, :-50]) / np.mean(walks**2)
    assert lagged == pytest.approx(np.exp(-1), abs=0.08)


def test_every_fault_is_an_option() -> None:
    device = SimDevice(options={"seed": 3, "ramp": 0.12, "class_flops": [10**9]})
    assert device.faults.ramp == 0.12
    assert device.level(SyntheticWorkload("s", flops=1)).group == 0
    assert device.level(WORK).group == 1
    assert {field.name for field in fields(Faults)} <= set(SimDevice.option_names)
    with pytest.raises(UsageError, match="no option 'rampp'"):
        SimDevice(options={"rampp": 1})


def test_rounds_begin_where_they_are_told() -> None:
    device = SimDevice(options={"round_s": 100.0})
    for number in range(3):
        device.round = number
        device.prepare(WORK, XEON).run(1)
        assert device.time() * 1e-9 == pytest.approx(100 * number + LAW_S)


@pytest.mark.parametrize(("warmup", "left"), [(3, 0.005), (10, 0.01), (30, 0.01), (100, 0.05), (200, 0.1)])
def test_a_warm_up_is_named_and_hardly_reaches_the_estimate(warmup: int, left: float) -> None:
    seen = visited(warmup=warmup)
    assert (seen.status, seen.steady) == ("ok", "warm-up" if warmup > 3 else "flat")  # preparing takes the first calls
    assert seen.latency_s == pytest.approx(LAW_S, rel=left)


def test_what_gets_slower_for_ever_is_void() -> None:
    seen = visited(slowdown=0.05)
    assert (seen.status, seen.flags[0].code) == ("void", "E_NO_STEADY")


def test_an_oscillation_over_blocks_is_void_and_one_within_them_is_averaged() -> None:
    assert visited(swing=0.1, swing_calls=20).flags[0].code == "E_NO_STEADY"
    quick = visited(SyntheticWorkload("q", flops=10**6), swing=0.2, swing_calls=40)
    assert quick.status == "ok"
    assert quick.latency_s == pytest.approx(2e-5, rel=0.02)


def test_recompiling_voids() -> None:
    assert [flag.code for flag in visited(recompile_at=6).flags] == ["E_COMPILE"]
    assert visited(recompile_at=100_000).status == "ok"


def test_steal_is_told_and_makes_calls_longer() -> None:
    stolen = visited(steal=0.2)
    assert [flag.code for flag in stolen.flags] == ["W_DISTURBED"]
    assert stolen.latency_s == pytest.approx(LAW_S / 0.8, rel=0.01)
    assert visited(steal=0.02).status == "ok"


@pytest.mark.parametrize("seed", range(5))
def test_a_lower_clock_in_a_tenth_of_the_blocks_is_left_out(seed: int) -> None:
    device = SimDevice(options={"seed": seed}, faults=Faults(noise=0.02, drops=0.1))
    seen = visit(device, WORK, XEON, protocol("strict"), VisitIndex(0, 0), device.telemetry(XEON))
    assert seen.is_usable
    assert seen.latency_s == pytest.approx(LAW_S, rel=0.01)
    assert seen.conditions["left_out_s"]["throttled"]


def test_a_coarse_clock_gets_longer_blocks_or_none() -> None:
    tiny = SyntheticWorkload("t", flops=1)
    device = SimDevice(faults=Faults(tick_s=1e-6), law=lambda work: 2e-7)
    seen = visit(device, tiny, XEON, protocol("standard"), VisitIndex(0, 0))
    assert seen.latency_s == pytest.approx(2e-7, rel=0.001)
    assert seen.calls_per_block * 2e-7 >= 1e-3
    stuck = SimDevice(faults=Faults(tick_s=1.0), law=lambda work: 2e-7)
    assert visit(stuck, tiny, XEON, protocol("standard"), VisitIndex(0, 0)).flags[0].code == "E_RESOLUTION"


def test_spikes_and_tails_leave_the_median_alone() -> None:
    for faults in ({"spikes": 0.05}, {"modes": 0.1}, {"noise": 0.01, "tail": 3.0}):
        assert visited(**faults).latency_s == pytest.approx(LAW_S, rel=0.01)


def test_a_second_mode_is_seen() -> None:
    seen = visited(tier="strict", modes=0.4, noise=0.003)
    assert "W_MULTIMODAL" in [flag.code for flag in seen.flags]


def test_an_ignored_configuration_has_no_effect() -> None:
    items = tuple(Item(SyntheticWorkload(f"w{i}", flops=(i + 1) * 10**8)) for i in range(25))
    plan = Plan(items, "xeon", "sim", protocol("standard"))
    for is_ignored, expected in ((True, {"E_NULL_EFFECT"}), (False, set())):
        visits = run_rounds(plan, SimDevice(faults=Faults(noise=0.01, process=0.01, ignored=is_ignored)), XEON)
        codes = {flag.code for flag in fit_campaign(plan, visits).flags}
        assert codes & {"E_NULL_EFFECT"} == expected
