"""The latency of each visit: the median of its blocks or, on a contended machine, the mean of its uncontended ones.

Where the blocks of several workloads alternate, they tell the states together; see :mod:`hwcost.campaign.interleaved`.
Visits one after another are told apart by their latencies alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.campaign.interleaved import block_values, knows_times
from hwcost.campaign.visit_values import ENOUGH, VisitValues
from hwcost.levels.contention import Contention, fit_contention, is_contended
from hwcost.timing.measurement import Visit

FULL_VISIT = 5.0
"""Number of uncontended blocks from which a visit counts in full."""

LEAST_WEIGHT = 1e-3


def contention(visits: Sequence[Visit]) -> Contention | None:
    """Fits the two states of the machine; None where the blocks of each visit agree, or there is only one workload."""
    usable = [visit for visit in visits if visit.is_usable]
    if len({visit.workload_key for visit in usable}) < 2:
        return None
    steady = np.repeat(np.arange(len(usable)), [len(visit.samples_s) for visit in usable])
    if not is_contended(np.log(np.concatenate([visit.samples_s for visit in usable])), steady):
        return None
    y, number = _all_blocks(usable)
    _, items = np.unique([visit.workload_key for visit in usable], return_inverse=True)
    return fit_contention(y, items[number])


def _all_blocks(visits: Sequence[Visit]) -> tuple[Floats, Indices]:
    """Returns the log latency of every block and the index of its visit.

    Blocks before the steady state are there too: under contention most of them do not belong to the warm-up, and those
    that do count as slowed.
    """
    blocks = [(*visit.warmup_s, *visit.samples_s) for visit in visits]
    return np.log(np.concatenate(blocks)), np.repeat(np.arange(len(visits)), [len(part) for part in blocks])


def visit_values(visits: Sequence[Visit]) -> VisitValues:
    """Takes what the blocks of every visit say of its workload's latency.

    Args:
        visits: Usable visits, those of a round together.
    """
    if any("arrival" in visit.conditions for visit in visits):  # calls differ by themselves, which percentiles describe
        return _full_visits(visits)
    return block_values(visits) if knows_times(visits) else _two_state_values(visits)


def _full_visits(visits: Sequence[Visit]) -> VisitValues:
    """Takes the median of every visit's blocks."""
    medians = np.log([visit.latency_s for visit in visits])
    return VisitValues(medians, np.ones(len(visits)), np.ones(len(visits), dtype=bool), None)


def _two_state_values(visits: Sequence[Visit]) -> VisitValues:
    """Takes the median of every visit's blocks, or under contention the mean of its uncontended ones."""
    states = contention(visits)
    if states is None:
        return _full_visits(visits)
    medians = np.log([visit.latency_s for visit in visits])
    y, number = _all_blocks(visits)
    counted = np.bincount(number, states.uncontended)
    values = np.bincount(number, states.uncontended * y) / np.maximum(counted, 1e-300)
    weight = np.clip(counted / FULL_VISIT, LEAST_WEIGHT, 1.0)
    return VisitValues(np.where(counted > 1e-6, values, medians), weight, counted >= ENOUGH, states)
