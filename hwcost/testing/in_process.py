"""Runs the rounds of a plan in this process, on a backend that is here already; for backends on a virtual clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwcost.campaign.canaries import interleave
from hwcost.timing.visit import VisitIndex, visit

if TYPE_CHECKING:
    from hwcost.backends.base import Backend
    from hwcost.campaign.plan import Plan
    from hwcost.devices import DeviceProfile
    from hwcost.timing.measurement import Visit


def run_rounds(plan: Plan, backend: Backend, device: DeviceProfile) -> list[Visit]:
    """Visits every workload once in each of the plan's rounds, in the order that a campaign draws."""
    found = []
    for number in range(plan.protocol.rounds):
        backend.round = number
        order = interleave(plan.order(number, list(plan.by_key)), list(plan.canary_keys))
        for position, key in enumerate(order):
            found.append(visit(backend, plan.workload(key), device, plan.protocol, VisitIndex(number, position)))
    return found
