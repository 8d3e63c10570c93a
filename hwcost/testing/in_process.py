"""Runs the rounds of a plan in this process, on a backend that is here already; for backends on a virtual clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwcost.campaign.canaries import interleave
from hwcost.timing.visit import VisitIndex, visit

if TYPE_CHECKING:
    from hwcost.backends.base import Backend
    from hwcost.campaign.plan import Plan
    from hwcost.devices import DeviceHandle
    from hwcost.timing.measurement import Visit
    from hwcost.timing.telemetry import Telemetry


def run_rounds(plan: Plan, backend: Backend, handle: DeviceHandle, telemetry: Telemetry | None = None) -> list[Visit]:
    """Visits every workload once in each of the plan's rounds, in the order that a campaign draws.

    Args:
        plan: Plan of the rounds.
        backend: Backend that runs them, on a virtual clock.
        handle: Device to run on; nothing is asked of the one that is here.
        telemetry: Provider of counters; None for the one of the device's kind.
    """
    found = []
    for number in range(plan.protocol.rounds):
        backend.round = number
        order = interleave(plan.order(number, list(plan.by_key)), list(plan.canary_keys))
        for position, key in enumerate(order):
            index = VisitIndex(number, position)
            found.append(visit(backend, plan.workload(key), handle, plan.protocol, index, telemetry))
    return found
