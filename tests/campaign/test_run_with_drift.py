"""Whole campaigns on a drifting device: the real runner, its rounds in this process instead of fresh ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwcost.campaign import run as campaign
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.campaign.rounds import round as campaign_round
from hwcost.devices import DeviceHandle, load
from hwcost.stores import open_store
from hwcost.testing.faults import Faults
from hwcost.testing.in_process import InProcess
from hwcost.testing.sim_device import SimDevice
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload

pytestmark = pytest.mark.once

XEON = DeviceHandle(load("xeon"))


def run(path: Path, monkeypatch: pytest.MonkeyPatch, faults: Faults, n: int = 24) -> tuple[campaign.Result, SimDevice]:
    device = SimDevice(faults=faults)
    monkeypatch.setattr(campaign_round, "WorkerProcess", lambda job, *_: InProcess(job, device, XEON))
    works = [SyntheticWorkload(f"w{i:02d}", flops=int(3e9 * 1.05**i)) for i in range(n)]
    plan = Plan(tuple(Item(work) for work in works), "xeon", "null", protocol("standard"), pin=False, handle=XEON)
    with open_store(path / "s.db") as store:
        return campaign.run(store, campaign.start(plan, store)), device


@pytest.mark.slow
def test_topping_up_goes_on_until_the_level_leaves_narrow_intervals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workloads that are timed in turn meet the same drift, so that it stands between rounds and not between workloads."""
    faults = Faults(noise=0.01, process=0.01, ramp=0.3, span_s=100.0, sensitivities=(1.0,))
    result, device = run(tmp_path, monkeypatch, faults)
    assert "W_DRIFT" in {flag.code for flag in result.flags}
    counts = [m.n_rounds for m in result.measurements]
    assert 4 < max(counts) < 12
    assert all(m.half_width is not None and m.half_width <= 0.01 for m in result.measurements)
    path = device.level(result.measurements[0].workload)
    starts_s = np.concatenate([v.started_s + np.array(v.block_starts_s) for v in result.fit.visits])
    truth = [np.log(device.law_s(m.workload)) + path(starts_s).mean() for m in result.measurements]
    errors = np.log([m.latency_s for m in result.measurements]) - truth
    assert np.abs(errors).max() < 0.03
    assert np.abs(errors).mean() < 0.01


def test_a_calm_device_needs_no_topping_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result, _ = run(tmp_path, monkeypatch, Faults(noise=0.005, process=0.003))
    assert {m.n_rounds for m in result.measurements} == {4}
    assert result.fit.model is not None
    assert not result.fit.model.has_level
    assert not {flag.code for flag in result.flags} & {"W_DRIFT", "W_CONFOUNDED", "W_UNSTABLE_HOST"}
