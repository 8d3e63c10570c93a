"""Visits of an interleaved campaign as the additive model takes them: their blocks less level and delay when they ran.

Where few workloads ran in turn, visits keep the level: the additive model counts what it takes out, and blocks do not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats, Indices
from hwcost.campaign.estimates.block_delays import CLEAR_DELAY
from hwcost.campaign.estimates.block_means import LEAST_PRECISION, both, contended_means, summed, uncontended_means
from hwcost.campaign.estimates.block_model import BlockModel, fit_block_model
from hwcost.campaign.estimates.block_parts import in_parts, layers_of_blocks
from hwcost.campaign.estimates.block_table import BlockTable, companions, segments
from hwcost.campaign.estimates.effects import fit_effects, repeats
from hwcost.campaign.estimates.lost_time import lost_of_blocks, unexplained
from hwcost.campaign.estimates.slices import own_part, sliced_blocks
from hwcost.campaign.estimates.visit_values import VisitValues

if TYPE_CHECKING:
    from hwcost.timing.measurement import Visit

START_S = 3.0
"""Seconds between two processes whose clocks do not tell, as virtual ones do not."""

USUAL = 0.75
"""Quantile of the visits' precisions at which a visit counts in full."""

ENOUGH = 1.5
"""Number of uncontended blocks from which a visit shows the uncontended machine: all workloads together tell which they
are."""

SEEN = 0.75
"""The same where calls are taken in parts: share of the call whose parts were seen uncontended, one time each."""

FEW = 4
"""Number of workloads from which they tell the level; that of fewer holds most of what a process does to each."""

SHARE = 0.25
"""Share of a campaign's blocks beside few workloads from which their level is left to the time model."""

LEAST_WEIGHT = 1e-6
LEAST_LAYOUT = 1e-4
MOST_LAYOUT = 0.05
HALVINGS = 25


def knows_times(visits: Sequence[Visit]) -> bool:
    """Says whether it is known when the blocks of the visits ran."""
    return any(visit.block_starts_s for visit in visits)


def block_values(visits: Sequence[Visit]) -> VisitValues:
    """Fits the block model to the blocks of all visits, and takes what it says of each.

    Args:
        visits: Usable visits.
    """
    sliced = sliced_blocks(visits)
    table, number = block_table(visits, sliced.y)
    by_visit = np.argsort(number, kind="stable")
    beyond = (lost_of_blocks(visits) - sliced.left_out)[np.argsort(by_visit)]
    lost, own = np.maximum(0.0, beyond), own_part(np.maximum(0.0, -beyond), table.item)
    own = np.bincount(number, own) / np.bincount(number)
    is_single = table.items == 1
    tells = not is_single and _tells_level(table)
    layers_s = layers_of_blocks(visits)
    table, number = in_parts(table, number, [layers_s[k] for k in np.argsort(by_visit).tolist()])
    model = fit_block_model(table) if is_single or tells else fit_block_model(table, CLEAR_DELAY)
    values = replace(values_of(table, number, model, is_level_kept=not tells), own=own if own.any() else None)
    if any(visit.conditions.get("shares_host") for visit in visits):
        values = replace(values, level_error=max(values.level_error, model.host_error))
    if not lost.any():
        return values
    return replace(values, lost=unexplained(lost if table.call is None else lost[table.call], table, number, model))


