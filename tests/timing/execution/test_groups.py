"""Workloads of a simulated device that are measured in turn: groups, passes, warm-up after a switch, and limits."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import pytest

from hwcost.backends.base import Runner
from hwcost.backends.null import Null
from hwcost.campaign.rounds.journal import visits_of_events
from hwcost.devices import DeviceHandle, load
from hwcost.errors import UsageError
from hwcost.testing.faults import Faults
from hwcost.testing.sim_device import SimDevice
from hwcost.timing.execution import memory
from hwcost.timing.execution.groups import Groups
from hwcost.timing.measurement import Visit
from hwcost.timing.protocol import Protocol, protocol
from hwcost.timing.setting import Limits, Setting
from hwcost.timing.telemetry import Telemetry, telemetry_of
from hwcost.timing.visits.assemble import assembled, assembled_group
from hwcost.workloads import SyntheticWorkload, Workload

XEON = DeviceHandle(load("xeon"))
NOISE = Faults(noise=0.002)
Event = dict[str, Any]


def works(count: int, flops: int = 3 * 10**8) -> list[SyntheticWorkload]:
    """Workloads of 3 ms and a little more each."""
    return [SyntheticWorkload(f"w{i}", flops=flops + i * flops // 10) for i in range(count)]


def told(
    device: SimDevice, wanted: Sequence[Workload], how: Protocol | None = None, limits: Limits | None = None
) -> list[Event]:
    """The events of a process, after a journey through JSON."""
    how = how or protocol("quick")
    setting = Setting(device, XEON, how, device.telemetry(XEON), device.round, 7)
    found = Groups(setting, limits or Limits(), [(work, i) for i, work in enumerate(wanted)]).events()
    return [json.loads(json.dumps(event)) for event in found]


def visits(events: Sequence[Event], how: Protocol | None = None) -> Iterator[Visit]:
    for group in dict.fromkeys(event["group"] for event in events if event["event"] == "prepared"):
        of_group = [event for event in events if event.get("group") == group]
        prepared, passes = ([event for event in of_group if event["event"] == kind] for kind in ("prepared", "pass"))
        yield from assembled_group(prepared, passes, how or protocol("quick"))


def kinds(events: Sequence[Event]) -> list[str]:
    return [event["event"] for event in events]


def test_every_pass_has_a_block_of_every_workload_in_an_order_of_its_own() -> None:
    events = told(SimDevice(faults=NOISE), works(6), limits=Limits(passes=5))
    assert kinds(events) == ["prepared"] * 6 + ["pass", "closed"]
    blocks = events[6]["blocks"]
    orders = [[b["workload_key"] for b in blocks if b["pass"] == number] for number in range(6)]
    assert all(sorted(order) == sorted(work.key for work in works(6)) for order in orders)
    assert len({tuple(order) for order in orders}) == 6
    assert [b["role"] for b in blocks] == ["warm-up"] * 6 + ["timed"] * 30
    assert told(SimDevice(faults=NOISE), works(6), limits=Limits(passes=5))[6]["blocks"] == blocks


class Refusing(SimDevice):
    """A device that does not run the workloads of some names."""

    names: tuple[str, ...] = ()

    def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
        if workload.name in self.names:
            raise UsageError(f"no {workload.name} here")
        return super().prepare(workload, handle)


@pytest.mark.parametrize("names", [("w0",), ("w2",), ("w0", "w1", "w3")])
def test_a_workload_that_the_backend_refuses_has_failed_and_others_go_on(names: tuple[str, ...]) -> None:
    device = Refusing(faults=NOISE)
    device.names = names
    events = told(device, works(4), limits=Limits(passes=2))
    failed = [Visit.from_dict(event["visit"]) for event in events if event["event"] == "visit"]
    assert [str(one.flags[0]) for one in failed] == [f"E_FAILED: '{name}' failed: no {name} here" for name in names]
    assert kinds(events).count("prepared") == 4 - len(names)
    assert kinds(events)[-2:] == ["pass", "closed"]


def test_what_the_backend_refuses_of_all_workloads_is_the_users_error() -> None:
    device = Refusing(faults=NOISE)
    device.names = ("w0", "w1")
    with pytest.raises(UsageError, match="no w0 here"):
        told(device, works(2))


def test_blocks_in_turn_give_the_latencies_of_long_visits() -> None:
    device = SimDevice(faults=NOISE)
    for work, seen in zip(works(6), visits(told(device, works(6))), strict=True):
        assert seen.latency_s == pytest.approx(device.law_s(work), rel=0.005)
        assert (seen.status, seen.steady, len(seen.warmup_s)) == ("ok", "flat", 1)
        assert len(seen.samples_s) == len(seen.block_starts_s) == len(seen.passes) >= 10
        assert list(seen.passes) == sorted(set(seen.passes))
        assert 0 < seen.block_starts_s[0] < seen.block_starts_s[-1] < seen.ended_s - seen.started_s


@pytest.mark.parametrize(("switch", "least", "most"), [(0, 0, 1), (1, 1, 1), (2, 2, 2)])
def test_calls_after_a_switch_are_kept_out_of_the_blocks(switch: int, least: int, most: int) -> None:
    device = SimDevice(faults=Faults(noise=0.002, switch=switch))
    for work, seen in zip(works(6), visits(told(device, works(6))), strict=True):
        assert least <= seen.conditions["warmup_calls"] <= most
        assert seen.latency_s == pytest.approx(device.law_s(work), rel=0.005)
        if switch:
            assert seen.conditions["switch_ratio"] == pytest.approx(1.5, rel=0.02)


def test_long_calls_need_no_warm_up() -> None:
    slow = works(5, 3 * 10**10)
    for seen in visits(told(SimDevice(faults=Faults(noise=0.002, switch=1, switch_size=0.1)), slow)):
        assert (seen.calls_per_block, seen.conditions["warmup_calls"]) == (1, 0)
        assert seen.conditions["switch_ratio"] == pytest.approx(1.1, rel=0.02)


def test_only_calls_that_may_need_a_warm_up_have_a_pilot() -> None:
    """Beside quick ones, long calls miss the pilot pass and nothing else; by themselves they have none."""
    slow = [SyntheticWorkload(f"slow{i}", flops=3 * 10**10 + i) for i in range(3)]
    for wanted, pilots in ((slow, []), ([*works(2), *slow], [0])):
        passes = [one for one in told(SimDevice(faults=NOISE), wanted, limits=Limits(passes=3)) if one["event"] == "pass"]
        roles = Counter((block["role"], block["pass"]) for event in passes for block in event["blocks"])
        assert roles == {**{("warm-up", number): 2 for number in pilots}, **{("timed", n): len(wanted) for n in (1, 2, 3)}}
        assert {block["first_s"] is None for event in passes for block in event["blocks"] if block["calls"] == 1} == {False}


def test_what_slows_all_is_no_doubt_and_a_trend_of_ones_own_is() -> None:
    drifting = SimDevice(faults=Faults(noise=0.002, ramp=0.5, span_s=6.0, sensitivities=(1.0,)))
    assert {seen.status for seen in visits(told(drifting, works(6)))} <= {"ok", "warn"}
    own = Slowing(faults=NOISE)
    own.slow = works(6)[2].key
    void = [seen for seen in visits(told(own, works(6))) if seen.status == "void"]
    assert [(seen.workload_key, seen.flags[0].code) for seen in void] == [(own.slow, "E_NO_STEADY")]


def test_blocks_in_turn_meet_a_neighbour_in_equal_shares() -> None:
    """The quickest blocks are those of a machine of one's own, and no workload is unsteady since others slow it."""
    device = SimDevice(faults=Faults(noise=0.01, neighbour=0.6))
    events = told(device, works(12), limits=Limits(passes=80))
    shares = []
    for work, seen in zip(works(12), visits(events), strict=True):
        assert (seen.status, seen.steady) == ("ok", "flat")
        slowing = np.array([*seen.samples_s]) / device.law_s(work)
        assert np.quantile(slowing, 0.2) == pytest.approx(1.0, rel=0.01)
        shares.append(float((slowing > 1.3).mean()))
    assert np.mean(shares) == pytest.approx(1.75 / 1.6 / (1.75 / 1.6 + 2.25), abs=0.05)
    assert np.std(shares) < 0.06


