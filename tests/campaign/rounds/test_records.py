"""Records of a campaign: where a worker's facts go, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from hwcost.campaign.plans.plan import Item, Plan
from hwcost.campaign.rounds.records import RecordMaker
from hwcost.campaign.run import start
from hwcost.errors import DataError
from hwcost.facts import Process, read_process
from hwcost.stores import open_store
from hwcost.timing.measurement import Visit
from hwcost.timing.protocol import protocol
from hwcost.timing.stopping import StoppingCriterion
from hwcost.workloads import SyntheticWorkload

WORK = SyntheticWorkload("w")
PLAN = Plan((Item(WORK),), "cpu", "null", protocol("quick"), threads=2, seed=7)


@dataclass(frozen=True, slots=True)
class WithinSpread(StoppingCriterion):
    """A criterion whose parameter has the name of another one's."""

    name: ClassVar[str] = "within-spread"
    title: ClassVar[str] = "spread"

    most: float = 0.5

    def is_met(self, samples: Sequence[float]) -> bool:
        return max(samples) - min(samples) < self.most


def event(**device: Any) -> dict[str, Any]:
    return read_process(Process(versions={"null": "1"}, device={"kind": "cuda", "product": "A", "cores": 1, **device}))


def made(plan: Plan, folder: Path) -> RecordMaker:
    with open_store(folder / "s.db") as store:
        maker = RecordMaker(plan, start(plan, store), store)
    maker.new_process(event(driver_version="550.54.15"))
    return maker


@pytest.fixture
def maker(tmp_path: Path) -> RecordMaker:
    return made(PLAN, tmp_path)


def test_the_plan_s_facts_join_those_of_the_worker(maker: RecordMaker) -> None:
    environment = maker.record(Visit(WORK.key, 0, 0, (1.0,))).environment
    assert environment.tool["seed"] == 7
    assert environment.device["device_name"] == "cpu"
    assert environment.protocol["threads"] == 2
    assert environment.software["driver_version"] == "550.54.15"
    assert "driver_version" not in environment.device


def test_records_name_the_stopping_criterion_as_it_is(maker: RecordMaker, tmp_path: Path) -> None:
    assert maker.record(Visit(WORK.key, 0, 0, (1.0,))).environment.protocol["max_noise"] == 0.02
    other = made(replace(PLAN, protocol=protocol("quick", stopping=WithinSpread())), tmp_path / "other")
    facts = other.record(Visit(WORK.key, 0, 0, (1.0,))).environment.protocol
    assert facts["stopping"] == {"name": "within-spread", "most": 0.5}
    assert facts["stop_criterion"] == "spread"
    assert "max_noise" not in facts


def test_a_campaign_is_not_resumed_with_another_driver(maker: RecordMaker) -> None:
    maker.new_process(event(driver_version="550.54.15", clock_hz=1e9))
    with pytest.raises(DataError, match=r"another environment \(driver_version: 550.54.15 then, 570.1 now\)"):
        maker.new_process(event(driver_version="570.1"))


def test_a_fact_of_another_type_is_named(maker: RecordMaker) -> None:
    with pytest.raises(DataError, match=r"visit.conditions: .*'throttle_reasons' must be a list of texts, got 'hot'"):
        maker.record(Visit(WORK.key, 0, 0, (1.0,), conditions={"throttle_reasons": "hot"}))
    with pytest.raises(DataError, match="the environment cannot be kept: device: .*'cores' must be a count, got -1"):
        maker.new_process(event(cores=-1))


def test_records_of_one_process_share_their_environment(maker: RecordMaker) -> None:
    one, other = (maker.record(Visit(WORK.key, i, 0, (1.0,))) for i in range(2))
    assert one.environment is other.environment
    assert one.workload is other.workload


def test_doubts_about_the_machine_are_those_of_the_records_where_nothing_is_left_to_measure(tmp_path: Path) -> None:
    """A campaign that is read again, or was cut after its last visit, runs no further process."""
    facts = event()
    facts["host"] = {**facts["host"], "virtualization": "kvm"}
    facts["settings"] = {**facts["settings"], "exclusive": False}
    with open_store(tmp_path / "s.db") as store:
        plan = replace(PLAN, backend="torch")
        campaign = start(plan, store)
        maker = RecordMaker(plan, campaign, store)
        assert maker.machine_flags() == []
        maker.new_process(facts)
        told = maker.machine_flags()
        assert {"W_VIRTUAL", "W_NOT_EXCLUSIVE"} <= {flag.code for flag in told}
        store.append(maker.record(Visit(WORK.key, 0, 0, (1.0,))))
        assert RecordMaker(plan, campaign, store).machine_flags() == told


def test_a_backend_that_uses_no_processor_has_no_virtual_neighbours(tmp_path: Path) -> None:
    facts = event()
    facts["host"] = {**facts["host"], "virtualization": "kvm"}
    with open_store(tmp_path / "s.db") as store:
        maker = RecordMaker(PLAN, start(PLAN, store), store)
        maker.new_process(facts)
        assert "W_VIRTUAL" not in {flag.code for flag in maker.machine_flags()}
