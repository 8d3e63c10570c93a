"""Calls as long as the bursts of a neighbour, in parts: the times of a net's layers tell what a neighbour did within a call.

Every part is an item of the block model, so that a call that met a burst for half of its time says in its other half what it
takes without. The latency of a visit is the sum of what its parts take, and the scatter of such sums over processes tells
how precise they are: parts of one process need not be independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.campaign.estimates.block_table import BlockTable

if TYPE_CHECKING:
    from hwcost.timing.measurement import Visit

LEAST_PART_S = 0.02
"""Usual seconds of a part at the least, as of a block: neighbouring layers are taken together up to these."""


def layers_of_blocks(visits: Sequence[Visit]) -> list[Floats | None]:
    """Returns the seconds of the layers of every block, visit by visit; None for blocks whose layers were not timed."""
    found: list[Floats | None] = []
    for visit in visits:
        layers = visit.conditions.get("block_layers_s")
        found += [None] * len(visit.samples_s) if layers is None else [np.array(one, dtype=np.float64) for one in layers]
    return found


@dataclass(frozen=True, slots=True)
class _Parted:
    """The rows of one workload, in parts.

    Attributes:
        seconds: Seconds of every part of every block, shape (blocks, parts).
        row: Index of each block in the table, shape (blocks,).
    """

    seconds: Floats
    row: Indices


def in_parts(table: BlockTable, number: Indices, layers_s: Sequence[Floats | None]) -> tuple[BlockTable, Indices]:
    """Divides the blocks of workloads whose layers were all timed.

    Args:
        table: The blocks.
        number: Index of each block's visit, shape (n,).
        layers_s: Seconds of the layers of each block, in the table's order, shape (layers,) each; None for blocks whose
            layers were not timed.

    Returns:
        The parts in the order they ran, those of undivided workloads being whole blocks, and the index of each one's visit;
        the arguments as they are where no workload is divided.
    """
    if all(one is None for one in layers_s):
        return table, number
    rows = np.split(np.argsort(table.item, kind="stable"), np.cumsum(np.bincount(table.item))[:-1])
    found = [_parted(table, layers_s, row) for row in rows]
    counts = np.array([one.seconds.shape[1] for one in found])
    if counts.max() == 1:
        return table, number
    first = np.cumsum(counts) - counts
    row = np.concatenate([np.repeat(one.row, count) for one, count in zip(found, counts, strict=True)])
    item = np.concatenate([np.tile(k + np.arange(m), len(one.row)) for one, k, m in zip(found, first, counts, strict=True)])
    since = [np.cumsum(one.seconds, axis=1) - one.seconds for one in found]
    time = table.time[row] + np.concatenate([one.ravel() for one in since])
    y = np.log(np.concatenate([one.seconds.ravel() for one in found]))
    order = np.lexsort((time, table.round[row]))
    row = row[order]
    whole = np.repeat(np.arange(table.items), counts)
    return BlockTable(y[order], item[order], table.round[row], time[order], whole, row), number[row]


def _parted(table: BlockTable, layers_s: Sequence[Floats | None], row: Indices) -> _Parted:
    """Divides the blocks of one workload into parts of some ``LEAST_PART_S`` seconds; into one where layers do not tell.

    Args:
        table: The blocks.
        layers_s: Seconds of the layers of each block; None for blocks whose layers were not timed.
        row: Index of each of its blocks in the table, ascending, shape (blocks,).
    """
    known = [one for k in row.tolist() if (one := layers_s[k]) is not None]
    if len(known) < len(row) or len({len(one) for one in known}) > 1:
        return _Parted(np.exp(table.y[row])[:, None], row)
    layers = np.array(known)
    return _Parted(np.add.reduceat(layers, _firsts(np.median(layers, axis=0)), axis=1), row)


def _firsts(usual_s: Floats) -> list[int]:
    """Returns the index of the first layer of every part; what is left at the end joins the last one.

    Args:
        usual_s: Usual seconds of every layer, shape (layers,).
    """
    firsts, left = [0], float(usual_s.sum())
    taken = 0.0
    for index, seconds in enumerate(usual_s.tolist()):
        if taken >= LEAST_PART_S and left >= LEAST_PART_S:
            firsts.append(index)
            taken = 0.0
        taken, left = taken + seconds, left - seconds
    return firsts
