"""The 95 % intervals of a campaign's items: noise of visits, error of the machine's level, and what is not confirmed.

Time that counters say was lost, and that no block shows, makes a latency too long by something between nothing and all of
it: it comes on top of the half-width, and what all items lost is common to them. So does what even the least disturbed
blocks of an item lose, which makes a latency too short where it is the item's own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.campaign.estimates.block_model import LEVEL_STEPS
from hwcost.campaign.estimates.lost_time import CLEAR
from hwcost.campaign.estimates.time_model import TimeModel, VisitTable
from hwcost.campaign.estimates.visit_values import VisitValues

OF_NORMAL = 1.96
"""Half-width of the middle 95 % of a normal distribution over its standard deviation."""

CONFIRMING = 2
"""Visits that must show the uncontended machine, so that an item's latency is confirmed; one is enough where all items
together show clearly which state is the uncontended one."""

CONFIRMED = 0.5
"""Least share of a campaign's items that are confirmed, so that any is.

All items together tell which blocks are uncontended. Where few of them count enough of such blocks, these few were chosen by
noise.
"""


@dataclass(frozen=True, slots=True)
class Intervals:
    """Half-widths of the intervals.

    Attributes:
        half_width: Half-width on the log scale, shape (items,); NaN where nothing determines it.
        is_unconfirmed: Whether too few visits show the uncontended machine, so that the delay is a half-width at the least.
        level: Part of each half-width that is common to all items, shape (items,); squares of parts add up.
        lost: Log delay that counters tell and blocks do not show, which is in the half-width, shape (items,).
        own: Log delay that slices show and that may be the item's own, which is in the half-width, shape (items,).
    """

    half_width: Floats
    is_unconfirmed: NDArray[np.bool_]
    level: Floats
    lost: Floats
    own: Floats


def intervals(table: VisitTable, model: TimeModel, values: VisitValues) -> Intervals:
    """Joins what widens the intervals.

    Args:
        table: Usable visits.
        model: Time model that was fitted to them.
        values: Latency and weight of each visit by its blocks.
    """
    level = level_half_width(values)
    needed = 1 if values.is_evident else CONFIRMING
    is_lacking = np.isnan(model.half_width) | (np.bincount(table.item, values.uncontended) < needed)
    is_lacking |= is_lacking.mean() > 1.0 - CONFIRMED or values.quicker > 0
    is_unconfirmed = is_lacking & (values.delay > 0)
    most = values.delay + _of_full_visit(model)
    widest = np.where(is_unconfirmed, np.fmax(np.fmin(model.half_width, most), values.delay), model.half_width)
    lost, own = (np.zeros(len(widest)) if of_visit is None else _of_items(table, of_visit)
                 for of_visit in (values.lost, values.own))  # fmt: skip
    half, doubt = np.hypot(widest, level), lost + own
    paired = widest + (doubt - doubt.min())
    common = np.sqrt(np.maximum((half + doubt) ** 2 - paired**2, 0.0))
    common = np.where((doubt > 0) & ~np.isnan(half), common, level)
    return Intervals(half + doubt, is_unconfirmed | (doubt > CLEAR), common, lost, own)


def _of_items(table: VisitTable, of_visit: Floats) -> Floats:
    """Returns the log delay of each item; one that seems to have lost less than its round lost as much by chance.

    Args:
        table: Usable visits.
        of_visit: Log delay of each visit, shape (n,).
    """
    _, round = np.unique(table.round, return_inverse=True)
    of_round = np.bincount(round, table.weight * of_visit) / np.bincount(round, table.weight)
    most = table.weight * np.maximum(of_visit, of_round[round])
    return np.asarray(np.bincount(table.item, most) / np.bincount(table.item, table.weight))


def _of_full_visit(model: TimeModel) -> Floats:
    """Returns the half-width by one full visit for items whose visits count as less, in which hardly a block is uncontended.

    Contended blocks tell the latency as exactly as others do, but for the delay.
    """
    return np.asarray(model.half_width * np.sqrt(np.minimum(model.amount, 1.0)))


def level_half_width(values: VisitValues) -> float:
    """Returns the half-width that the campaign's mean level adds to every interval.

    Args:
        values: Standard error of the mean level, estimated from its steps and from usual ones; and how far it may be off
            because noise, or the quickest state, may be contention.
    """
    from scipy import stats

    by_chance = float(stats.t.ppf(0.975, values.level_steps + LEVEL_STEPS)) * values.level_error
    return math.hypot(by_chance, OF_NORMAL * values.reading_error)
