"""The goal that every workload's interval is narrow enough: a tier's precision, said explicitly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from hwcost.campaign.goals.goal import Goal, Verdict

if TYPE_CHECKING:
    from hwcost.campaign.plans.plan import Plan
    from hwcost.timing.measurement import Measurement
    from hwcost.timing.protocol import Protocol


@dataclass(frozen=True)
class HalfWidth(Goal):
    """The widest of the 95 % intervals of all workloads that were measured, as its relative half-width."""

    name: ClassVar[str] = "half-width"

    def adapted(self, protocol: Protocol) -> Protocol:
        """Takes the place of the tier's half-width."""
        return replace(protocol, half_width=self.bound / 100)

    def judge(self, plan: Plan, measurements: Sequence[Measurement]) -> Verdict:
        """See the base class; the workloads whose interval is missing or wider are due."""
        known = [m for m in measurements if m.latency_s is not None]
        wide = [m.workload.key for m in known if m.half_width is None or not self.holds(100 * m.half_width)]
        widths = [m.half_width for m in known if m.half_width is not None]
        lacking = len(known) - len(widths)
        remedy = f"{lacking} of {len(known)} workloads have no interval." if lacking else ""
        return Verdict(self, None if lacking or not widths else 100 * max(widths), tuple(wide), remedy)


KINDS: Mapping[str, type[Goal]] = {HalfWidth.name: HalfWidth}
"""Kinds of goal that need nothing but the campaign, by name."""
