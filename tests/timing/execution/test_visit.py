"""Visits of a device on a virtual clock, with faults put in."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwcost.backends.base import Backend, Runner
from hwcost.devices import DeviceHandle, load
from hwcost.errors import UsageError
from hwcost.timing.execution.visit import VisitIndex, visit
from hwcost.timing.measurement import Visit
from hwcost.timing.protocol import protocol
from hwcost.timing.telemetry import BlockReading, Telemetry
from hwcost.workloads import SyntheticWorkload, Workload

Law = Callable[[int], float]
XEON = DeviceHandle(load("xeon"))


class LawRunner(Runner):
    def __init__(self, law: Law, compiles_at: int | None, step_s: float) -> None:
        super().__init__()
        self.law, self.compiles_at, self.clock_step_s = law, compiles_at, step_s
        self.calls, self.time_s, self.closed = 0, 0.0, False
        self.clock = lambda: round(self.time_s / step_s) * round(step_s * 1e9)

    def run(self, n: int) -> None:
        for _ in range(n):
            self.time_s += self.law(self.calls)
            self.calls += 1

    def outputs(self) -> list[np.ndarray[Any, Any]]:
        return []

    def compile_events(self) -> int:
        return int(self.compiles_at is not None and self.calls > self.compiles_at)

    def close(self) -> None:
        self.closed = True


class LazyRunner(LawRunner):
    """Executes the first call of a block only, as when nobody reads what the others give."""

    def run(self, n: int) -> None:
        super().run(1)
        self.time_s += 1e-9 * n


class LawBackend(Backend):
    name = "law"

    uses_processor = False
    runner_class = LawRunner

    def __init__(self, law: Law, compiles_at: int | None = None, step_s: float = 1e-9) -> None:
        super().__init__()
        self.law, self.compiles_at, self.step_s = law, compiles_at, step_s

    @classmethod
    def availability(cls) -> tuple[bool, str]:
        return True, ""

    def version(self) -> dict[str, str]:
        return {}

    def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
        self.runner = self.runner_class(self.law, self.compiles_at, self.step_s)
        return self.runner


class LazyBackend(LawBackend):
    runner_class = LazyRunner


class ByCalls(Telemetry):
    """The clock and the conditions of a device as functions of the calls that it has made."""

    def __init__(self, backend: LawBackend, clock_hz: Law | None = None, seen: dict[str, Any] | None = None) -> None:
        super().__init__(XEON)
        self.backend, self.clock_hz, self.seen, self.before_hz = backend, clock_hz, seen or {}, 0.0

    def before_block(self) -> None:
        if self.clock_hz:
            self.before_hz = self.clock_hz(self.backend.runner.calls)

    def after_block(self) -> BlockReading:
        mean_hz = (self.before_hz + self.clock_hz(self.backend.runner.calls)) / 2 if self.clock_hz else None
        return BlockReading(clock_hz=mean_hz)

    def end(self) -> dict[str, Any]:
        return dict(self.seen)


def visited(
    law: Law, tier: str = "standard", kind: type[LawBackend] = LawBackend, flops: int = 1, clock_hz: Law | None = None,
    seen: dict[str, Any] | None = None, **faults: Any,
) -> Visit:  # fmt: skip
    backend = kind(law, **faults)
    work, telemetry = SyntheticWorkload("x", flops=flops), ByCalls(backend, clock_hz, seen)
    made = visit(backend, work, XEON, protocol(tier), VisitIndex(0, 5), telemetry)
    assert backend.runner.closed
    return made


def noise(sd: float, seed: int = 0) -> Callable[[], float]:
    rng = np.random.default_rng(seed)
    return lambda: float(np.exp(rng.normal(0, sd)))


def test_a_quiet_device_is_read_exactly() -> None:
    seen = visited(lambda call: 0.05)
    assert seen.latency_s == pytest.approx(0.05)
    assert (seen.status, seen.steady, seen.round, seen.position) == ("ok", "flat", 0, 5)
    assert len(seen.samples_s) >= 10
    assert seen.first_run_s == pytest.approx(0.05)


@pytest.mark.parametrize(("warmup", "left"), [(3, 0.005), (20, 0.01), (100, 0.05)])
def test_warm_up_does_not_reach_the_estimate(warmup: int, left: float) -> None:
    factor = noise(0.002)
    seen = visited(lambda call: 0.04 * (1 + 2 * np.exp(-call / (warmup / 4))) * factor())
    assert seen.latency_s == pytest.approx(0.04, rel=left)
    assert seen.status == "ok"


def test_a_noisier_device_gets_more_blocks() -> None:
    calm, wild = noise(0.002), noise(0.03)
    assert len(visited(lambda call: 0.03 * wild()).samples_s) > len(visited(lambda call: 0.03 * calm()).samples_s)


def test_what_never_settles_is_void_and_kept() -> None:
    seen = visited(lambda call: 0.02 * (1 + 0.05 * call))
    assert seen.status == "void"
    assert seen.flags[0].code == "E_NO_STEADY"
    assert "still getting slower" in seen.flags[0].text
    assert "(cap 10 s)" in seen.flags[0].text
    assert "% per second" in seen.flags[0].text
    assert len(seen.warmup_s) > 10
    assert not seen.is_usable


@pytest.mark.parametrize("period", [15, 20, 40, 60])
def test_a_swinging_device_is_void(period: float) -> None:
    seen = visited(lambda call: 0.05 * (1 + 0.2 * np.sin(2 * np.pi * call / period)))
    assert seen.flags[0].code == "E_NO_STEADY"
    assert seen.status == "void"


def test_calls_that_are_not_executed_void() -> None:
    seen = visited(lambda call: 0.03, kind=LazyBackend)
    assert (seen.status, [flag.code for flag in seen.flags]) == ("void", ["E_ASYNC"])
    assert "1.00 times" in seen.flags[0].text
    assert seen.samples_s


def test_nothing_is_quicker_than_the_device_allows() -> None:
    assert visited(lambda call: 0.05, flops=int(7e9)).status == "ok"
    seen = visited(lambda call: 0.05, flops=int(50e9))
    assert (seen.status, [flag.code for flag in seen.flags]) == ("void", ["E_ASYNC"])


def test_honest_noise_is_never_taken_for_missing_work() -> None:
    for seed in range(8):
        factor = noise(0.1, seed)
        slow = np.random.default_rng(seed).random(10_000) < 0.4
        seen = visited(lambda call: 0.03 * factor() * (1.6 if slow[call] else 1.0))  # noqa: B023 - called at once
        assert "E_ASYNC" not in {flag.code for flag in seen.flags}


def clocks(share: float) -> Callable[[int], bool]:
    low = np.random.default_rng(0).random(100_000) < share
    return lambda call: bool(low[call])


def test_blocks_at_a_low_clock_are_left_out_and_kept() -> None:
    is_low, factor = clocks(0.1), noise(0.002)
    seen = visited(
        lambda call: 0.03 * (1 / 0.7 if is_low(call) else 1) * factor(),
        clock_hz=lambda calls: 2.1e9 if is_low(calls - 1) and is_low(calls) else 3e9,
    )
    assert seen.latency_s == pytest.approx(0.03, rel=0.01)
    steps = [calls for calls in range(1, 60) if calls % 6 < 2]
    seen = visited(
        lambda call: 0.03 * (1 / 0.7 if call in steps else 1) * factor(),
        clock_hz=lambda calls: 2.1e9 if calls in steps or calls - 1 in steps else 3e9,
    )
    assert seen.conditions["left_out_s"]["throttled"]
    assert seen.conditions["clock_ratio"] == pytest.approx(0.7)
    assert "E_THROTTLED" in {flag.code for flag in seen.flags}
    assert seen.status == "void"


def test_what_the_provider_reads_of_the_device_is_judged() -> None:
    seen = visited(lambda call: 0.05, seen={"cpu_steal_fraction": 0.1})
    assert [flag.code for flag in seen.flags] == ["W_DISTURBED"]
    assert "10 %" in seen.flags[0].text
    assert seen.conditions["block_lost_fraction"] == pytest.approx([0.1] * len(seen.samples_s))
    seen = visited(lambda call: 0.05, seen={"throttle_reasons": ["hw_thermal_slowdown"]})
    assert [flag.code for flag in seen.flags] == ["E_THROTTLED"]


def test_two_states_of_a_device_are_named() -> None:
    is_slow, factor = clocks(0.1), noise(0.003)
    seen = visited(lambda call: 0.03 * (1.3 if is_slow(call) else 1) * factor())
    assert seen.latency_s == pytest.approx(0.03, rel=0.01)
    found = [visited(lambda call: 0.03 * (1.3 if (call * 7) % 10 < 3 else 1) * factor()) for _ in range(5)]
    assert all("W_MULTIMODAL" in {flag.code for flag in one.flags} for one in found)
    assert re.search(r"30\.0 ms \(\d+ %\) and 39\.0 ms \(\d+ %\)", found[0].flags[0].text)


def test_a_coarse_clock_gets_longer_blocks() -> None:
    seen = visited(lambda call: 2e-7, step_s=1e-4)
    assert seen.calls_per_block * 2e-7 >= 0.1
    assert seen.latency_s == pytest.approx(2e-7, rel=0.01)


def test_compiling_in_the_timed_region_voids() -> None:
    seen = visited(lambda call: 0.05, compiles_at=6)
    assert seen.status == "void"
    assert [flag.code for flag in seen.flags] == ["E_COMPILE"]


def test_a_quick_workload_is_called_many_times_in_a_block() -> None:
    seen = visited(lambda call: 2e-6)
    assert seen.calls_per_block >= 10_000
    assert seen.latency_s == pytest.approx(2e-6, rel=1e-3)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (MemoryError(), "ran out of memory"),
        (ValueError("no such shape"), "no such shape"),
        (IndexError("index out of range in self"), ". Ids go beyond the rows of a table: let the factory return"),
    ],
)
def test_a_workload_that_raises_gives_a_failed_visit(error: Exception, says: str) -> None:
    def law(call: int) -> float:
        if call > 3:
            raise error
        return 0.05

    seen = visited(law)
    assert seen.status == "failed"
    assert says in str(seen.flags[0])


def test_a_failed_visit_names_the_place_in_the_users_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a virtual environment, whose files are not the user's, lies in the same folder."""
    monkeypatch.chdir(tmp_path)
    called: dict[str, Any] = {}
    for name, code in (
        (".venv/lib/site-packages/theirs.py", "def check(): raise ValueError('no such shape')"),
        ("nets.py", "import math\ndef law(call):\n    return check()"),
    ):
        exec(compile(code, str(tmp_path / name), "exec"), called)
    assert "ValueError: no such shape (nets.py, line 3)" in str(visited(called["law"]).flags[0])


def test_a_workload_that_cannot_run_here_is_the_users_error() -> None:
    class Refusing(LawBackend):
        def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
            raise UsageError("not here")

    with pytest.raises(UsageError, match="not here"):
        visit(Refusing(lambda call: 1.0), SyntheticWorkload("x"), XEON, protocol("quick"), VisitIndex(0, 0))


def test_a_visit_survives_json() -> None:
    import json

    seen = visited(lambda call: 0.02 * (1 + 0.05 * call))
    assert Visit.from_dict(json.loads(json.dumps(seen.to_dict()))) == seen
