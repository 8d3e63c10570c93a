"""Machines that share a store: failures of one stay out of another one's history, and neither resumes the other's runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hwcost.backends.null import Null
from hwcost.campaign.rounds import round as campaign_round
from hwcost.devices import DetectedDevice, DeviceHandle, detect
from hwcost.errors import UsageError
from hwcost.stores import open_store
from hwcost.suites import RunOptions, Suite, run_suite
from hwcost.suites import machine as machine_of_suite
from hwcost.testing.faults import Faults
from hwcost.testing.in_process import InProcess
from hwcost.testing.sim_device import SimDevice
from tests.suites.nights import SPACE, night
from tests.suites.nights import suite as usual_suite
from tests.suites.test_run_suite import CODE, StopsAt

pytestmark = pytest.mark.once

GPU = DetectedDevice("cuda", "nvidia", "Tesla K80", compute_capability="3.7", memory_bytes=12 * 2**30)
CPUS = [DetectedDevice("cpu", "intel", f"Xeon {name}", cores=8, threads=16) for name in "AB"]
GPUS = [GPU, replace(GPU, memory_bytes=24 * 2**30)]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    device = SimDevice(faults=Faults(noise=0.01), law=Null().law_s)
    monkeypatch.setattr(
        campaign_round, "WorkerProcess", lambda job, *_: InProcess(job, device, DeviceHandle.from_dict(job.device))
    )
    return tmp_path / "night.db"


def suite(n: int = 2, **values: Any) -> Suite:
    return usual_suite(workloads=[{"name": "nets", "space": SPACE, "n": n}], **values)


def on_machine(patch: pytest.MonkeyPatch, number: int, *, with_gpu: bool = True) -> None:
    """Lets this be one of two machines, whose GPU may be gone."""
    patch.setattr(detect, "present", lambda *_: [CPUS[number], *([GPUS[number]] if with_gpu else [])])
    patch.setattr(machine_of_suite, "detect_cpu", lambda: CPUS[number])


def failed(store: Path, run_id: str) -> set[str | None]:
    """Returns the keys of the devices in whose histories a run failed."""
    with open_store(store) as opened:
        series = opened.series()
        estimates = opened.estimates(run_ids=[run_id]).estimates()
        return {series[one.series_key].device_key for one in estimates if one.status == "failed"}


def test_a_device_that_is_gone_fails_in_the_history_of_its_own_machine(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (0, 1):
        on_machine(monkeypatch, number)
        assert night(store, suite(devices=["k80"])).error is None
    for number in (0, 1):
        on_machine(monkeypatch, number, with_gpu=False)
        gone = night(store, suite(devices=["k80"]))
        assert failed(store, gone.run.run_id) == {GPUS[number].key}
    with open_store(store) as opened:
        assert len(opened.series()) == 2 * 2
    larger = night(store, suite(n=3, devices=["k80"]))
    assert failed(store, larger.run.run_id) == {GPUS[1].key}


@pytest.mark.slow
def test_a_device_that_was_never_here_begins_a_history_of_its_own(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_machine(monkeypatch, 0)
    night(store, suite(devices=["k80"]))
    on_machine(monkeypatch, 1, with_gpu=False)
    for _ in range(2):
        assert failed(store, night(store, suite(devices=["k80"])).run.run_id) == {None}
    with open_store(store) as opened:
        assert len(opened.series()) == 2 * 2
    on_machine(monkeypatch, 1)
    night(store, suite(devices=["k80"]))
    on_machine(monkeypatch, 1, with_gpu=False)
    assert failed(store, night(store, suite(devices=["k80"])).run.run_id) == {GPUS[1].key}


def test_a_run_of_another_machine_is_not_resumed(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_machine(monkeypatch, 0)
    with open_store(store) as opened, pytest.raises(SystemExit):
        run_suite(suite(shapes=[{"seq_len": 16}, {"seq_len": 32}]), opened, RunOptions(code=CODE), StopsAt(1, SystemExit))
    with open_store(store) as opened:
        (begun,) = opened.runs()
    on_machine(monkeypatch, 1)
    with pytest.raises(UsageError, match="no unfinished run of suite 'mine' on this machine"):
        night(store, suite(), resume=True)
    other = night(store, suite(shapes=[{"seq_len": 16}, {"seq_len": 32}]), code=CODE)
    assert [(one.measured, one.skipped) for one in other.outcomes] == [(2, 0), (2, 0)]
    on_machine(monkeypatch, 0)
    resumed = night(store, suite(shapes=[{"seq_len": 16}, {"seq_len": 32}]), code=CODE)
    assert resumed.run.run_id == begun.run_id
    assert [(one.measured, one.skipped) for one in resumed.outcomes] == [(0, 2), (2, 0)]
