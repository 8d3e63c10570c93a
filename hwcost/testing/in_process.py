"""Runs the rounds of a plan in this process, on a backend that is here already; for backends on a virtual clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwcost.measure.visit import Place, visit

if TYPE_CHECKING:
    from hwcost.backends.base import Backend
    from hwcost.campaign.plan import Plan
    from hwcost.devices import DeviceProfile
    from hwcost.measure.measurement import Visit


def run_rounds(plan: Plan, backend: Backend, device: DeviceProfile) -> list[Visit]:
    """Visits every workload once in each of the plan's rounds, in the order that a campaign draws."""
    found = []
    for number in range(plan.protocol.rounds):
        backend.round = number
        for position, key in enumerate(plan.order(number, list(plan.by_key))):
            found.append(visit(backend, plan.by_key[key].workload, device, plan.protocol, Place(number, position)))
    return found
