"""Campaigns on a CPU whose calls never end: the workload is named, the rest is measured, and what was measured is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hwcost
from hwcost.agent import groups
from hwcost.campaign import run as campaign
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.campaign.processes.silence import Silence
from hwcost.campaign.processes.worker_process import WorkerStalledError
from hwcost.campaign.rounds import round as campaign_round
from hwcost.campaign.rounds.journal import is_counted
from hwcost.devices import DeviceHandle, device_kind, load
from hwcost.stores import open_store
from hwcost.testing.in_process import InProcess
from hwcost.testing.sim_device import SimDevice
from hwcost.timing.processes.worker import Job
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload

XEON = DeviceHandle(load("xeon"))
WORKS = [SyntheticWorkload(f"w{i}", flops=int(1e9 * (1 + i))) for i in range(3)]
ENDLESS = SyntheticWorkload("endless", flops=10**16)


def stalled(position: int | None) -> WorkerStalledError:
    return WorkerStalledError(position, Silence(1, 600.0))


def test_a_call_that_never_ends_fails_its_workload_and_the_others_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(type(device_kind("cpu")), "stall_s", 2.0)
    result = hwcost.measure(
        [*WORKS, ENDLESS], backend="null", backend_options={"realtime": True}, store=tmp_path / "s.db", budget_s=1.0
    )
    *measured, failed = result.measurements
    assert all(m.half_width is not None and m.n_rounds >= 2 for m in measured)
    (flag,) = failed.flags
    assert (flag.code, failed.latency_s, len(failed.visits)) == ("E_TIMEOUT", None, 1)
    assert flag.text.startswith("nothing was heard of the measuring process for 2.")
    assert "did nothing" in flag.text
    assert "deadlock" in flag.remedy
    assert "endless has failed" in caplog.text
    with open_store(tmp_path / "s.db") as store:
        attempts = {record.visit.workload_key: record.identity.attempt for record in store.records()}
    assert set(attempts.values()) == {1}
    assert ENDLESS.key in attempts


def test_passes_before_a_stall_are_kept_and_its_workload_is_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, jobs = SimDevice(), list[Job]()

    class Worker(InProcess):
        def events(self) -> Iterator[dict[str, Any]]:
            for event in super().events():
                yield event
                if len(jobs) == 2 and event.get("pass") == 7:
                    raise stalled(1)

    def worker(job: Job, *_: object) -> InProcess:
        jobs.append(job)
        return Worker(job, device, XEON)

    monkeypatch.setattr(campaign_round, "WorkerProcess", worker)
    monkeypatch.setattr(groups, "EVENT_S", 0.0)
    plan = Plan(tuple(map(Item, WORKS)), "xeon", "null", protocol("standard", rounds=3), handle=XEON)
    with open_store(tmp_path / "s.db") as store:
        campaign_id = campaign.start(plan, store)
        assert campaign.run(store, campaign_id).is_complete
        visits = [record.visit for record in store.records()]
        (wedged,) = [visit for visit in visits if visit.status == "failed"]
        assert wedged.workload_key == store.rounds(campaign_id)[1][1]
    assert [flag.code for flag in wedged.flags] == ["E_TIMEOUT"]
    others = {work.key for work in WORKS} - {wedged.workload_key}
    kept = {visit.workload_key: visit.passes for visit in visits if visit.round == 1 and visit is not wedged}
    assert kept == dict.fromkeys(others, tuple(range(1, 8)))
    counts = {key: sum(visit.workload_key == key and is_counted(visit) for visit in visits) for key in others}
    assert counts == dict.fromkeys(others, 3)
    assert [len(job.workloads) for job in jobs] == [3, 3, 2]


def test_a_stall_before_the_first_workload_says_where_to_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Hung(InProcess):
        def events(self) -> Iterator[dict[str, Any]]:
            yield from ()
            raise stalled(None)

    monkeypatch.setattr(campaign_round, "WorkerProcess", lambda job, *_: Hung(job, SimDevice(), XEON))
    plan = Plan(tuple(map(Item, WORKS)), "xeon", "null", protocol("standard", rounds=2), handle=XEON)
    says = "had not begun with a workload.*look at what the backend waits for"
    with open_store(tmp_path / "s.db") as store, pytest.raises(WorkerStalledError, match=says):
        campaign.run(store, campaign.start(plan, store))
