"""What slowed all workloads that ran at about the same time, so that none of them is blamed for it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from hwcost.agent.blocks import PassBlock
from hwcost.agent.rules import LEAST_GROUP

REACH = 3
"""Blocks of other workloads on either side that say how slow the machine was at a block."""


def surroundings(blocks: Mapping[str, Sequence[PassBlock]]) -> dict[str, list[float]]:
    """Returns how slow the machine was at each timed block: log slowing, relative to each workload's median.

    It is the median, over the nearest blocks of other workloads on either side, of log block minus their workload's median.
    Where fewer than three others are near, since they were finished, nothing is known, and it is 0.

    Args:
        blocks: Blocks of every workload of a group by key, in the order they ran.

    Returns:
        A number for every timed block of every workload, in its order.
    """
    order: list[tuple[float, str, float]] = []
    for key, series in blocks.items():
        timed = [one for one in series if one.role == "timed" and one.block.seconds > 0]
        logs = [math.log(one.block.per_call_s) for one in timed]
        middle = statistics.median(logs) if logs else 0.0
        order += [(one.started_s, key, log - middle) for one, log in zip(timed, logs, strict=True)]
    order.sort()
    found: dict[str, list[float]] = {key: [] for key in blocks}
    for index, (_, key, _) in enumerate(order):
        near = [*order[max(0, index - REACH) : index], *order[index + 1 : index + 1 + REACH]]
        others = {other: apart for _, other, apart in near if other != key}
        found[key].append(statistics.median(others.values()) if len(others) >= LEAST_GROUP - 1 else 0.0)
    return found
