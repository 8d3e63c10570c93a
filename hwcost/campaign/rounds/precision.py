"""The half-width that a campaign will reach: by usual noise, by the noise of its own blocks, or by the intervals it has."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from hwcost.agent.contention import BLOCK_WAIT
from hwcost.campaign.estimates.host_level import usual_error
from hwcost.campaign.estimates.lost_time import CLEAR, MOST
from hwcost.timing.guards.guards import MUCH_TAKEN, MUCH_WAIT
from hwcost.units import format_clock

PROCESS_NOISE, BLOCK_NOISE = 0.005, 0.02
"""Usual relative standard deviations: between processes, and between blocks of one."""

USUAL = f"noise of {100 * BLOCK_NOISE:g} % between blocks and {100 * PROCESS_NOISE:g} % between processes, and no neighbours"
"""Assumptions of a half-width before any block is timed, in words."""

MOST_BLOCKS = 30
"""Blocks of a workload from which the noise of a process is estimated."""

CLEARLY = 1.1
"""A half-width this many times as wide as wanted is one that the campaign will miss."""


def half_width(processes: int, passes: int, block_noise: float = BLOCK_NOISE, host_s: float | None = None) -> float:
    """Returns the relative half-width of a 95 % interval that follows from noise, and from the level of a shared host.

    Args:
        processes: Number of processes.
        passes: Passes of each.
        block_noise: Relative standard deviation of the blocks of a process, delays by neighbours included.
        host_s: Seconds of the campaign, where it shares its host with other guests; None where it does not.
    """
    level = PROCESS_NOISE / math.sqrt(processes)
    level = level if host_s is None else max(level, usual_error(host_s))
    return 1.96 * math.hypot(level, block_noise / math.sqrt(passes * processes))


def block_noise(blocks: Mapping[str, Sequence[float]]) -> float | None:
    """Returns the relative standard deviation of blocks about the mean of their workload; None where none has two.

    Args:
        blocks: Seconds per call of the blocks of each workload.
    """
    logs = [[math.log(one) for one in series[:MOST_BLOCKS] if one > 0] for series in blocks.values()]
    known = [series for series in logs if len(series) > 1]
    free = sum(len(series) - 1 for series in known)
    return math.sqrt(sum((len(series) - 1) * statistics.variance(series) for series in known) / free) if free else None


def unseen_loss(taken: float, waited: Sequence[float], blocks: Mapping[str, Sequence[float]]) -> float:
    """Returns the log delay that counters tell and blocks do not show, which no further time makes good; 0 for little.

    What the blocks of a workload take longer than its quickest one may be all of it: then the estimates take it out.

    Args:
        taken: Share of the time that a hypervisor or a CPU quota took away.
        waited: Share of the time of each block in which the process was ready and had no CPU. It counts where most blocks
            lost the processor: then estimates cannot leave these out.
        blocks: Seconds per call of the blocks of each workload.
    """
    wait = statistics.mean(waited) if waited and statistics.median(waited) > BLOCK_WAIT else 0.0
    if taken <= MUCH_TAKEN and wait < MUCH_WAIT:
        return 0.0
    logs = [[math.log(one) for one in series if one > 0] for series in blocks.values()]
    seen = [statistics.mean(series) - min(series) for series in logs if series]
    rest = -math.log1p(-min(1.0 - (1.0 - taken) * (1.0 - wait), MOST)) - (statistics.mean(seen) if seen else 0.0)
    return rest if rest > CLEAR else 0.0


def choice(expected: float, wanted: float, workloads: int, seconds: float) -> str:
    """Says what a campaign that will miss its wish has to choose between; empty where it will not.

    A half-width falls with the square root of the time that a workload gets.

    Args:
        expected: Relative half-width that is expected.
        wanted: Relative half-width that is wanted.
        workloads: Number of workloads.
        seconds: Seconds of the campaign.
    """
    if expected <= CLEARLY * wanted:
        return ""
    share = (wanted / expected) ** 2
    text = f"{100 * wanted:g} % takes about {format_clock(seconds / share)}"
    fewer = int(workloads * share)
    return f"{text}, or about {fewer} of {workloads} workloads" if fewer else text
