"""Campaigns on a GPU that is not here: a lost device, too little memory, a kernel that never ends; the rest is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from hwcost.backends.torch_eager import TorchEager
from hwcost.campaign import run as campaign
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.campaign.processes.worker_process import WorkerProcess, WorkerStalledError
from hwcost.campaign.rounds import round as campaign_round
from hwcost.devices import DeviceHandle, device_kind, load
from hwcost.devices import telemetry as contract
from hwcost.errors import DeviceError
from hwcost.spaces import Component, space
from hwcost.stores import open_store
from hwcost.stores.schema import Record
from hwcost.testing import in_process
from hwcost.testing.fake_cuda import FakeCuda
from hwcost.testing.in_process import InProcess
from hwcost.timing.processes.worker import Job
from hwcost.timing.protocol import protocol
from hwcost.timing.telemetry.nvml import NvmlTelemetry
from hwcost.workloads import ComponentWorkload, SyntheticWorkload, Workload
from tests.timing.fake_nvml import FakeNvml

CARD = DeviceHandle(load("h100"), 1, "GPU-1")
WORKS = [
    ComponentWorkload.of(space("supershaper"), Component("layer", (("hidden", 120),)), seq_len=length)
    for length in (8, 12, 16)
]


class OnFake(TorchEager):
    """Eager torch on the clock of a fake GPU; one workload fails."""

    uses_processor = False

    def __init__(self, cuda: FakeCuda, fails: Callable[[Workload], None]) -> None:
        super().__init__()
        self.cuda, self.fails = cuda, fails

    def prepare(self, workload: Workload, handle: DeviceHandle) -> Any:
        runner = super().prepare(workload, handle)
        runner.clock, runner.clock_step_s = self.cuda, 1e-9
        issue = runner._issue

        def failing(n: int) -> None:
            self.fails(workload)
            issue(n)

        runner._issue = failing  # type: ignore[method-assign]
        return runner


def run(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    nvml: FakeNvml,
    fails: Callable[[Workload], None] = lambda workload: None,
    rounds: int = 1,
) -> list[Record]:
    cuda = FakeCuda(launch_s=2e-3, kernel_s=3e-4, uuids=("0", "1")).install(monkeypatch)
    backend = OnFake(cuda, fails)
    monkeypatch.setattr(campaign_round, "WorkerProcess", lambda job, *_: InProcess(job, backend, CARD))
    monkeypatch.setattr(in_process, "telemetry_of", lambda made, handle: NvmlTelemetry(handle, nvml))
    monkeypatch.setattr(campaign, "reserved", _nothing)
    plan = Plan(tuple(map(Item, WORKS)), "h100", "torch", protocol("quick", "cuda", rounds=rounds), handle=CARD)
    with open_store(path / "s.db") as store:
        assert campaign.run(store, campaign.start(plan, store)).is_complete
        return list(store.records())


class _nothing:  # noqa: N801 - stands in for a context manager
    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


def test_a_record_holds_both_times_the_clock_of_each_block_and_the_energy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = run(tmp_path, monkeypatch, FakeNvml(pids=[], reasons=4))
    assert len(records) == 3
    for record in records:
        visit, seen = record.visit, record.visit.conditions
        assert visit.device_samples_s is not None
        assert seen["device_s"] < min(visit.samples_s) / 4
        assert seen["enqueue_s"] == pytest.approx(min(visit.samples_s), rel=0.2)
        assert seen["block_clock_hz"] == [1.98e9] * len(visit.samples_s)
        assert seen["visit_energy_j"] > 0
        assert seen["energy_source"] == "counter"
        assert seen["throttle_reasons"] == ["sw_power_cap"]
        assert [flag.code for flag in visit.flags] == ["W_LAUNCH_BOUND"]
        assert visit.facts["timing"]["device_s"] == "gated events"


def test_what_runs_out_of_memory_has_failed_and_the_others_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(workload: Workload) -> None:
        if workload.seq_len == 12:
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")

    records = run(tmp_path, monkeypatch, FakeNvml(pids=[]), fails, rounds=2)
    (failed,) = [record.visit for record in records if record.visit.status == "failed"]
    assert failed.workload_key == WORKS[1].key
    assert "ran out of memory" in failed.flags[0].text
    assert "of main memory" not in failed.flags[0].text
    assert sorted(record.visit.status for record in records) == ["failed", *["warn"] * 4]


def test_a_device_that_is_lost_over_one_workload_fails_it_and_the_campaign_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvml = FakeNvml(pids=[])

    def fails(workload: Workload) -> None:
        if workload.seq_len == 16 and not nvml.lost:
            nvml.lost = True
            raise RuntimeError("CUDA error: unspecified launch failure")

    found = NvmlTelemetry.check

    def check(self: contract.Telemetry) -> None:  # a fresh process finds it again
        try:
            found(self)  # type: ignore[arg-type]
        finally:
            nvml.lost = False

    monkeypatch.setattr(NvmlTelemetry, "check", check)
    records = run(tmp_path, monkeypatch, nvml, fails)
    (failed,) = [record.visit for record in records if record.visit.status == "failed"]
    assert (failed.workload_key, [flag.code for flag in failed.flags]) == (WORKS[2].key, ["E_DEVICE_LOST"])
    assert "GPU is lost" in failed.flags[0].text
    assert {record.visit.workload_key for record in records} == {work.key for work in WORKS}


def test_a_device_that_every_process_loses_stops_the_campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(workload: Workload) -> None:
        raise RuntimeError("CUDA error: unspecified launch failure")

    with pytest.raises(DeviceError, match="E_DEVICE_LOST: device h100:1 .* is gone.*--resume"):
        run(tmp_path, monkeypatch, FakeNvml(pids=[], lost=True), fails)


def test_a_card_that_is_throttled_and_shared_voids_its_visits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = run(tmp_path, monkeypatch, FakeNvml(pids=[1], reasons=64))
    assert {record.visit.status for record in records} == {"void"}
    for record in records:
        assert {"E_THROTTLED", "E_FOREIGN"} <= {flag.code for flag in record.visit.flags}


def test_a_process_that_stalls_is_killed_and_names_the_workload_in_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_kind("cpu").__class__, "stall_s", 3.0)
    works = [SyntheticWorkload("quick", flops=10**6), SyntheticWorkload("endless", flops=10**16)]
    job = Job(
        backend="null", backend_options={"realtime": True}, threads=1, device=DeviceHandle(load("cpu")).to_dict(),
        protocol=protocol("quick").to_dict(), round=0, workloads=[work.as_dict() for work in works], positions=[0, 1],
    )  # fmt: skip
    with WorkerProcess(job) as made:
        events: Iterator[dict[str, Any]] = made.events()
        with pytest.raises(WorkerStalledError, match=r"nothing was heard of the measuring process for 3\.\d\d s") as stalled:
            list(events)
    assert stalled.value.position == 1
    assert (stalled.value.code, stalled.value.attempts) == ("E_TIMEOUT", 1)
