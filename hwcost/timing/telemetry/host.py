"""Counters of the host's CPUs, which compute themselves or launch what another device computes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hwcost.agent.counters import clock_reader
from hwcost.devices.telemetry import BlockReading, Telemetry
from hwcost.timing import conditions, timer

if TYPE_CHECKING:
    from hwcost.devices import DeviceHandle


class HostTelemetry(Telemetry):
    """CPU time, waits for a CPU and the clock around every block; steal, pressure, throttling and faults over a visit."""

    def __init__(self, handle: DeviceHandle) -> None:
        super().__init__(handle)
        self._clock_hz = clock_reader()
        self._visit: conditions.Reading = {}
        self._before: tuple[float | None, float | None, float] = (None, None, 0.0)

    def begin(self) -> None:
        """See the base class."""
        self._visit = conditions.read()

    def before_block(self) -> None:
        """See the base class; CPU time is read last, and first after the block, so that reading the others is not in it."""
        self._before = self._clock_hz(), conditions.run_queue_wait_s(), timer.process_cpu_s()

    def after_block(self) -> BlockReading:
        """See the base class."""
        cpu_s = timer.process_cpu_s()
        clock_before, wait_before, cpu_before = self._before
        wait_s, clock_hz = conditions.run_queue_wait_s(), self._clock_hz()
        return BlockReading(
            clock_hz=None if clock_before is None or clock_hz is None else (clock_before + clock_hz) / 2,
            cpu_s=cpu_s - cpu_before,
            wait_s=None if wait_before is None or wait_s is None else wait_s - wait_before,
        )

    def end(self) -> dict[str, Any]:
        """See the base class."""
        return conditions.between(self._visit, conditions.read()) | conditions.state()
