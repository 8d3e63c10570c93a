"""One visit in this process: a group of one workload, measured and assembled at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hwcost.timing.execution.groups import Groups
from hwcost.timing.measurement import Visit
from hwcost.timing.protocol import Protocol
from hwcost.timing.setting import Limits, Setting
from hwcost.timing.telemetry import Telemetry, telemetry_of
from hwcost.timing.visits.assemble import assembled

if TYPE_CHECKING:
    from hwcost.backends.base import Backend
    from hwcost.devices import DeviceHandle
    from hwcost.workloads.base import Workload


@dataclass(frozen=True, slots=True)
class VisitIndex:
    """The place of a visit in its campaign.

    Attributes:
        round: Number of the round, from 0.
        position: Number in the round's order, from 0.
    """

    round: int
    position: int


def visit(
    backend: Backend,
    workload: Workload,
    handle: DeviceHandle,
    protocol: Protocol,
    index: VisitIndex,
    telemetry: Telemetry | None = None,
) -> Visit:
    """Measures one workload once.

    A workload that raises, or runs out of memory, gives a visit with status ``failed`` and the reason.

    Args:
        backend: Runtime that executes.
        workload: Workload that is measured.
        handle: Device that it is measured on.
        protocol: Limits and criteria of the visit.
        index: Place of the visit in its campaign.
        telemetry: Provider of counters; None for the one of the device's kind.

    Raises:
        UsageError: When the backend cannot run this workload at all.
        DeviceError: When the device was lost.
    """
    setting = Setting(backend, handle, protocol, telemetry or telemetry_of(backend, handle), index.round)
    events = list(Groups(setting, Limits(), [(workload, index.position)]).events())
    failed = [event["visit"] for event in events if event["event"] == "visit"]
    if failed:
        return Visit.from_dict(failed[0])
    prepared = next(event for event in events if event["event"] == "prepared")
    return assembled(prepared, [event for event in events if event["event"] == "pass"], protocol)
