"""Processes that die within a round, and rounds that an older hwcost began."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hwcost.agent import cgroups, groups
from hwcost.campaign import run as campaign
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.campaign.processes.fork_client import ForkServer
from hwcost.campaign.processes.worker_process import WorkerDiedError
from hwcost.campaign.rounds import round as campaign_round
from hwcost.campaign.rounds.journal import Journal, is_counted
from hwcost.devices import DeviceHandle, load
from hwcost.stores import Store, open_store
from hwcost.testing.faults import Faults
from hwcost.testing.in_process import InProcess
from hwcost.testing.sim_device import SimDevice
from hwcost.timing.measurement import Visit
from hwcost.timing.processes.worker import Job
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload

XEON = DeviceHandle(load("xeon"))
WORKS = [SyntheticWorkload(f"w{i}", flops=int(3e9 * 1.1**i)) for i in range(5)]
CANARY = SyntheticWorkload("canary", flops=10**9)

Event = dict[str, Any]


def plan_of(rounds: int = 2, **settings: Any) -> Plan:
    return Plan(tuple(map(Item, WORKS)), "xeon", "null", protocol("standard", rounds=rounds), handle=XEON, **settings)


class Machine:
    """Workers in this process, each of which may die after an event."""

    def __init__(self, dies: Callable[[int, Event], int | None]) -> None:
        self.device = SimDevice(faults=Faults(noise=0.002))
        self.dies, self.jobs = dies, list[Job]()

    def worker(self, job: Job, server: ForkServer, tree: object = None) -> InProcess:
        self.jobs.append(job)
        number, dies = len(self.jobs) - 1, self.dies

        class Worker(InProcess):
            def events(self) -> Iterator[Event]:
                for event in super().events():
                    yield event
                    position = dies(number, event)
                    if position is not None:
                        raise WorkerDiedError(position, -9, "")

        return Worker(job, self.device, XEON)


def run(path: Path, monkeypatch: pytest.MonkeyPatch, machine: Machine, plan: Plan | None = None) -> list[Visit]:
    monkeypatch.setattr(campaign_round, "WorkerProcess", machine.worker)
    monkeypatch.setattr(groups, "EVENT_S", 0.0)
    with open_store(path / "s.db") as store:
        campaign_id = campaign.start(plan or plan_of(), store)
        result = campaign.run(store, campaign_id)
        assert result.is_complete
        assert store.passes(campaign_id) == {}
        return [record.visit for record in store.records()]


def counts(visits: list[Visit]) -> Counter[str]:
    return Counter(visit.workload_key for visit in visits if is_counted(visit))


def test_passes_before_a_death_are_kept_and_a_round_of_few_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(lambda number, event: 1 if number == 0 and event.get("pass") == 3 else None)
    visits = run(tmp_path, monkeypatch, machine)
    first = [visit for visit in visits if visit.round == 0]
    assert {(visit.passes, visit.conditions["round_share"]) for visit in first} == {((1, 2, 3), 0.3)}
    assert len(machine.jobs) == 3
    assert set(counts(visits).values()) == {2}


def test_a_round_that_made_most_of_its_passes_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(lambda number, event: 1 if number == 0 and event.get("pass") == 7 else None)
    visits = run(tmp_path, monkeypatch, machine)
    assert len(machine.jobs) == 2
    assert len(visits) == 2 * len(WORKS)


def test_a_death_while_preparing_repeats_the_others_in_groups_of_less_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what is free to this process: in a container that is less than what is free on its machine."""
    monkeypatch.setattr(cgroups, "memory_left", lambda: [2**30])
    machine = Machine(lambda number, event: (2, 3)[number] if number < 2 and event["event"] == "prepared" else None)
    visits = run(tmp_path, monkeypatch, machine)
    assert len(visits) == 2 * len(WORKS)
    assert machine.jobs[0].memory_bytes is None
    assert [job.round for job in machine.jobs] == [0, 0, 0, 1]
    less = int(0.3 * 2**30)
    assert [job.memory_bytes for job in machine.jobs[1:]] == [less, less // 2, less // 2]


def test_a_workload_that_kills_twice_has_failed_and_the_others_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadly = WORKS[3].key

    def dies(number: int, event: Event) -> int | None:
        return int(event["position"]) if event.get("workload_key") == deadly else None

    machine = Machine(dies)
    visits = run(tmp_path, monkeypatch, machine)
    (failed,) = [visit for visit in visits if visit.workload_key == deadly]
    assert (failed.status, [flag.code for flag in failed.flags]) == ("failed", ["E_DIED"])
    assert counts(visits) == {work.key: 2 for work in WORKS if work.key != deadly} | {deadly: 1}


def test_a_process_that_dies_before_it_began_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(InProcess):
        def events(self) -> Iterator[Event]:
            yield from ()
            raise WorkerDiedError(None, 1, "no module")

    monkeypatch.setattr(campaign_round, "WorkerProcess", lambda job, *_: Gone(job, SimDevice(), XEON))
    with open_store(tmp_path / "s.db") as store, pytest.raises(WorkerDiedError, match="no module"):
        campaign.run(store, campaign.start(plan_of(), store))


def begun_before(store: Store, plan: Plan) -> str:
    """Begins a campaign as an older hwcost did: visit after visit, with a canary at both ends of each round."""
    campaign_id = campaign.start(plan, store)
    order = [CANARY.key, *(work.key for work in WORKS), CANARY.key]
    store.add_round(campaign_id, 0, order)
    journal = Journal(plan, campaign_id, store)
    for position, key in enumerate(order[:3]):
        journal.keep(Visit(key, 0, position, (0.02,) * 10, started_s=float(position), ended_s=position + 0.5))
    return campaign_id


def test_a_round_that_was_begun_before_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine, plan = Machine(lambda number, event: None), plan_of(canaries=(CANARY,))
    monkeypatch.setattr(campaign_round, "WorkerProcess", machine.worker)
    with open_store(tmp_path / "s.db") as store:
        campaign_id = begun_before(store, plan)
        before = [record.visit for record in store.records()]
        assert campaign.run(store, campaign_id).is_complete
        visits = [record.visit for record in store.records()]
    assert all(visit in visits for visit in before)
    assert set(counts(visits).values()) == {2}
    assert [len(job.workloads) for job in machine.jobs] == [3, 6]
