"""Counters of the host's CPUs, which compute themselves or launch what another device computes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hwcost.agent.counters import HostCounters
from hwcost.devices import device_kind
from hwcost.devices.telemetry import BlockReading, Telemetry
from hwcost.timing import conditions

if TYPE_CHECKING:
    from hwcost.devices import DeviceHandle


class HostTelemetry(Telemetry):
    """CPU time, waits for a CPU and the clock around every block; steal, pressure, throttling and faults over a visit."""

    def __init__(self, handle: DeviceHandle) -> None:
        super().__init__(handle)
        self._counters = HostCounters(computes=device_kind(handle.kind).is_host)
        self._visit: conditions.Reading = {}

    def begin(self) -> None:
        """See the base class."""
        self._visit = conditions.read()

    def before_block(self) -> None:
        """See the base class."""
        self._counters.before_block()

    def after_block(self) -> BlockReading:
        """See the base class."""
        return self._counters.after_block()

    def end(self) -> dict[str, Any]:
        """See the base class."""
        return conditions.between(self._visit, conditions.read()) | conditions.state() | self._counters.host()
