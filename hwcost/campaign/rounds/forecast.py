"""What a campaign will take and give: before it begins, from what is known of its calls, and after its first passes."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hwcost.agent import warmup
from hwcost.agent.groups import LEAST_PASSES
from hwcost.agent.processors import hides_siblings
from hwcost.agent.rules import LEAST_BLOCKS
from hwcost.backends import BACKENDS
from hwcost.campaign.processes.exports import expected
from hwcost.campaign.processes.fork_client import is_forked
from hwcost.campaign.rounds.budget import NEEDED
from hwcost.campaign.rounds.precision import USUAL, choice, half_width
from hwcost.devices import device_kind
from hwcost.timing.protocol import Protocol
from hwcost.units import about_half_width, format_clock, format_seconds

if TYPE_CHECKING:
    from hwcost.campaign.plans.plan import Plan
    from hwcost.campaign.rounds.progress import Progress
    from hwcost.stores.base import Store
    from hwcost.stores.schema import Campaign

LONG_S = 600.0
"""A campaign that takes longer is announced."""

VIRTUAL_VISIT_S = 0.005
"""Real seconds of a visit whose time passes on a virtual clock: the work beside measuring."""

EARLIER = 10
"""Campaigns of a store that are looked through for earlier calls of the same workloads."""

PROCESS_S = 1.5
"""Seconds that a program takes before it prepares its first workload; once a campaign where workers are forked."""

FORK_S = 0.05
"""Seconds that a forked worker takes before it prepares its first workload."""

START_BLOCKS = 3
"""Blocks of a workload before its passes: its first calls, those that find the calls of a block, and the pilot pass, which
calls that need no warm-up do without."""

WARMUP = 0.1
"""Share of a block that warms it up after the switch from another workload."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is known of a workload from a campaign of before.

    Attributes:
        call_s: Seconds of one call.
        prepare_s: Seconds to build and compile it.
    """

    call_s: float
    prepare_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """The time and the precision of a plan, without canaries and topping up.

    Attributes:
        workloads: Number of workloads.
        known: Workloads whose calls were timed before; the others count as their mean.
        processes: Processes that measure all workloads.
        blocks: Blocks of each workload in a process.
        total_s: Seconds of all processes, start-up included.
        half_width: Relative half-width of the 95 % interval that follows from usual noise; None where time is virtual, or
            fewer processes than an interval needs are asked for.
        budget_s: Budget that they fit into; None without one.
        is_virtual: Whether time passes on the backend's virtual clock, so that calls take no real time.
        exports: Workloads that are yet to be exported, before the first process.
        exports_s: Seconds that this takes, which count in ``total_s`` and in the budget.
        wanted: Relative half-width that is wanted; None where it is not known.
        widest: Half-width of the fewest processes and passes, which slow calls may come to within a budget; None where calls
            are known.
    """

    workloads: int
    known: int
    processes: int
    blocks: int
    total_s: float
    half_width: float | None
    budget_s: float | None = None
    is_virtual: bool = False
    exports: int = 0
    exports_s: float = 0.0
    wanted: float | None = None
    widest: float | None = None

    @property
    def is_least(self) -> bool:
        """Whether no call is known, so that quick ones are assumed."""
        return not self.known and not self.is_virtual

    def to_dict(self) -> dict[str, float | int | bool | None]:
        """Returns plain JSON."""
        return {
            "processes": self.processes,
            "blocks": self.blocks,
            "total_s": self.total_s,
            "half_width": self.half_width,
            "widest": self.widest,
            "budget_s": self.budget_s,
            "is_least": self.is_least,
            "is_virtual": self.is_virtual,
            "workloads_known": self.known,
            "exports": self.exports,
            "exports_s": self.exports_s,
        }

    def __str__(self) -> str:
        is_told = bool(self.known) and not self.is_virtual  # how much fits, exports included
        first = announced_exports(self.exports, self.exports_s, None if is_told else self.budget_s)
        return self._rounds() + (f"; {first}" if first else "")

    def _rounds(self) -> str:
        if self.is_virtual:
            return f"{self.processes} processes on a virtual clock, about {format_clock(self.total_s)} in all"
        each = f"{self.processes} processes with {self.blocks} blocks of each workload, {format_clock(self.total_s)} in all"
        if self.is_least:
            return self._least(each)
        each += "" if self.half_width is None else f", half-width about {about_half_width(self.half_width)}"
        each += f", since calls of {self.known} of {self.workloads} workloads were timed before"
        if self.budget_s is not None and self.total_s > self.budget_s:
            fit = int(self.workloads * self.budget_s / self.total_s)
            each += f"; into the budget of {format_clock(self.budget_s)} fit about {fit} of {self.workloads} workloads"
        elif self.half_width is not None and self.wanted is not None:
            text = choice(self.half_width, self.wanted, self.workloads, self.total_s)
            each += f"; {text}" if text else ""
        return f"about {each}"

    def _least(self, each: str) -> str:
        """Says what quick calls take, and what usual noise gives, where no call is known."""
        text = f"at least {each}; slow calls take longer"
        if self.budget_s is not None and self.total_s <= self.budget_s:
            text = f"{self.processes} processes with up to {self.blocks} blocks of each workload fit into the budget of "
            text += f"{format_clock(self.budget_s)}; slow calls get fewer"
        elif self.budget_s is not None and self.exports_s < self.budget_s:
            text += f", and the budget of {format_clock(self.budget_s)} is shorter"
        if self.half_width is None:
            return text
        text += f"; half-width about {about_half_width(self.half_width)}"
        if self.widest is not None and self.widest > self.half_width:
            text += f", and {about_half_width(self.widest)} with the fewest of both"
        return f"{text}, assuming {USUAL}"


def forecast(
    plan: Plan, earlier: Mapping[str, Earlier] | None = None, budget_s: float | None = None, is_here: bool = True
) -> Forecast:
    """Forecasts a plan's rounds.

    Args:
        plan: Plan of the campaign.
        earlier: Earlier calls of workloads by their keys; see :func:`known_calls`.
        budget_s: Seconds of the campaign; None for as long as the protocol asks for.
        is_here: Whether this machine measures, so that exports that it keeps need not be made.
    """
    known = {key: one for key, one in (earlier or {}).items() if key in plan.by_key}
    once_s, each_s = starts_s(plan)
    kind = "cpu" if plan.handle is None else plan.handle.kind
    exports, exports_s = expected(plan, kind) if is_here else (0, 0.0)
    once_s += exports_s
    if plan.backend in BACKENDS and BACKENDS.load(plan.backend).is_virtual(plan.backend_options):
        protocol, n = plan.protocol, len(plan.by_key)
        total_s = once_s + protocol.rounds * (each_s + n * VIRTUAL_VISIT_S)
        return Forecast(
            n, len(known), protocol.rounds, protocol.min_blocks, total_s, None, budget_s, True, exports, exports_s
        )
    usual_s = statistics.mean(one.call_s for one in known.values()) if known else 0.0
    calls_s = [known[key].call_s if key in known else usual_s for key in plan.by_key]
    protocol = plan.protocol
    blocks_s = [(1 + WARMUP) * protocol.block_s(call_s) for call_s in calls_s]
    pass_s = sum(blocks_s)
    pairs = zip(calls_s, blocks_s, strict=True)
    before_s = sum((START_BLOCKS - (call_s >= warmup.LONG_S)) * block_s for call_s, block_s in pairs)
    build_s = statistics.mean(one.prepare_s for one in known.values()) * len(calls_s) if known else 0.0
    alone_s = protocol.uninterrupted_s * len(calls_s)
    start_s = each_s + build_s + alone_s + before_s
    processes, blocks = protocol.rounds, math.ceil(statistics.mean(_blocks(protocol, call_s) for call_s in calls_s))
    if budget_s is not None:
        processes, blocks = fitting(protocol, budget_s - once_s, start_s, pass_s)
    total_s = once_s + processes * (start_s + blocks * pass_s)
    has_interval, host_s = processes >= NEEDED, total_s - once_s if is_here and _shares_host(plan, kind) else None
    half = half_width(processes, blocks, host_s=host_s) if has_interval else None
    widest = None
    if has_interval and budget_s is not None and not known:
        widest = half_width(NEEDED, LEAST_PASSES, host_s=host_s)
    return Forecast(
        len(calls_s), len(known), processes, blocks, total_s, half, budget_s, False, exports, exports_s, protocol.half_width,
        widest,
    )  # fmt: skip


def _shares_host(plan: Plan, kind: str) -> bool:
    """Says whether guests of the same host compute on the processor that is measured."""
    is_real = plan.backend in BACKENDS and BACKENDS.load(plan.backend).uses_processor
    return is_real and device_kind(kind).is_host and hides_siblings()


def announced_exports(exports: int, seconds: float, budget_s: float | None = None) -> str:
    """Says how long exports take before the first process, and what that leaves of a budget; empty without any."""
    if not exports:
        return ""
    text = f"{exports} exports come first, about {format_clock(seconds)}"
    if budget_s is None:
        return text
    if seconds < budget_s:
        return f"{text} of the budget of {format_clock(budget_s)}"
    fit = int(exports * budget_s / seconds)
    return (
        f"{text}, which is more than the budget of {format_clock(budget_s)}: give a longer one, or at most {fit} workloads. "
        "Exports are kept, so that the same campaign begins without them the next time"
    )


def _blocks(protocol: Protocol, call_s: float) -> int:
    """Returns the fewest blocks of a visit, also where a block is a call of which nothing is known."""
    block_s = protocol.block_s(call_s)
    wanted = math.ceil(protocol.min_visit_s / block_s) if block_s > 0 else 0
    return min(protocol.max_blocks, max(protocol.min_blocks, wanted))


def starts_s(plan: Plan) -> tuple[float, float]:
    """Returns the seconds that starting takes once a campaign, and those that it takes in each process."""
    kind = "cpu" if plan.handle is None else plan.handle.kind
    return (PROCESS_S, FORK_S) if is_forked(plan.backend, kind) else (0.0, PROCESS_S)


def fitting(protocol: Protocol, budget_s: float, start_s: float, pass_s: float) -> tuple[int, int]:
    """Returns the processes that fit into a budget, and the passes of each.

    Args:
        protocol: Protocol of the campaign.
        budget_s: Seconds of the campaign.
        start_s: Seconds of a process before its passes.
        pass_s: Seconds of a pass; 0 where calls that are timed by themselves are taken to last no time.
    """
    fit = round(budget_s / (start_s + LEAST_PASSES * pass_s))
    processes = min(protocol.rounds, max(NEEDED, fit))
    passes = int((budget_s / processes - start_s) / pass_s) if pass_s > 0 else protocol.max_blocks
    return processes, min(protocol.max_blocks, max(LEAST_PASSES, passes))


def known_calls(plan: Plan, store: Store, among: Sequence[Campaign] | None = None) -> dict[str, Earlier]:
    """Returns what is known of workloads by key from a store's latest campaigns on the same device and backend.

    Args:
        plan: Plan with the workloads.
        store: Store with earlier campaigns.
        among: Campaigns to look through, the oldest first; None for all.
    """
    found: dict[str, Earlier] = {}
    where = plan.device, plan.backend
    known = store.campaigns() if among is None else among
    same = [one for one in known if (one.plan.get("device"), one.plan.get("backend")) == where]
    for campaign in same[::-1][:EARLIER]:
        for record in store.records(campaign.campaign_id):
            visit = record.visit
            if visit.workload_key in plan.by_key and visit.samples_s:
                found.setdefault(visit.workload_key, Earlier(visit.latency_s, visit.prepare_s or 0.0))
        if len(found) == len(plan.by_key):
            break
    return found


def beforehand(plan: Plan, budget_s: float | None = None, is_here: bool = True) -> str | None:
    """Says before a campaign that it takes long, whatever its calls take, or that exports come first; None for neither.

    Args:
        plan: Plan of the campaign.
        budget_s: Seconds of the campaign; None for as long as the protocol asks for.
        is_here: Whether this machine measures.
    """
    least = forecast(plan, budget_s=budget_s, is_here=is_here)
    if budget_s is None and least.total_s > LONG_S:
        return f"this takes {least}"
    return announced_exports(least.exports, least.exports_s, budget_s) or None


def underway(state: Progress, protocol: Protocol, budget_s: float | None = None) -> str | None:
    """Says after the first passes what fits into the budget; without one, that a campaign takes long and what shortens it.

    The half-width is the one by the noise of the blocks so far. Where it is wider than wanted, what that would take is said.

    Args:
        state: Progress of the campaign.
        protocol: Protocol of the campaign.
        budget_s: Seconds of the campaign; None for as long as the protocol asks for.
    """
    if state.remaining_s is None or state.call_s is None:
        return None
    if budget_s is not None:
        if state.half_width is None:
            return None
        what = f"{state.rounds} processes of about {state.planned_passes} passes fit into {format_clock(budget_s)}"
        what += f"; half-width about {about_half_width(state.half_width)} by the noise of the blocks so far"
        if state.lost > 0:
            what += f" and the {-100 * math.expm1(-state.lost):.0f} % of the time that by the machine's counters was lost "
            return f"{what}where no block shows it; more time does not make that narrower"
        fewer = choice(state.half_width, protocol.half_width, state.workloads, budget_s)
        return f"{what}; {fewer}" if fewer else what
    if state.remaining_s <= LONG_S:
        return None
    call = "a call" if not state.idle_s else f"a call with its pause of {format_seconds(state.idle_s)}"
    text = f"{call} takes {format_seconds(state.call_s + state.idle_s)}: the {state.planned - state.done} other blocks take "
    text += f"about {format_clock(state.remaining_s)}"
    fewest = replace(protocol, min_blocks=LEAST_BLOCKS)
    share = fewest.visit_s(state.call_s) / protocol.visit_s(state.call_s)
    if share > 0.9:
        return f"{text}; fewer workloads or rounds make it shorter"
    return f"{text}; --blocks {LEAST_BLOCKS} makes that about {format_clock(share * state.remaining_s)}"
