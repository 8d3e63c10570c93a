"""The only place that reads a clock, but for what the runner of a job folder reads as well (:mod:`hwcost.agent.timer`).

A block is a run of calls timed as one. Blocks are long against the clock's resolution, and between blocks there is time to
look at the machine without being timed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from hwcost.agent import timer as shared
from hwcost.agent.blocks import Block, BlockTiming
from hwcost.agent.timer import (
    campaign_s,
    epoch_s,
    first_block,
    renew_epoch,
    share_epoch,
    stopwatch,
    time_block,
    utc,
    utc_now,
)  # fmt: skip
from hwcost.errors import MeasurementError

if TYPE_CHECKING:
    from hwcost.backends.base import Runner

__all__ = [
    "Block", "BlockTimes", "Clock", "campaign_s", "clock_of", "epoch_s", "first_block", "process_age_s", "renew_epoch",
    "share_epoch", "stopwatch", "time_block", "time_blocks", "unix_s", "utc", "utc_now",
]  # fmt: skip


class Clock(shared.Clock):
    """Real time, or the virtual time of a backend; see the base class."""

    error = MeasurementError

    def timing(self, run: Callable[[int], None]) -> Callable[[int], BlockTiming]:
        """Returns a function that runs a number of calls and returns their time on this clock."""

        def timed(n: int) -> BlockTiming:
            start = self.read_ns()
            run(n)
            return BlockTiming((self.read_ns() - start) * 1e-9)

        return timed


def clock_of(runner: Runner) -> Clock:
    """Returns a runner's clock; one that has none is handed the machine's monotonic clock first."""
    if runner.clock is None:
        runner.clock = time.perf_counter_ns
    return Clock(runner.clock, runner.clock_step_s)


def unix_s() -> float:
    """Returns the seconds since the epoch of Unix."""
    return time.time()


@cache
def _began_s(pid: int) -> float:
    """Returns the reading of the monotonic clock at which a process, which is this one, was started."""
    import psutil  # takes as long as a hundred fits of a line, and commands on rows have a clock without it

    return time.monotonic() - (time.time() - psutil.Process(pid).create_time())


def process_age_s() -> float:
    """Returns the seconds since this process was started, its imports included; setting the time changes nothing."""
    return time.monotonic() - _began_s(os.getpid())


@dataclass(frozen=True, slots=True)
class BlockTimes:
    """Plain timings of a few blocks.

    Attributes:
        seconds_per_call: Seconds per call, one number for every block.
        calls: Calls in each block.
    """

    seconds_per_call: tuple[float, ...]
    calls: int


def time_blocks(
    run: Callable[[int], None],
    *,
    min_block_s: float = 0.02,
    min_total_s: float = 0.25,
    min_blocks: int = 10,
    clock: Callable[[], int] | None = None,
) -> BlockTimes:
    """Times blocks until there are enough and they last long enough in total; no steady-state test, no statistics."""
    timer = Clock(clock)
    timing = timer.timing(run)
    blocks = [first_block(timing, min_block_s, timer)]
    calls = blocks[0].calls
    while len(blocks) < min_blocks or sum(block.seconds for block in blocks) < min_total_s:
        blocks.append(time_block(timing, calls))
    return BlockTimes(tuple(block.per_call_s for block in blocks), calls)
