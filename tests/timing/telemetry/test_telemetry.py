"""Providers of counters: what they read, and what becomes of a visit by it."""

from __future__ import annotations

from typing import Any

import pytest

from hwcost.backends.base import BlockTiming, Runner
from hwcost.backends.null import Null, NullRunner
from hwcost.backends.torch_eager import TorchEager
from hwcost.devices import DeviceHandle, load
from hwcost.errors import DeviceError
from hwcost.testing.fake_device import FOREIGN_PID, LOST_AFTER, FakeTelemetry
from hwcost.timing.execution.visit import VisitIndex, visit
from hwcost.timing.measurement import Visit
from hwcost.timing.protocol import protocol
from hwcost.timing.telemetry import BlockReading, Combined, HostTelemetry, Telemetry, telemetry_of
from hwcost.workloads import SyntheticWorkload, Workload

XEON = DeviceHandle(load("xeon"))
H100 = DeviceHandle(load("h100"), 1, "GPU-1")
WORK = SyntheticWorkload("x", flops=10**9)


def visited(telemetry: Telemetry, backend: Null | None = None) -> Visit:
    return visit(backend or Null(), WORK, XEON, protocol("quick"), VisitIndex(0, 0), telemetry)


@pytest.mark.parametrize(
    ("behaviour", "codes", "says"),
    [
        ("ok", [], ""),
        ("throttled", ["E_THROTTLED"], "reasons hw_thermal_slowdown; [23]. % of the blocks at a low clock; .* 91 °C"),
        ("shared", ["E_FOREIGN"], f"other processes computed on the device .PID {FOREIGN_PID}."),
    ],
)
def test_a_device_that_throttles_or_is_shared_voids_its_visits(behaviour: str, codes: list[str], says: str) -> None:
    import re

    seen = visited(FakeTelemetry(XEON, behaviour))
    assert [flag.code for flag in seen.flags] == codes
    assert seen.is_usable == (not codes)
    if codes:
        assert re.search(says, seen.flags[0].text)


def test_a_device_that_is_lost_is_no_failure_of_its_workload() -> None:
    lost = FakeTelemetry(XEON, "lost")
    lost.blocks = LOST_AFTER
    with pytest.raises(DeviceError, match="E_DEVICE_LOST"):
        visited(lost)


def test_the_hosts_counters_are_read_where_the_backend_uses_its_cpus() -> None:
    none = telemetry_of(Null, XEON)
    none.begin()
    none.before_block()
    assert (none.after_block(), none.end()) == (BlockReading(), {})
    host = telemetry_of(TorchEager, XEON)
    host.begin()
    host.before_block()
    sum(range(10**5))
    read = host.after_block()
    assert read.cpu_s is not None
    assert read.cpu_s > 0
    assert {"involuntary_switches", "load_avg_1min", "cpu_steal_fraction"} <= set(host.end())


def test_cpu_time_of_a_virtual_clock_may_be_read_all_the_same() -> None:
    """A clock and the counters beside it have nothing to do with one another."""
    seen = visited(HostTelemetry(XEON))
    assert seen.cpu_s is not None
    assert seen.conditions["cpu_fraction"] is not None


def test_of_two_providers_the_later_ones_facts_count() -> None:
    class Other(FakeTelemetry):
        def after_block(self) -> BlockReading:
            return BlockReading(clock_hz=1.0, cpu_s=2.0)

        def end(self) -> dict[str, Any]:
            return {"temperature_celsius": 1.0, "power_w": 3.0}

    both = Combined(XEON, [Other(XEON, "ok"), FakeTelemetry(XEON, "ok")])
    assert both.after_block() == BlockReading(clock_hz=1.5e9, cpu_s=2.0)
    assert both.end()["temperature_celsius"] == {"fake": 50.0}
    assert both.end()["power_w"] == 3.0


class Ticking(NullRunner):
    """A device with a clock of its own, which counts nine tenths of the host's time."""

    def time_block(self, n: int) -> BlockTiming:
        host_s = super().time_block(n).host_s
        return BlockTiming(host_s, 0.9 * host_s)


def test_the_seconds_of_a_devices_own_clock_are_kept_beside_the_hosts() -> None:
    class Device(Null):
        def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
            return Ticking(self, workload)

    seen = visited(Telemetry(XEON), Device())
    assert seen.device_samples_s == pytest.approx([0.9 * sample for sample in seen.samples_s])
    assert visited(Telemetry(XEON)).device_samples_s is None
    assert Visit.from_dict(seen.to_dict()) == seen

