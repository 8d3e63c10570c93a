"""Pairs of campaigns of the same workloads beside other neighbours: each one's difference against the others'."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from studies.neighbour_estimates import errors
from studies.sim_neighbours import SimNeighbours

from hwcost._types import Floats
from hwcost.campaign.comparisons.differences import against_others


def against(pair: int, workloads: int, passes: int, kind: str) -> Floats:
    """Simulates two campaigns of the same workloads, and compares them.

    Args:
        pair: Number of the pair, which all draws follow from.
        workloads: Number of workloads.
        passes: Passes in each process.
        kind: Way in which neighbours are drawn: ``random``, ``busy`` or ``crowded``.

    Returns:
        A row for each workload, shape (workloads, 4): error of the difference less the others', half-width of its interval,
        half-width of the difference by the stated intervals of both latencies, and whether either is unconfirmed.
    """
    sides = [replace(getattr(SimNeighbours, kind)(2 * pair + k, passes), items=workloads, nets=pair) for k in (0, 1)]
    a, b = (errors(one.draw(), "block model") for one in sides)
    is_unconfirmed, stated = a.is_unconfirmed | b.is_unconfirmed, np.hypot(a.half_width, b.half_width)
    found = against_others([str(k) for k in range(workloads)], b.error - a.error, np.where(is_unconfirmed, 0.0, stated))
    rows = [(one.log_ratio, one.half_width) for one in found]
    return np.column_stack([np.array(rows, dtype=np.float64), stated, is_unconfirmed])
