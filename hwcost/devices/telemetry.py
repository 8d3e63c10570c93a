"""The contract of a provider of counters: what it is asked, when, and what it may answer.

A worker asks for them in this order, over and over, always outside the timed calls::

    begin()                                  before the first block of one or more passes
    before_block(), after_block()            around every block
    end()                                    after the last block of these passes

What cannot be read is None or left out, never 0; a provider that fails to read something carries on without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hwcost.agent.blocks import BlockReading

if TYPE_CHECKING:
    from hwcost.devices import DeviceHandle

__all__ = ["BlockReading", "Telemetry"]


class Telemetry:
    """A provider of counters; this one reads nothing, and providers override what they can read.

    Args:
        handle: Device that is measured on.
    """

    def __init__(self, handle: DeviceHandle) -> None:
        self.handle = handle

    def begin(self) -> None:
        """Takes the first reading of counters over some passes."""

    def before_block(self) -> None:
        """Takes a reading right before a block; as quick as can be, since a device that waits cools and sleeps."""

    def after_block(self) -> BlockReading:
        """Returns the counters of the block that has just ended."""
        return BlockReading()

    def end(self) -> dict[str, Any]:
        """Returns the conditions of the passes since :meth:`begin` by name; those of a visit are put together from them.

        Guards read these: ``throttle_reasons`` (names of reasons for a lower clock), ``foreign_pids`` (other processes that
        compute on the device), ``temperature_celsius``, ``cpu_steal_fraction``, ``sibling_busy_fraction``,
        ``thermal_throttle_events``, ``cgroup_throttled_s``, ``involuntary_switches``, ``enqueue_s`` and ``device_s``. The
        quantity ``energy_j`` reads ``visit_energy_j`` (joules since :meth:`begin`) and ``energy_source`` (where they were
        read, such as a counter, or power that was polled and integrated). All others are kept with the visit.
        """
        return {}

    def energy_j(self) -> float | None:
        """Returns the joules that the device has used since some moment in the past, by its own counter.

        Two readings between blocks give the energy of what ran meanwhile, to the step of the counter, which may be a tenth
        of a second. None where the device has no counter, or where it counts for other processes too.
        """
        return None

    def power_w(self) -> float | None:
        """Returns the present power of the device, in watts; None where it is unknown."""
        return None

    def settings(self) -> dict[str, Any]:
        """Returns how the device is set up for as long as the process lives, such as ``clocks_locked``."""
        return {}

    def check(self) -> None:
        """Checks that the device is still there; asked for after a workload has failed.

        Raises:
            DeviceLostError: When the device was lost, so that nothing can be measured until it is back.
        """

    def unavailable(self) -> dict[str, str]:
        """Returns why facts that the device might offer are not read, by name: one sentence with what to do about it."""
        return {}

    def memory_bytes(self) -> int | None:
        """Returns the bytes of the device's own memory that are in use; None where that is unknown."""
        return None
