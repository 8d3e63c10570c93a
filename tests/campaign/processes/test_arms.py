"""Two revisions in one round: who measures what, in which order, and that no group is taken for another one's."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.campaign.estimates import estimate
from hwcost.campaign.plans.plan import Plan, items
from hwcost.campaign.processes.arms import arms_of, in_turn
from hwcost.campaign.rounds import round as campaign_round
from hwcost.campaign.run import run, start
from hwcost.devices import DeviceHandle, load
from hwcost.errors import InterruptedRunError
from hwcost.stores import open_store
from hwcost.testing.in_process import InProcess
from hwcost.testing.sim_device import SimDevice
from hwcost.timing.processes.worker import Job
from hwcost.timing.protocol import protocol
from hwcost.workloads import RevisionWorkload, SyntheticWorkload

pytestmark = pytest.mark.once

XEON = DeviceHandle(load("xeon"))
WORKS = [SyntheticWorkload(f"w{i}", flops=int(1e9 * (1 + i))) for i in range(3)]
OF_TREES = [RevisionWorkload.of(work, commit * 40, f"/{commit}", (f"/{commit}",)) for work in WORKS for commit in "ab"]


def plan_of(works: list[Any]) -> Plan:
    return Plan(tuple(items(works)), "cpu", "null", protocol("standard"))


def test_a_round_is_parted_by_revision_and_keeps_its_positions() -> None:
    places = [(position, work.key) for position, work in enumerate(OF_TREES)]
    arms = arms_of(plan_of(OF_TREES), places)
    assert [arm.tree and arm.tree.folder for arm in arms] == ["/a", "/b"]
    assert [arm.workloads for arm in arms] == [WORKS, WORKS]
    assert sorted(itertools.chain(*(arm.places for arm in arms))) == places
    (only,) = arms_of(plan_of(WORKS), [(0, WORKS[0].key), (2, WORKS[2].key)])
    assert only.tree is None
    assert only.renamed({"event": "closed", "group": 3}) == {"event": "closed", "group": 3}


def test_groups_of_two_arms_differ() -> None:
    arms = arms_of(plan_of(OF_TREES), [(position, work.key) for position, work in enumerate(OF_TREES)])
    groups = [arm.renamed({"event": "closed", "group": group})["group"] for arm in arms for group in range(3)]
    assert len(set(groups)) == 6
    event = {"event": "prepared", "group": 0, "workload_key": WORKS[1].key}
    assert [arm.renamed(event)["workload_key"] for arm in arms] == [OF_TREES[2].key, OF_TREES[3].key]


@given(st.lists(st.lists(st.sampled_from(["prepared", "pass", "visit", "closed"]), max_size=8), min_size=1, max_size=3))
def test_every_process_has_one_turn_before_any_has_the_next(streams: list[list[str]]) -> None:
    waits = [0] * len(streams)
    is_over = [False] * len(streams)

    def events(number: int) -> Iterator[dict[str, Any]]:
        for kind in streams[number]:
            others = [waits[other] for other in range(len(streams)) if other != number and not is_over[other]]
            assert not others or waits[number] <= min(others) + 1
            waits[number] += kind != "prepared"
            yield {"event": kind, "process": number}
        is_over[number] = True

    found = list(in_turn([events(number) for number in range(len(streams))], "seed"))
    for number, kinds in enumerate(streams):
        assert [one["event"] for one in found if one["process"] == number] == kinds


def test_a_round_of_two_arms_that_was_cut_short_keeps_the_passes_of_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [25]

    class Ending(InProcess):
        def events(self) -> Iterator[dict[str, Any]]:
            for event in super().events():
                left[0] -= event["event"] == "pass"
                if left[0] == 0:
                    raise KeyboardInterrupt
                yield event

    def worker(job: Job, server: object = None, tree: object = None) -> InProcess:
        assert job.takes_turns == (len(job.workloads) == len(WORKS))
        return Ending(job, SimDevice(), XEON)

    monkeypatch.setattr(campaign_round, "WorkerProcess", worker)
    plan = plan_of(OF_TREES)
    with open_store(tmp_path / "s.db") as store:
        campaign_id = start(plan, store)
        with pytest.raises((KeyboardInterrupt, InterruptedRunError)):
            run(store, campaign_id)
        made = estimate.visits_of(store, campaign_id)
        assert {one.workload_key for one in made} == {work.key for work in OF_TREES}
        assert {len(one.samples_s) for one in made} <= {10, 11, 12}
