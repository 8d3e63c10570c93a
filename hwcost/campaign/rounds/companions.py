"""Companions: workloads that are known well, measured once more beside the few that a further round is made for.

A round in which one workload was alone tells nothing about it, because what the process did to all workloads alike is not
known then; beside two or three known ones it does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hwcost.agent.rules import LEAST_GROUP

if TYPE_CHECKING:
    from hwcost.campaign.plans.plan import Plan
    from hwcost.timing.measurement import Measurement


def companions(
    plan: Plan, due: Sequence[str], measurements: Sequence[Measurement], counts: Mapping[str, int]
) -> list[str]:
    """Chooses the companions of a further round: as many as make four workloads.

    Those of the same classes of size come first, as they cost about as much and feel the same level; then those with the
    fewest rounds, so that they take turns. Equal visits choose equally, so that a resumed campaign goes on in the same way.

    Args:
        plan: Plan of the campaign.
        due: Keys of the workloads that the round is made for.
        measurements: Measurements by the visits so far, in the plan's order.
        counts: Rounds that each workload got.

    Returns:
        Keys of confirmed workloads whose interval is as narrow as wanted; none where enough are due, calls come with pauses,
        or workloads join by goals and priors, whose rounds are their own.
    """
    if not due or len(due) >= LEAST_GROUP or plan.protocol.has_pauses or plan.first or plan.prior:
        return []
    classes = {plan.classes[key] for key in due}
    known = [m.workload.key for m in measurements if m.workload.key not in due and _is_known(m, plan.protocol.half_width)]
    ranked = sorted(known, key=lambda key: (plan.classes[key] not in classes, counts[key]))
    return ranked[: LEAST_GROUP - len(due)]


def _is_known(measurement: Measurement, wanted: float) -> bool:
    """Whether a workload is confirmed and its interval as narrow as wanted; one that failed is never measured again."""
    if any(visit.status == "failed" and not visit.is_unfinished for visit in measurement.visits):
        return False
    return measurement.is_confirmed and measurement.half_width is not None and measurement.half_width <= wanted
