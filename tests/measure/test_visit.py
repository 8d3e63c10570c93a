"""Visits of a device on a virtual clock, with faults put in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hwcost.backends.base import Backend, Runner
from hwcost.devices import DeviceProfile, load
from hwcost.errors import UsageError
from hwcost.measure.measurement import Visit
from hwcost.measure.protocol import protocol
from hwcost.measure.visit import Place, visit
from hwcost.workloads import SyntheticWorkload, Workload

Law = Callable[[int], float]


class LawRunner(Runner):
    def __init__(self, law: Law, compiles_at: int | None) -> None:
        super().__init__()
        self.law, self.compiles_at = law, compiles_at
        self.calls, self.time_s, self.closed = 0, 0.0, False
        self.clock = lambda: round(self.time_s * 1e9)

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


class LawBackend(Backend):
    name = "law"

    def __init__(self, law: Law, compiles_at: int | None = None) -> None:
        super().__init__()
        self.law, self.compiles_at = law, compiles_at

    @classmethod
    def availability(cls) -> tuple[bool, str]:
        return True, ""

    def version(self) -> dict[str, str]:
        return {}

    def prepare(self, workload: Workload, device: DeviceProfile) -> Runner:
        self.runner = LawRunner(self.law, self.compiles_at)
        return self.runner


def visited(law: Law, tier: str = "standard", compiles_at: int | None = None) -> Visit:
    backend = LawBackend(law, compiles_at)
    seen = visit(backend, SyntheticWorkload("x", flops=1), load("xeon"), protocol(tier), Place(2, 5))
    assert backend.runner.closed
    return seen


def noise(sd: float, seed: int = 0) -> Callable[[], float]:
    rng = np.random.default_rng(seed)
    return lambda: float(np.exp(rng.normal(0, sd)))


def test_a_quiet_device_is_read_exactly() -> None:
    seen = visited(lambda call: 0.05)
    assert seen.latency_s == pytest.approx(0.05)
    assert (seen.status, seen.steady, seen.round, seen.position) == ("ok", "flat", 2, 5)
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
    assert len(seen.warmup_s) > 10
    assert not seen.is_usable


def test_compiling_in_the_timed_region_voids() -> None:
    seen = visited(lambda call: 0.05, compiles_at=6)
    assert seen.status == "void"
    assert [flag.code for flag in seen.flags] == ["E_COMPILE"]


def test_a_quick_workload_is_called_many_times_in_a_block() -> None:
    seen = visited(lambda call: 2e-6)
    assert seen.calls_per_block >= 10_000
    assert seen.latency_s == pytest.approx(2e-6, rel=1e-3)


@pytest.mark.parametrize(
    ("error", "says"), [(MemoryError(), "ran out of memory"), (ValueError("no such shape"), "no such shape")]
)
def test_a_workload_that_raises_gives_a_failed_visit(error: Exception, says: str) -> None:
    def law(call: int) -> float:
        if call > 3:
            raise error
        return 0.05

    seen = visited(law)
    assert seen.status == "failed"
    assert says in str(seen.flags[0])


def test_a_workload_that_cannot_run_here_is_the_users_error() -> None:
    class Refusing(LawBackend):
        def prepare(self, workload: Workload, device: DeviceProfile) -> Runner:
            raise UsageError("not here")

    with pytest.raises(UsageError, match="not here"):
        visit(Refusing(lambda call: 1.0), SyntheticWorkload("x"), load("xeon"), protocol("quick"), Place(0, 0))


def test_a_visit_survives_json() -> None:
    import json

    seen = visited(lambda call: 0.02 * (1 + 0.05 * call))
    assert Visit.from_dict(json.loads(json.dumps(seen.to_dict()))) == seen
