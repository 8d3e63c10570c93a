"""How long a campaign will take: before it begins, from what is known of its calls, and after its first visit."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hwcost.backends import BACKENDS
from hwcost.timing.protocol import LEAST_BLOCKS, Protocol
from hwcost.units import format_clock, format_seconds

if TYPE_CHECKING:
    from hwcost.campaign.plan import Plan
    from hwcost.campaign.run import Progress
    from hwcost.stores.base import Store

LONG_S = 600.0
"""A campaign that takes longer is announced."""

VIRTUAL_VISIT_S = 0.005
"""Real seconds of a visit whose time passes on a virtual clock: the work beside measuring."""

EARLIER = 10
"""Campaigns of a store that are looked through for earlier calls of the same workloads."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The time of a plan's rounds, without building, canaries and topping up.

    Attributes:
        workloads: Number of workloads.
        known: Workloads whose calls were timed before; the others count as their mean.
        visits: Visits of the rounds that are made in any case.
        visit_s: Mean seconds of a visit.
        is_least: Whether no call is known, so that quick ones are assumed.
        is_virtual: Whether time passes on the backend's virtual clock, so that calls take no real time.
    """

    workloads: int
    known: int
    visits: int
    visit_s: float
    is_least: bool
    is_virtual: bool = False

    @property
    def total_s(self) -> float:
        """Seconds of all visits."""
        return self.visits * self.visit_s

    def to_dict(self) -> dict[str, float | int | bool]:
        """Returns plain JSON."""
        return {
            "visits": self.visits,
            "visit_s": self.visit_s,
            "total_s": self.total_s,
            "is_least": self.is_least,
            "is_virtual": self.is_virtual,
            "workloads_known": self.known,
        }

    def __str__(self) -> str:
        if self.is_virtual:
            return f"about {self.visits} visits on a virtual clock, {format_clock(self.total_s)} in all"
        each = f"{self.visits} visits of {format_clock(self.visit_s)}, {format_clock(self.total_s)} in all"
        if self.is_least:
            return f"at least {each}; slow calls take longer"
        return f"about {each}, since calls of {self.known} of {self.workloads} workloads were timed before"


def forecast(plan: Plan, calls_s: Mapping[str, float] | None = None) -> Forecast:
    """Forecasts the time of a plan's rounds.

    Args:
        plan: Plan of the campaign.
        calls_s: Seconds of a call by workload key, where known; see :func:`known_calls`.
    """
    known = {key: seconds for key, seconds in (calls_s or {}).items() if key in plan.by_key}
    n = len(plan.by_key)
    visits = n * plan.protocol.rounds
    if plan.backend in BACKENDS and BACKENDS.load(plan.backend).is_virtual(plan.backend_options):
        return Forecast(n, len(known), visits, VIRTUAL_VISIT_S, is_least=False, is_virtual=True)
    usual_s = statistics.mean(known.values()) if known else 0.0
    visit_s = statistics.mean(plan.protocol.visit_s(known.get(key, usual_s)) for key in plan.by_key)
    return Forecast(n, len(known), visits, visit_s, not known)


def known_calls(plan: Plan, store: Store) -> dict[str, float]:
    """Returns the seconds of a call by workload key from a store's latest campaigns on the same device and backend."""
    found: dict[str, float] = {}
    where = plan.device, plan.backend
    same = [one for one in store.campaigns() if (one.plan.get("device"), one.plan.get("backend")) == where]
    for campaign in same[::-1][:EARLIER]:
        for record in store.records(campaign.campaign_id):
            visit = record.visit
            if visit.workload_key in plan.by_key and visit.samples_s:
                found.setdefault(visit.workload_key, visit.latency_s)
        if len(found) == len(plan.by_key):
            break
    return found


def beforehand(plan: Plan) -> str | None:
    """Says before a campaign that it takes long, whatever its calls take; None where that is not known."""
    least = forecast(plan)
    return f"this takes {least}" if least.total_s > LONG_S else None


def underway(state: Progress, protocol: Protocol) -> str | None:
    """Says after the first visits that a campaign takes long, and what makes it shorter; None where it does not.

    Args:
        state: Progress of the campaign.
        protocol: Protocol of the campaign.
    """
    if state.remaining_s is None or state.call_s is None or state.remaining_s <= LONG_S:
        return None
    call = "a call" if not state.idle_s else f"a call with its pause of {format_seconds(state.idle_s)}"
    text = f"{call} takes {format_seconds(state.call_s + state.idle_s)}: {state.planned - state.done} more visits of "
    text += f"{protocol.min_blocks} blocks take about {format_clock(state.remaining_s)}"
    fewest = replace(protocol, min_blocks=LEAST_BLOCKS)
    share = fewest.visit_s(state.call_s) / protocol.visit_s(state.call_s)
    if share > 0.9:
        return f"{text}; fewer workloads or rounds make it shorter"
    return f"{text}; --blocks {LEAST_BLOCKS} makes that about {format_clock(share * state.remaining_s)}"