class Slowing(SimDevice):
    """One workload gets slower by 1 % a call."""

    slow = ""

    def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
        """Prepares it with a law of its own."""
        usual = self.faults
        self.faults = Faults(noise=0.002, slowdown=0.01) if workload.key == self.slow else usual
        try:
            return super().prepare(workload, handle)
        finally:
            self.faults = usual


def test_a_kill_loses_the_last_pass_only() -> None:
    """What is assembled of the first events is what a round of so many passes would have given."""
    device = SimDevice(faults=NOISE)
    events = told(device, works(5), limits=Limits(passes=12))
    passes = [event for event in events if event["event"] == "pass"]
    assert len(passes) == 13
    short = told(SimDevice(faults=NOISE), works(5), limits=Limits(passes=6))
    cut = [event for event in events if event["event"] == "prepared"] + passes[:7]
    for one, other in zip(visits(cut), visits(short), strict=True):
        assert one.samples_s == other.samples_s
        assert (one.status, one.passes) == (other.status, other.passes)


@pytest.fixture(autouse=True)
def one_pass_an_event(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "kill" in request.node.name or "fails" in request.node.name:
        monkeypatch.setattr("hwcost.agent.groups.EVENT_S", 0.0)


def test_nothing_timed_is_void() -> None:
    prepared = told(SimDevice(), works(4))[0]
    seen = assembled(prepared, [], protocol("quick"))
    assert (seen.status, seen.flags[0].code, seen.is_usable) == ("void", "E_NO_STEADY", False)


def test_late_passes_are_not_begun_and_two_are_made_all_the_same() -> None:
    events = told(SimDevice(faults=NOISE), works(5), limits=Limits(round_s=0.0))
    for seen in visits(events):
        assert (len(seen.samples_s), seen.status) == (2, "ok")


def test_a_workload_that_fails_leaves_its_group() -> None:
    class Failing(SimDevice):
        def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
            runner = super().prepare(workload, handle)
            if workload.name == "w1":
                raise ValueError("no such shape")
            if workload.name == "w2":
                run = runner.run
                runner.run = lambda n: run(n) if runner._blocks < 20 else 1 / 0  # type: ignore[method-assign,attr-defined,func-returns-value]
            return runner

    events = told(Failing(faults=NOISE), works(6))
    failed = [Visit.from_dict(event["visit"]) for event in events if event["event"] == "visit"]
    assert [(seen.position, seen.status) for seen in failed] == [(1, "failed"), (2, "failed")]
    assert "no such shape" in failed[0].flags[0].text
    assert "ZeroDivisionError" in failed[1].flags[0].text
    passed = [seen for seen in visits(events) if seen.workload_key not in {one.workload_key for one in failed}]
    assert [seen.status for seen in passed] == ["ok"] * 4


def test_memory_ends_a_group_and_the_rest_comes_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    resident = [0]
    monkeypatch.setattr(memory.Memory, "resident_bytes", lambda self: resident[0])

    class Heavy(SimDevice):
        def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
            runner = super().prepare(workload, handle)
            resident[0] += 100
            runner.close = lambda: resident.__setitem__(0, resident[0] - 100)  # type: ignore[method-assign]
            return runner

    events = told(Heavy(faults=NOISE), works(7), limits=Limits(memory_bytes=350))
    assert [event["group"] for event in events if event["event"] == "prepared"] == [0, 0, 0, 1, 1, 1, 2]
    assert kinds(events).count("closed") == 3
    assert len(list(visits(events))) == 7
    assert resident == [0]


def test_out_of_memory_makes_smaller_groups() -> None:
    class Small(SimDevice):
        held = 0

        def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
            if self.held == 4:
                raise RuntimeError("CUDA out of memory")
            self.held += 1
            runner = super().prepare(workload, handle)
            runner.close = lambda: setattr(self, "held", self.held - 1)  # type: ignore[method-assign]
            return runner

    events = told(Small(faults=NOISE), works(6))
    assert [event["group"] for event in events if event["event"] == "prepared"] == [0, 0, 0, 0, 1, 1]
    assert "visit" not in kinds(events)


def test_memory_that_runs_out_in_a_pass_makes_smaller_groups() -> None:
    class Small(SimDevice):
        closed = 0

        def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
            runner = super().prepare(workload, handle)
            run, close = runner.run, runner.close

            def short(n: int) -> None:
                if workload.name == "w2" and runner._blocks > 12 and not self.closed:  # type: ignore[attr-defined]
                    raise RuntimeError("CUDA out of memory")
                run(n)

            runner.run = short  # type: ignore[method-assign]
            runner.close = lambda: (setattr(self, "closed", self.closed + 1), close())[1]  # type: ignore[method-assign,func-returns-value]
            return runner

    device = Small(faults=NOISE)
    events = told(device, works(6))
    prepared = [(event["group"], event["name"]) for event in events if event["event"] == "prepared"]
    assert [one for one in prepared if one[0]] == [(1, "w2")]
    assert [event["group"] for event in events if event["event"] == "deferred"] == [0]
    assert "visit" not in kinds(events)
    seen = visits_of_events(events, protocol("standard"))
    assert sorted(Counter(one.workload_key for one in seen).values()) == [1] * 6
    assert all(one.is_usable for one in seen)
    assert device.closed == 7  # everything that was prepared


def test_calls_with_pauses_are_measured_one_workload_after_another() -> None:
    how = protocol("quick", arrival="gap=10ms")
    events = told(SimDevice(faults=NOISE), works(3), how)
    assert [event["group"] for event in events if event["event"] == "prepared"] == [0, 1, 2]
    assert all(seen.calls_per_block == 1 and len(seen.samples_s) >= 65 for seen in visits(events, how))


def test_the_workload_in_hand_stands_in_the_parents_file() -> None:
    seen = []

    class Watched(Null):
        def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
            seen.append(int.from_bytes(os.pread(file.fileno(), 8, 0), "little"))
            return super().prepare(workload, handle)

    with TemporaryFile() as file:
        backend = Watched()
        setting = Setting(backend, XEON, protocol("quick"), telemetry_of(backend, XEON))
        list(Groups(setting, Limits(current_fd=file.fileno()), [(work, 3 + i) for i, work in enumerate(works(3))]).events())
    assert seen == [3, 4, 5]


def test_conditions_are_those_of_the_passes() -> None:
    class Counting(Telemetry):
        begun = 0

        def begin(self) -> None:
            self.begun += 1

        def end(self) -> dict[str, Any]:
            return {"visit_energy_j": 10.0, "foreign_pids": [self.begun], "involuntary_switches": 2.0}

    backend = Null()
    setting = Setting(backend, XEON, protocol("quick"), Counting(XEON))
    events = list(Groups(setting, Limits(passes=3), [(work, i) for i, work in enumerate(works(4))]).events())
    found = list(visits(events))
    count = kinds(events).count("pass")
    assert sum(seen.conditions["visit_energy_j"] for seen in found) == pytest.approx(10.0 * count)
    assert found[0].conditions["foreign_pids"] == list(range(1, count + 1))
    assert found[0].conditions["involuntary_switches"] == 2.0 * count
