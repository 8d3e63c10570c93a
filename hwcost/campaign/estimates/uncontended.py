"""The latency of each visit: the median of its blocks or, on a contended machine, the mean of its uncontended ones.

Where the blocks of several workloads alternate, they tell the states together; see
:mod:`hwcost.campaign.estimates.interleaved`. Visits one after another are distinguished by their latencies alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.campaign.estimates.interleaved import block_values, knows_times
from hwcost.campaign.estimates.lost_time import lost_by_visit
from hwcost.campaign.estimates.visit_values import ENOUGH, VisitValues
from hwcost.levels.contention import fit_contention, is_contended
from hwcost.timing.measurement import Visit

FULL_VISIT = 5.0
"""Number of uncontended blocks from which a visit counts in full."""

LEAST_WEIGHT = 1e-3


def visit_values(visits: Sequence[Visit]) -> VisitValues:
    """Takes what the blocks of every visit say of its workload's latency.

    Args:
        visits: Usable visits, those of a round together.
    """
    medians = np.log([visit.latency_s for visit in visits])
    full = VisitValues(medians, np.ones(len(visits)), np.ones(len(visits), dtype=bool), None, lost=lost_by_visit(visits))
    if any("arrival" in visit.conditions for visit in visits):  # calls differ by themselves, which percentiles describe
        return full
    if knows_times(visits):
        return block_values(visits)
    if not _are_contended(visits):
        return full
    y, number = _all_blocks(visits)
    items = np.unique([visit.workload_key for visit in visits], return_inverse=True)[1]
    return replace(two_state_values(y, number, items[number], medians), lost=full.lost)


def _are_contended(visits: Sequence[Visit]) -> bool:
    """Says whether blocks of each visit disagree; of a single workload that does not tell why."""
    if len({visit.workload_key for visit in visits}) < 2:
        return False
    number = np.repeat(np.arange(len(visits)), [len(visit.samples_s) for visit in visits])
    return is_contended(np.log(np.concatenate([visit.samples_s for visit in visits])), number)


def _all_blocks(visits: Sequence[Visit]) -> tuple[Floats, Indices]:
    """Returns the log latency of every block and the index of its visit.

    Blocks before the steady state are there too: under contention most of them do not belong to the warm-up, and those
    that do count as slowed.
    """
    blocks = [(*visit.warmup_s, *visit.samples_s) for visit in visits]
    return np.log(np.concatenate(blocks)), np.repeat(np.arange(len(visits)), [len(part) for part in blocks])


def two_state_values(y: Floats, number: Indices, item: Indices, otherwise: Floats | None = None) -> VisitValues:
    """Takes the mean of every visit's uncontended blocks, which their latencies alone tell.

    Args:
        y: Log latency per block, shape (n,).
        number: Index of each block's visit, shape (n,), without gaps.
        item: Index of each block's item, shape (n,), without gaps.
        otherwise: Log latency of visits that saw nothing uncontended, shape (visits,); None for the same mean.
    """
    states = fit_contention(y, item)
    counted = np.bincount(number, states.uncontended)
    values = np.bincount(number, states.uncontended * y) / np.maximum(counted, 1e-300)
    weight = np.clip(counted / FULL_VISIT, LEAST_WEIGHT, 1.0)
    known = values if otherwise is None else np.where(counted > 1e-6, values, otherwise)
    return VisitValues(known, weight, counted >= ENOUGH, states)
