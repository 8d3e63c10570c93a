"""Items whose processes fall into bands: each process takes one of two ways through the code, or gets one of two layouts.

Noise is pooled over items, which says nothing of an item that is two. Where its processes lie apart by far more than those
of others, and two or more are in either band, its interval holds both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from hwcost.campaign.estimates.time_model import TimeModel, VisitTable
from hwcost.timing.guards.modes import SMALLEST_BAND, Mode, bands_beyond

FULL = 0.5
"""Share of a full visit from which a visit tells which band its process is in."""


def bands_of_item(table: VisitTable, model: TimeModel, item: int) -> tuple[Mode, ...]:
    """Returns the bands of an item; none where its processes agree as well as those of others.

    Args:
        table: The visits.
        model: Time model that was fitted to them.
        item: Index of the item.
    """
    rows = np.flatnonzero((table.item == item) & (table.weight >= FULL))
    if not len(rows):
        return ()
    noise = model.classes[int(table.group[rows[0]])].sd / math.sqrt(float(table.weight[rows].min()))
    latencies_s = np.exp(model.item[item] + model.residual[rows])
    return tuple(bands_beyond(latencies_s.tolist(), noise))


def half_width_of_bands(bands: Sequence[Mode], log_latency: float, visits: int) -> float:
    """Returns the half-width at which an interval holds both bands; 0 for one band, or where a single process is one.

    A process that stands alone counts little, and the latency is that of the others.

    Args:
        bands: The bands.
        log_latency: Log latency of the item.
        visits: Number of its visits.
    """
    if not bands or min(band.share for band in bands) * visits < SMALLEST_BAND - 0.5:
        return 0.0
    return max(abs(math.log(band.latency_s) - log_latency) for band in bands)
