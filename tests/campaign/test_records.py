"""Records of a campaign: where a worker's facts go, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hwcost.campaign.plan import Item, Plan
from hwcost.campaign.records import RecordMaker
from hwcost.campaign.run import start
from hwcost.errors import DataError
from hwcost.facts import Process, read_process
from hwcost.stores import open_store
from hwcost.timing.measurement import Visit
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload

WORK = SyntheticWorkload("w")
PLAN = Plan((Item(WORK),), "cpu", "null", protocol("quick"), threads=2, seed=7)


def event(**device: Any) -> dict[str, Any]:
    return read_process(Process(versions={"null": "1"}, device={"kind": "cuda", "product": "A", "cores": 1, **device}))


@pytest.fixture
def maker(tmp_path: Path) -> RecordMaker:
    with open_store(tmp_path / "s.db") as store:
        made = RecordMaker(PLAN, start(PLAN, store), store)
    made.new_process(event(driver_version="550.54.15"))
    return made


def test_the_plan_s_facts_join_those_of_the_worker(maker: RecordMaker) -> None:
    environment = maker.record(Visit(WORK.key, 0, 0, (1.0,))).environment
    assert environment.tool["seed"] == 7
    assert environment.device["device_name"] == "cpu"
    assert environment.protocol["threads"] == 2
    assert environment.software["driver_version"] == "550.54.15"
    assert "driver_version" not in environment.device


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
