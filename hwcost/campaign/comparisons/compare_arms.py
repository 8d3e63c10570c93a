"""Compares two arms that were read, and refuses where their environments make that meaningless."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from hwcost.campaign.comparisons.arms import Arm
from hwcost.campaign.comparisons.differences import BAND, Comparison, differences
from hwcost.errors import DataError
from hwcost.facts import differing
from hwcost.stores.ids import utc
from hwcost.timing.guards import guards
from hwcost.timing.measurement import Flag, Measurement

__all__ = ["compare_arms"]

CANARY_SHIFT = 0.05
"""Shift of the canaries between two campaigns from which the machine is in doubt."""


def compare_arms(a: Arm, b: Arm, *, allow_env_mismatch: bool = False, band: float = BAND) -> Comparison:
    """Compares two arms that were read; see :func:`hwcost.compare`."""
    is_one = a.campaign_id is not None and a.campaign_id == b.campaign_id
    if is_one and not _are_apart(a.measurements, b.measurements):
        raise DataError(f"both arms are campaign {a.campaign_id}. Name two, for example STORE#ID or STORE#BACKEND.")
    flag = guards.mismatch(differing(a.environment, b.environment))
    if flag is not None and not allow_env_mismatch:
        raise DataError(f"{flag} Or compare them nevertheless with --allow-env-mismatch (allow_env_mismatch=True).")
    is_together = is_one and len(a.campaigns) == len(b.campaigns) == 1
    if a.campaign_id is None and b.campaign_id is None:
        is_together = _overlap(a.measurements, b.measurements)
    shift = _canary_shift(a.canaries, b.canaries)
    found = differences(
        a.measurements, b.measurements, is_together=is_together, band=band, canary_shift=shift,
        campaigns=(a.campaigns, b.campaigns),
    )  # fmt: skip
    if not found.workloads:
        examples = " and ".join(f"'{arm.measurements[0].workload.name}'" for arm in (a, b) if arm.measurements)
        raise DataError(f"no workload of {a.name} is one of {b.name} (for example {examples}). Measure the same workloads.")
    return replace(found, flags=tuple(doubt for doubt in (flag, _moved(shift)) if doubt is not None))


def _are_apart(a: Sequence[Measurement], b: Sequence[Measurement]) -> bool:
    """Says whether no workload is in both lists, as those of two precisions in one campaign."""
    return not {one.workload.key for one in a} & {one.workload.key for one in b}


def _overlap(a: Sequence[Measurement], b: Sequence[Measurement]) -> bool:
    """Says whether neither of two lists was whole before the other began, as far as their visits have times."""
    spans = []
    for arm in (a, b):
        instants = [utc(one.started_at) for m in arm for one in m.visits if one.is_usable and one.started_at]
        if not instants:
            return True
        spans.append((min(instants), max(instants)))
    (begun, ended), (other_begun, other_ended) = spans
    return begun <= other_ended and other_begun <= ended


def _canary_shift(a: Mapping[str, float], b: Mapping[str, float]) -> float | None:
    """Returns the mean log ratio of the canaries that both campaigns have; None without any."""
    shifts = [math.log(b[key] / a[key]) for key in a if key in b]
    return sum(shifts) / len(shifts) if shifts else None


def _moved(shift: float | None) -> Flag | None:
    if shift is None or abs(math.expm1(shift)) <= CANARY_SHIFT:
        return None
    text = f"the canaries of the second campaign took {100 * math.expm1(shift):+.1f} % longer than those of the first."
    return Flag("W_UNSTABLE_HOST", text, "Measure both arms again, one right after the other or in one campaign.")
