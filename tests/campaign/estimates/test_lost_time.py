"""Time that counters say was lost: every workload has an interval, and the interval holds the machine without the loss."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hwcost.agent import groups
from hwcost.campaign.estimates.estimate import CampaignFit, fit_campaign
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.devices import DeviceHandle, load
from hwcost.testing.faults import Faults
from hwcost.testing.in_process import run_rounds
from hwcost.testing.sim_device import SimDevice
from hwcost.timing.protocol import protocol
from hwcost.timing.telemetry import BlockReading, Telemetry
from hwcost.workloads import SyntheticWorkload

XEON = DeviceHandle(load("xeon"))
NOISE = {"noise": 0.004, "process": 0.003}


def plan_of(n: int) -> Plan:
    items = tuple(Item(SyntheticWorkload(f"w{i}", flops=int(3e9 * 1.2**i))) for i in range(n))
    return Plan(items, "xeon", "sim", protocol("standard"))


def measured(n: int, **faults: float) -> tuple[CampaignFit, np.ndarray]:
    """Runs a campaign; returns its fit, and the log latency of every workload on a machine that nobody disturbs."""
    plan, device = plan_of(n), SimDevice(faults=Faults(**{**NOISE, **faults}))  # type: ignore[arg-type]
    fit = fit_campaign(plan, run_rounds(plan, device, XEON, device.telemetry(XEON)))
    return fit, np.log([device.law_s(item.workload) for item in plan.items])


def ends(fit: CampaignFit) -> tuple[np.ndarray, np.ndarray]:
    """Returns the log ends of the intervals."""
    assert all(m.low_s is not None for m in fit.measurements)
    return np.log([m.low_s for m in fit.measurements]), np.log([m.high_s for m in fit.measurements])


@pytest.mark.parametrize("n", [pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow), 6])
def test_a_steady_steal_widens_every_interval_and_voids_none(n: int) -> None:
    fit, truth = measured(n, steal=0.2)
    low, high = ends(fit)
    assert (low < truth).all()
    assert (high > truth - math.log(0.8)).all()
    assert (high - low < 2 * 0.27).all()
    assert {visit.status for visit in fit.visits} == {"warn"}
    for m in fit.measurements:
        assert not m.is_confirmed
        assert "20 % of the time was lost" in m.interval_reason
        if n > 1:  # ratios of workloads that lost as much are as precise as ever
            assert m.paired_half_width is not None
            assert m.paired_half_width < 0.02


def test_lost_time_widens_no_interval_where_there_is_none() -> None:
    fit, _ = measured(6, steal=0.2)
    for m in fit_campaign(plan_of(6), [visit for visit in fit.visits if visit.round == 0]).measurements:
        assert (m.half_width, m.is_confirmed) == (None, False)
        assert math.isfinite(m.level_half_width)
        assert m.interval_reason.startswith("every workload was visited only once")


def test_a_little_steal_changes_nothing() -> None:
    fit, _ = measured(6, steal=0.04)
    assert all(m.is_confirmed and m.half_width is not None and m.half_width < 0.02 for m in fit.measurements)


class BurstTelemetry(Telemetry):
    """The steal of a machine whose hypervisor takes a share of the time while another guest computes."""

    def __init__(self, device: SimDevice) -> None:
        super().__init__(XEON)
        self._device = device

    def begin(self) -> None:
        self._begun_s = self._device.time() * 1e-9

    def after_block(self) -> BlockReading:
        return BlockReading()

    def end(self) -> dict[str, Any]:
        now_s = self._device.time() * 1e-9
        neighbour = self._device.neighbour
        work_s = neighbour._done_at(now_s) - neighbour._done_at(self._begun_s)
        had = (1.0 - self._device.faults.steal) * work_s / (now_s - self._begun_s)
        return {"cpu_steal_fraction": 1.0 - had}


def bursts(seed: int, n: int = 8, **faults: float) -> tuple[CampaignFit, np.ndarray]:
    plan = plan_of(n)
    device = SimDevice(options={"seed": seed}, faults=Faults(**{**NOISE, "neighbour": 0.6, **faults}))  # type: ignore[arg-type]
    fit = fit_campaign(plan, run_rounds(plan, device, XEON, BurstTelemetry(device)))
    return fit, np.log([device.law_s(item.workload) for item in plan.items])


def test_steal_that_blocks_show_widens_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "EVENT_S", 0.0)  # counters are read about every half second, and this clock is a virtual one
    fit, truth = bursts(0)
    assert any("block_lost_fraction" in visit.conditions for visit in fit.visits)
    low, high = ends(fit)
    assert ((low <= truth) & (truth <= high)).all()
    assert np.median(high - low) < 2 * 0.05


@pytest.mark.parametrize("faults", [{"busy_s": 0.03, "idle_s": 0.04}, pytest.param({"steal": 0.1}, marks=pytest.mark.slow)])
def test_steal_in_the_quickest_blocks_is_in_the_interval(
    monkeypatch: pytest.MonkeyPatch, faults: dict[str, float]
) -> None:
    """Bursts shorter than blocks, and a steady steal beside bursts that blocks show."""
    monkeypatch.setattr(groups, "EVENT_S", 0.0)
    fit, truth = bursts(0, **faults)
    low, high = ends(fit)
    assert ((low <= truth) & (truth <= high)).all()