def _tells_level(table: BlockTable) -> bool:
    """Says whether enough workloads ran in turn to tell the level of the machine from what processes do to each of them.

    Where all of a process ran in turn, few are enough: what it does to all of them is the round's effect, which is counted.
    """
    found = companions(table, segments(table.time, table.round))
    of_process = np.bincount(np.unique(table.round * table.items + table.item) // table.items)[table.round]
    return float((found < np.minimum(of_process, FEW)).mean()) < SHARE


def values_of(table: BlockTable, number: Indices, model: BlockModel, is_level_kept: bool = False) -> VisitValues:
    """Sums the blocks of every visit up.

    Args:
        table: The blocks.
        number: Index of each block's visit, shape (n,), without gaps.
        model: Block model that was fitted to them.
        is_level_kept: Whether visits keep the level of the machine when they ran: what a level of blocks follows is in no
            count of degrees of freedom, so that it is left to the time model where few workloads tell it. Of a single one,
            all that moves from process to process is in the scatter of its visits.
    """
    n = int(number.max()) + 1
    level = np.bincount(number, model.level, n) / np.bincount(number, minlength=n)
    y = table.y - model.level
    first = np.unique(number, return_index=True)[1]
    _, at, part = np.unique(number * table.items + table.item, return_index=True, return_inverse=True)
    quick = uncontended_means(y, part, model)
    found = both(quick, contended_means(y, part, table.item, model))
    is_shown = quick.count >= ENOUGH
    if table.whole is not None:
        is_shown = summed(replace(quick, count=np.minimum(quick.count, 1.0)), number[at]).count >= SEEN
        found = summed(found, number[at])
    values = found.y + level if is_level_kept else found.y
    is_seen = found.precision > 0
    variance = 1.0 / np.maximum(found.precision, LEAST_PRECISION)
    precision = _precision(values, table.workload[first], table.round[first], variance, is_seen)
    usual = float(np.quantile(precision[is_seen], USUAL)) if is_seen.any() else 1.0
    return VisitValues(
        y=values,
        weight=np.where(is_seen, np.clip(precision / usual, LEAST_WEIGHT, 1.0), LEAST_WEIGHT),
        uncontended=is_shown,
        states=model.states,
        level=None if is_level_kept else level,
        level_error=model.level_error if table.workloads > 1 else 0.0,
        level_steps=model.level_steps,
        reading_error=model.reading_error,
        is_precise=True,
        is_evident=model.is_evident,
        quicker=model.quicker,
    )


def _precision(
    y: Floats, item: Indices, round: Indices, noise: Floats, is_seen: NDArray[np.bool_]
) -> Floats:
    """Returns one over the variance of every visit: that of what processes do to an item, and that of noise.

    The former is such that the weighted squares of what is left of the visits are as many as their degrees of freedom.

    Source: Paule and Mandel 1982, J. Res. NBS 87(5).
    """
    rows = np.flatnonzero(is_seen)
    items = np.unique(item[rows], return_inverse=True)[1]
    rounds = np.unique(round[rows], return_inverse=True)[1]
    dof = repeats(items, np.ones(len(rows))) - float(rounds.max(initial=0))
    low, high = LEAST_LAYOUT, MOST_LAYOUT
    if dof < 1:
        return np.asarray(1.0 / (noise + LEAST_LAYOUT**2))
    for _ in range(HALVINGS):
        middle = math.sqrt(low * high)
        precision = 1.0 / (noise[rows] + middle**2)
        effects = fit_effects(y[rows], items, rounds, precision / precision.max())
        squares = np.minimum(precision * effects.residual**2, 9.0).sum()
        low, high = (middle, high) if squares > dof else (low, middle)
    return np.asarray(1.0 / (noise + low**2))


def block_table(visits: Sequence[Visit], y: Floats) -> tuple[BlockTable, Indices]:
    """Lists the blocks of all visits in the order they ran.

    Args:
        visits: Usable visits.
        y: Log seconds per call of every block, visit by visit, shape (n,).

    Returns:
        The blocks, and the index of each one's visit.
    """
    number = np.repeat(np.arange(len(visits)), [len(visit.samples_s) for visit in visits])
    time = np.concatenate([_starts(visit) for visit in visits])
    _, item = np.unique([visit.workload_key for visit in visits], return_inverse=True)
    _, round = np.unique([visit.round for visit in visits], return_inverse=True)
    order = np.lexsort((time, round[number]))
    number, y, time = number[order], y[order], time[order]
    return BlockTable(y, item[number], round[number], _ascending(time, round[number])), number


def _starts(visit: Visit) -> Floats:
    """Returns when the blocks of a visit began; a record of before spreads them evenly."""
    if visit.block_starts_s:
        return visit.started_s + np.array(visit.block_starts_s)
    n = len(visit.samples_s)
    return visit.started_s + (visit.ended_s - visit.started_s) * np.arange(n) / n


def _ascending(time: Floats, round: Indices) -> Floats:
    """Puts processes whose clocks begin anew one behind the other."""
    steps = np.diff(time, prepend=time[0])
    behind = (np.diff(round, prepend=round[0]) != 0) & (steps <= 0)
    return np.asarray(time[0] + np.cumsum(np.where(behind, START_S, steps)))
