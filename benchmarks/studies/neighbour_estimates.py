"""What different estimators make of the same campaign beside neighbours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from studies.sim_neighbours import Drawn

from hwcost._types import Floats, Indices
from hwcost.campaign.estimates.block_model import fit_block_model
from hwcost.campaign.estimates.block_parts import in_parts
from hwcost.campaign.estimates.block_table import BlockTable
from hwcost.campaign.estimates.interleaved import values_of
from hwcost.campaign.estimates.intervals import intervals
from hwcost.campaign.estimates.slices import come_and_go, own_part
from hwcost.campaign.estimates.time_model import VisitTable, fit_time_model
from hwcost.campaign.estimates.uncontended import two_state_values
from hwcost.campaign.estimates.visit_values import VisitValues


@dataclass(frozen=True, slots=True)
class Errors:
    """The errors of one estimator.

    Attributes:
        error: Log latency less the truth, shape (items,).
        half_width: Half-width of the 95 % interval, shape (items,).
        is_unconfirmed: Whether the item is called unconfirmed, shape (items,).
    """

    error: Floats
    half_width: Floats
    is_unconfirmed: NDArray[np.bool_]

    @property
    def is_covered(self) -> NDArray[np.bool_]:
        """Whether the interval holds the truth, shape (items,)."""
        return np.asarray(np.abs(self.error) <= self.half_width)


def block_model(drawn: Drawn, number: Indices) -> VisitValues:
    """What hwcost does with workloads measured in turn."""
    return values_of(drawn.blocks, number, fit_block_model(drawn.blocks))


def layers(drawn: Drawn, number: Indices) -> VisitValues:
    """What hwcost does where the layers of long calls are timed."""
    table, visit = in_parts(drawn.blocks, number, [None] * len(number) if drawn.layers_s is None else [*drawn.layers_s])
    return values_of(table, visit, fit_block_model(table))


def slices(drawn: Drawn, number: Indices) -> VisitValues:
    """What hwcost does where blocks are timed slice by slice."""
    if drawn.quick is None or drawn.quickest is None:
        return block_model(drawn, number)
    y = drawn.quickest if come_and_go(drawn.blocks.y - drawn.quick) else drawn.quick
    table, own = replace(drawn.blocks, y=y), own_part(drawn.blocks.y - y, drawn.blocks.item)
    found = values_of(table, number, fit_block_model(table))
    return replace(found, own=np.bincount(number, own) / np.bincount(number))


def two_states(drawn: Drawn, number: Indices) -> VisitValues:
    """What hwcost does with visits one after another: two states of the blocks by their latencies alone, without times."""
    return two_state_values(drawn.blocks.y, number, drawn.blocks.item)


def medians(drawn: Drawn, number: Indices) -> VisitValues:
    """The median of every visit's blocks, as if nothing disturbed them."""
    y = np.array([np.median(drawn.blocks.y[number == k]) for k in range(int(number.max()) + 1)])
    return VisitValues(y, np.ones(len(y)), np.ones(len(y), dtype=bool), None)


WAYS: Mapping[str, Callable[[Drawn, Indices], VisitValues]] = {
    "medians": medians,
    "two states": two_states,
    "block model": block_model,
    "with layers": layers,
    "slices": slices,
}

IN_TURN = ("medians", "two states", "block model", "slices")
"""Estimators of blocks of many calls; the last one knows the times of their slices too."""

KNOWN = "known states"
"""Estimator that knows which blocks are uncontended: a bound."""

UNSLOWED = 0.003
"""Log delay below which a block counts as uncontended."""

LEVELLED = ("two states",)
"""Estimators whose time model fits a level, as it is for visits one after another."""


def errors(drawn: Drawn, way: str) -> Errors:
    """Estimates a campaign in one way.

    Args:
        drawn: The campaign's blocks, with the truth.
        way: One of ``WAYS``, or ``known states``.
    """
    if way == KNOWN:
        return known_states(drawn)
    blocks = drawn.blocks
    number = _by_time(blocks)
    values = WAYS[way](drawn, number)
    first = np.unique(number, return_index=True)[1]
    table = VisitTable(
        y=values.y,
        item=blocks.item[first],
        round=blocks.round[first],
        group=np.zeros(len(first), dtype=np.intp),
        time=_mean_times(blocks, number),
        weight=values.weight,
        in_level=values.uncontended,
        is_precise=values.is_precise,
    )
    model = fit_time_model(table, with_level=way in LEVELLED)
    found = intervals(table, model, values)
    return Errors(model.item - drawn.truth, found.half_width, found.is_unconfirmed)


def known_states(drawn: Drawn) -> Errors:
    """Estimates a campaign from its uncontended blocks: no model of whole calls could tell the states better.

    Items without such a block have no error, and are unconfirmed.
    """
    blocks, items = drawn.blocks, len(drawn.truth)
    kept = drawn.delay < UNSLOWED
    found = Errors(np.full(items, np.nan), np.full(items, np.nan), np.ones(items, dtype=bool))
    if not kept.any():
        return found
    known, item = np.unique(blocks.item[kept], return_inverse=True)
    _, round = np.unique(blocks.round[kept], return_inverse=True)
    left = BlockTable(blocks.y[kept], item, round, blocks.time[kept])
    of_known = errors(replace(drawn, blocks=left, truth=drawn.truth[known]), "block model")
    found.error[known], found.half_width[known] = of_known.error, of_known.half_width
    found.is_unconfirmed[known] = of_known.is_unconfirmed
    return found


def _by_time(blocks: BlockTable) -> Indices:
    """Returns the number of each block's visit, in the order of the visits' mean times, shape (n,)."""
    number = np.unique(blocks.round * blocks.items + blocks.item, return_inverse=True)[1]
    rank = np.empty(int(number.max()) + 1, dtype=np.intp)
    rank[np.argsort(_mean_times(blocks, number), kind="stable")] = np.arange(len(rank))
    return rank[number]


def _mean_times(blocks: BlockTable, number: Indices) -> Floats:
    """Returns the mean of the times of each visit's blocks, shape (visits,)."""
    return np.asarray(np.bincount(number, blocks.time) / np.bincount(number))
