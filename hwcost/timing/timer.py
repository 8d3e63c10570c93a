"""The only place that reads a clock, but for what the runner of a job folder reads as well (:mod:`hwcost.agent.timer`).

A block is a run of calls timed as one. Blocks are long against the clock's resolution, and between blocks there is time to
look at the machine without being timed.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from hwcost.agent import timer as shared
from hwcost.agent.timer import (
    CERTAIN_S,
    MAX_CALLS,
    MIN_TICKS,
    SINGLE_TICKS,
    campaign_s,
    epoch_s,
    process_cpu_s,
    renew_epoch,
    share_epoch,
    stopwatch,
    utc,
    utc_now,
)  # fmt: skip
from hwcost.backends.base import BlockTiming
from hwcost.errors import MeasurementError

if TYPE_CHECKING:
    from hwcost.backends.base import Runner

__all__ = [
    "MAX_CALLS", "MIN_TICKS", "SINGLE_TICKS", "Block", "BlockTimes", "Clock", "Timing", "campaign_s", "clock_of", "epoch_s",
    "first_block", "process_age_s", "process_cpu_s", "renew_epoch", "share_epoch", "single_block", "stopwatch", "time_block",
    "time_blocks", "unix_s", "utc", "utc_now",
]  # fmt: skip


class Clock(shared.Clock):
    """Real time, or the virtual time of a backend; see the base class."""

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
class Block:
    """One timed block.

    Attributes:
        seconds: Wall seconds of the whole block.
        calls: Calls in it.
        cpu_s: CPU seconds of this process meanwhile; None where they are not read.
        clock_hz: Mean of the processor's clock before and after; None where it is unknown.
        idle_s: Seconds of the pause before it; None where calls are back to back.
        wait_s: Seconds that this process was ready to run and had no CPU; None where they are unknown.
        device_s: Seconds of the block on the device's own clock; None where it has none.
        enqueue_s: Seconds until the block's first call returned to the host; None where calls return when they are done.
        layers_s: Seconds of the layers of the block's only call; None where they are not timed.
        quick_s: Seconds per call of the slices that nothing slowed; None where the block was not timed slice by slice.
    """

    seconds: float
    calls: int
    cpu_s: float | None = None
    clock_hz: float | None = None
    idle_s: float | None = None
    wait_s: float | None = None
    device_s: float | None = None
    enqueue_s: float | None = None
    layers_s: tuple[float, ...] | None = None
    quick_s: float | None = None

    @property
    def per_call_s(self) -> float:
        """Seconds per call."""
        return self.seconds / self.calls


Timing = Callable[[int], BlockTiming]
"""A function that executes a number of calls and returns how long that took, such as ``runner.time_block``."""


def time_block(timing: Timing, calls: int) -> Block:
    """Times one block of calls."""
    found = timing(calls)
    return Block(
        found.host_s, calls, device_s=found.device_s, enqueue_s=found.enqueue_s, layers_s=found.layers_s,
        quick_s=found.quick_s,
    )  # fmt: skip


def first_block(timing: Timing, min_block_s: float, clock: Clock) -> Block:
    """Finds how many calls make a block long enough: ``min_block_s`` and ``MIN_TICKS`` steps of the clock.

    A single call that seems long enough is timed once more: the second call of some modules compiles, as of TorchScript.

    Returns:
        The first block that was; later ones take as many calls.

    Raises:
        MeasurementError: When even ``MAX_CALLS`` calls take no measurable time (code E_RESOLUTION).
    """
    resolution_s = clock.resolution_s()
    wanted = max(min_block_s, MIN_TICKS * resolution_s)
    calls = 1
    while True:
        block = time_block(timing, calls)
        if calls == 1 and wanted <= block.seconds < CERTAIN_S:
            block = min(block, time_block(timing, 1), key=lambda one: one.seconds)
        seconds = block.seconds
        if seconds >= wanted:
            return block
        if calls >= MAX_CALLS:
            raise MeasurementError(_too_quick(calls, seconds, wanted, resolution_s))
        growth = 10.0 if seconds <= wanted / 10 else 1.2 * wanted / seconds
        calls = min(MAX_CALLS, max(calls + 1, math.ceil(calls * growth)))


def single_block(timing: Timing, clock: Clock) -> Block:
    """Times one call by itself.

    Raises:
        MeasurementError: When it takes less than ``SINGLE_TICKS`` steps of the clock (code E_RESOLUTION).
    """
    block, least_s = time_block(timing, 1), SINGLE_TICKS * clock.resolution_s()
    if block.seconds < least_s:
        raise MeasurementError(
            f"E_RESOLUTION: a single call took {block.seconds:.3g} s; timed by itself it needs {least_s:.3g} s on this "
            "clock. Measure a larger batch, or the calls back to back."
        )
    return block


def _too_quick(calls: int, seconds: float, wanted: float, resolution_s: float) -> str:
    text = f"E_RESOLUTION: {calls} calls took {seconds:.3g} s; a clock of {resolution_s:.2g} s steps needs {wanted:.3g} s. "
    if seconds <= 0:
        return text + "Nothing seems to be executed; look at the runner."
    return text + f"Measure a stack of at least {math.ceil(wanted / seconds)} copies, or as many times the batch."


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
