"""Runners of other people's backends: a slip in a time ends the campaign, and is never stored."""

from __future__ import annotations

import time
from typing import Any

import pytest

from hwcost.backends.base import Backend, BlockTiming, Runner
from hwcost.devices import DeviceHandle, load
from hwcost.errors import ContractError
from hwcost.timing.execution.groups import Groups
from hwcost.timing.protocol import protocol
from hwcost.timing.setting import Limits, Setting
from hwcost.timing.telemetry import Telemetry
from hwcost.workloads import SyntheticWorkload

XEON = DeviceHandle(load("xeon"))
CALL_S = 5e-5


class Sleeps(Runner):
    """A call that takes a while."""

    def run(self, n: int) -> None:
        until = time.perf_counter() + n * CALL_S
        while time.perf_counter() < until:
            pass

    def outputs(self) -> list[Any]:
        return []


class Milliseconds(Sleeps):
    def time_block(self, n: int) -> BlockTiming:
        return BlockTiming(super().time_block(n).host_s * 1e3)


class MillisecondsOfDevice(Sleeps):
    def time_block(self, n: int) -> BlockTiming:
        seconds = super().time_block(n).host_s
        return BlockTiming(seconds, device_s=seconds * 1e3)


class OneCall(Sleeps):
    def time_block(self, n: int) -> BlockTiming:
        return BlockTiming(super().time_block(n).host_s / n)


class Plain(Sleeps):
    def time_block(self, n: int) -> Any:
        return super().time_block(n).host_s


class NotANumber(Sleeps):
    def time_block(self, n: int) -> BlockTiming:
        return BlockTiming(float("nan"))


class WithoutSuper(Sleeps):
    def __init__(self) -> None:
        self.ready = True


class NoCount(Sleeps):
    def compile_events(self) -> Any:
        return None


class Right(Sleeps):
    def time_block(self, n: int) -> BlockTiming:
        seconds = super().time_block(n).host_s
        return BlockTiming(seconds, device_s=0.9 * seconds)


class Mine(Backend):
    name = "mine"

    def __init__(self, runner: Any) -> None:
        super().__init__()
        self.runner = runner

    @classmethod
    def availability(cls) -> tuple[bool, str]:
        return True, ""

    def version(self) -> dict[str, str]:
        return {"mine": "1"}

    def prepare(self, workload: Any, handle: DeviceHandle) -> Any:
        return self.runner()


def events(runner: Any) -> list[dict[str, Any]]:
    setting = Setting(Mine(runner), XEON, protocol("quick"), Telemetry(XEON), 0, 7)
    return list(Groups(setting, Limits(passes=2), [(SyntheticWorkload("w", flops=1000), 0)]).events())


@pytest.mark.parametrize(
    ("runner", "said"),
    [
        (Milliseconds, r"wrong time from time_block: host_s = 0.* for 1 calls that took .* s; expected seconds"),
        (MillisecondsOfDevice, r"time_block: device_s = .* for 1 calls that took .* s; expected seconds"),
        (OneCall, r"time_block: host_s = .* for \d+ calls that took .* s; expected that of all calls"),
        (Plain, r"time_block: \d.*; expected a hwcost.backends.BlockTiming\(host_s\)"),
        (NotANumber, r"time_block: host_s = nan; expected seconds"),
        (WithoutSuper, r"the runner of backend 'mine' lacks its facts: call super\(\).__init__\(\)"),
        (NoCount, r"the runner of backend 'mine' gave None from compile_events"),
        (lambda: None, r"the backend 'mine' gave None from prepare; expected a hwcost.backends.Runner"),
    ],
)
def test_a_slip_names_backend_and_member(runner: Any, said: str) -> None:
    with pytest.raises(ContractError, match=said):
        events(runner)


def test_a_runner_that_keeps_the_contract_is_measured() -> None:
    found = events(Right)
    timed = [block for event in found if event["event"] == "pass" for block in event["blocks"]]
    assert timed
    assert [event for event in found if event["event"] == "visit"] == []
