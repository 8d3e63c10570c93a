"""The only place that reads a clock.

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

from hwcost.backends.base import BlockTiming
from hwcost.errors import MeasurementError

if TYPE_CHECKING:
    from hwcost.backends.base import Runner

__all__ = ["stopwatch", "utc", "utc_now"]

MIN_TICKS = 1000
"""A block lasts at least this many steps of the clock."""

SINGLE_TICKS = 200
"""A call that is timed by itself lasts at least this many steps of the clock."""

CERTAIN_S = 0.1
"""Seconds from which one call makes a block without being timed again."""

MAX_CALLS = 1 << 24
"""Calls in a block at which a workload counts as too quick to be timed."""


class Clock:
    """Real time, or the virtual time of a backend.

    Args:
        read_ns: Function that returns nanoseconds; None for the machine's monotonic clock.
        step_s: Seconds by which a virtual clock moves on at the least, a nanosecond if nothing is said; the step of the
            machine's clock is measured.
    """

    def __init__(self, read_ns: Callable[[], int] | None = None, step_s: float | None = None) -> None:
        self._read_ns = read_ns or time.perf_counter_ns
        is_real = self._read_ns is time.perf_counter_ns
        self._step_s = None if is_real else step_s or 1e-9
        self._epoch_s = epoch_s() if is_real else 0.0

    def now_s(self) -> float:
        """Returns seconds on a time line common to all processes of a campaign (Unix time; virtual time as it is)."""
        return self._epoch_s + self._read_ns() * 1e-9

    def resolution_s(self) -> float:
        """Returns the smallest step seen between readings; for virtual time the one that was stated."""
        if self._step_s is not None:
            return self._step_s
        steps = []
        for _ in range(50):
            first = self._read_ns()
            second = self._read_ns()
            while second == first:
                second = self._read_ns()
            steps.append(second - first)
        return min(steps) * 1e-9

    def timing(self, run: Callable[[int], None]) -> Callable[[int], BlockTiming]:
        """Returns a function that runs a number of calls and returns their time on this clock."""

        def timed(n: int) -> BlockTiming:
            start = self._read_ns()
            run(n)
            return BlockTiming((self._read_ns() - start) * 1e-9)

        return timed


_epoch_s: list[float] = []


def epoch_s() -> float:
    """Returns the Unix time at which the monotonic clock was zero, as it was when this campaign asked first.

    All processes of a machine share that clock, and the campaign hands the number to its workers: where the system's time is
    set meanwhile, as after a machine was suspended, the blocks of all runners and processes keep their order.
    """
    if not _epoch_s:
        _epoch_s.append(time.time() - time.perf_counter_ns() * 1e-9)
    return _epoch_s[0]


def renew_epoch() -> None:
    """Reads the system's time anew, since a process may have slept with its machine since it asked first."""
    _epoch_s.clear()


def share_epoch(seconds: float) -> None:
    """Takes over what :func:`epoch_s` returned in the process of the campaign."""
    _epoch_s[:] = [seconds]


def campaign_s() -> float:
    """Returns the seconds since the epoch of Unix, as if the system's time was never set while the campaign runs."""
    return epoch_s() + time.perf_counter_ns() * 1e-9


def clock_of(runner: Runner) -> Clock:
    """Returns a runner's clock; one that has none is handed the machine's monotonic clock first."""
    if runner.clock is None:
        runner.clock = time.perf_counter_ns
    return Clock(runner.clock, runner.clock_step_s)


def process_cpu_s() -> float:
    """Returns CPU seconds of this process and its threads."""
    return time.process_time()


def unix_s() -> float:
    """Returns the seconds since the epoch of Unix."""
    return time.time()


def utc_now() -> str:
    """Returns the time in UTC as ISO 8601 with microseconds."""
    return utc(unix_s())


def utc(seconds: float) -> str:
    """Returns Unix time, in seconds, as UTC in ISO 8601 with microseconds."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1e6):06d}Z"


@cache
def _began_s(pid: int) -> float:
    """Returns the reading of the monotonic clock at which a process, which is this one, was started."""
    import psutil  # takes as long as a hundred fits of a line, and commands on rows have a clock without it

    return time.monotonic() - (time.time() - psutil.Process(pid).create_time())


def process_age_s() -> float:
    """Returns the seconds since this process was started, its imports included; setting the time changes nothing."""
    return time.monotonic() - _began_s(os.getpid())


def stopwatch() -> Callable[[], float]:
    """Starts a stopwatch; calling what it returns gives the seconds since."""
    start = time.monotonic()
    return lambda: time.monotonic() - start


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

    @property
    def per_call_s(self) -> float:
        """Seconds per call."""
        return self.seconds / self.calls


Timing = Callable[[int], BlockTiming]
"""A function that executes a number of calls and returns how long that took, such as ``runner.time_block``."""


def time_block(timing: Timing, calls: int) -> Block:
    """Times one block of calls."""
    found = timing(calls)
    return Block(found.host_s, calls, device_s=found.device_s, enqueue_s=found.enqueue_s, layers_s=found.layers_s)


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
