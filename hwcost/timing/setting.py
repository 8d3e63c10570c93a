"""What all workloads of a process are measured with, and how long that may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hwcost.backends.base import Backend
    from hwcost.devices import DeviceHandle
    from hwcost.timing.protocol import Protocol
    from hwcost.timing.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Setting:
    """The device, the runtime and the protocol of a process.

    Attributes:
        backend: Runtime that executes.
        handle: Device that is measured on.
        protocol: Limits and criteria of each workload.
        telemetry: Provider of counters.
        round: Number of the round, from 0.
        seed: Seed of the order of workloads within each pass.
    """

    backend: Backend
    handle: DeviceHandle
    protocol: Protocol
    telemetry: Telemetry
    round: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a process may do.

    Attributes:
        passes: Most passes over a group after its pilot pass; None for as many as every workload's criterion asks for.
        round_s: Seconds from the start of the process after which no further pass begins; None for no limit.
        memory_bytes: Bytes that a group may take; None for a share of what is free at the start.
        current_fd: Descriptor of the file that takes the position of the workload in hand; None for no such file.
        takes_turns: Whether another process measures between the passes of this one, so that each pass is an event.
    """

    passes: int | None = None
    round_s: float | None = None
    memory_bytes: int | None = None
    current_fd: int | None = None
    takes_turns: bool = False
