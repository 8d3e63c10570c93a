"""The only place of the runner that reads a clock; blocks and their lengths are those of hwcost's own protocol."""

from __future__ import annotations

import math
import time
from time import sleep
from typing import Any, Callable, List, Optional, Type

from .blocks import Block, BlockTiming
from .errors import MeasurementError

MIN_TICKS = 1000
"""A block lasts at least this many steps of the clock."""

SINGLE_TICKS = 200
"""A call that is timed by itself lasts at least this many steps of the clock."""

CERTAIN_S = 0.1
"""Seconds from which one call makes a block without being timed again."""

MAX_CALLS = 1 << 24
"""Calls in a block at which a workload counts as too quick to be timed."""

SLICES = 16
"""Slices of a block of calls on a CPU at most; a slice has one call at least."""

QUICK, QUICKEST = 1.2, 1.1
"""Time of a slice over that of the quickest one of its block up to which its calls count as quick, and as the quickest."""

Timing = Callable[[int], BlockTiming]
"""A function that executes a number of calls and returns how long that took, such as ``runner.time_block``."""


class Clock:
    """Real time, or the virtual time of a backend.

    Args:
        read_ns: Function that returns nanoseconds; None for the machine's monotonic clock.
        step_s: Seconds by which a virtual clock moves on at the least, a nanosecond if nothing is said; the step of the
            machine's clock is measured.

    Attributes:
        error: Class of the error that says that calls are too quick for this clock.
    """

    error: Type[Exception] = MeasurementError

    def __init__(self, read_ns: Optional[Callable[[], int]] = None, step_s: Optional[float] = None) -> None:
        self.read_ns = read_ns or time.perf_counter_ns
        is_real = self.read_ns is time.perf_counter_ns
        self._step_s = None if is_real else step_s or 1e-9
        self._epoch_s = epoch_s() if is_real else 0.0

    def now_s(self) -> float:
        """Returns seconds on a time line common to all processes of a campaign (Unix time; virtual time as it is)."""
        return self._epoch_s + self.read_ns() * 1e-9

    def resolution_s(self) -> float:
        """Returns the smallest step seen between readings; for virtual time the one that was stated."""
        if self._step_s is not None:
            return self._step_s
        steps = []
        for _ in range(50):
            first = second = self.read_ns()
            while second == first:
                second = self.read_ns()
            steps.append(second - first)
        return min(steps) * 1e-9


_epoch_s: List[float] = []


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


def host_timing(run: Callable[[int], None], calls: int) -> BlockTiming:
    """Runs a number of calls and returns the host's seconds."""
    start = time.perf_counter_ns()
    run(calls)
    return BlockTiming((time.perf_counter_ns() - start) * 1e-9)


def sliced_timing(
    run: Callable[[int], None], calls: int, read_ns: Callable[[], int] = time.perf_counter_ns
) -> BlockTiming:
    """Runs a number of calls slice by slice, and returns their time with the ``quick_s`` and ``quickest_s`` of a call.

    Another load of the machine comes and goes within blocks. The slices whose calls took at most ``QUICK`` times as long as
    those of the quickest one tell what a call takes between; the mean of the block holds that load too. Those up to
    ``QUICKEST`` tell it where loads come and go within slices too, less a part of the noise of slices that are noisy.

    Args:
        run: Function that executes a number of calls.
        calls: Number of calls; a single one has no slices, and neither time.
        read_ns: Function that returns nanoseconds.
    """
    slices = min(SLICES, calls)
    sizes = [calls * (k + 1) // slices - calls * k // slices for k in range(slices)]
    marks = [read_ns()]
    for size in sizes:
        run(size)
        marks.append(read_ns())
    seconds = (marks[-1] - marks[0]) * 1e-9
    if calls == 1:
        return BlockTiming(seconds)
    took_ns = [after - before for before, after in zip(marks, marks[1:])]
    least_ns = min(ns / size for ns, size in zip(took_ns, sizes))

    def up_to(ratio: float) -> float:
        within = [(ns, size) for ns, size in zip(took_ns, sizes) if ns <= ratio * least_ns * size]
        return sum(ns for ns, _ in within) * 1e-9 / sum(size for _, size in within)

    return BlockTiming(seconds, quick_s=up_to(QUICK), quickest_s=up_to(QUICKEST))


def device_timing(issue: Callable[[int], None], calls: int, first: Any, last: Any) -> BlockTiming:
    """Issues a number of calls between two events of a device, waits for the second, and returns all three times."""
    start = time.perf_counter_ns()
    first.record()
    issue(1)
    returned = time.perf_counter_ns()
    issue(calls - 1)
    last.record()
    last.synchronize()
    ended = time.perf_counter_ns()
    return BlockTiming((ended - start) * 1e-9, first.elapsed_time(last) * 1e-3, (returned - start) * 1e-9)


def time_block(timing: Timing, calls: int) -> Block:
    """Times one block of calls."""
    found = timing(calls)
    return Block(
        found.host_s, calls, device_s=found.device_s, enqueue_s=found.enqueue_s, layers_s=found.layers_s,
        quick_s=found.quick_s, quickest_s=found.quickest_s,
    )  # fmt: skip


def first_block(timing: Timing, min_block_s: float, clock: Clock) -> Block:
    """Finds how many calls make a block long enough: ``min_block_s`` and ``MIN_TICKS`` steps of the clock.

    A single call that seems long enough is timed once more: the second call of some modules compiles, as of TorchScript.

    Returns:
        The first block that was; later ones take as many calls.

    Raises:
        Exception: The clock's error, when even ``MAX_CALLS`` calls take no measurable time (code E_RESOLUTION).
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
            raise clock.error(_too_quick(calls, seconds, wanted, resolution_s))
        growth = 10.0 if seconds <= wanted / 10 else 1.2 * wanted / seconds
        calls = min(MAX_CALLS, max(calls + 1, math.ceil(calls * growth)))


def single_block(timing: Timing, clock: Clock) -> Block:
    """Times one call by itself.

    Raises:
        Exception: The clock's error, when it takes less than ``SINGLE_TICKS`` steps of the clock (code E_RESOLUTION).
    """
    block, least_s = time_block(timing, 1), SINGLE_TICKS * clock.resolution_s()
    if block.seconds < least_s:
        raise clock.error(
            "E_RESOLUTION: a single call took %.3g s; timed by itself it needs %.3g s on this clock. Measure a larger "
            "batch, or the calls back to back." % (block.seconds, least_s)
        )
    return block


def _too_quick(calls: int, seconds: float, wanted: float, resolution_s: float) -> str:
    text = "E_RESOLUTION: %d calls took %.3g s; a clock of %.2g s steps needs %.3g s. "
    text = text % (calls, seconds, resolution_s, wanted)
    if seconds <= 0:
        return text + "Nothing seems to be executed; look at the runner."
    return text + "Measure a stack of at least %d copies, or as many times the batch." % math.ceil(wanted / seconds)


def process_cpu_s() -> float:
    """Returns CPU seconds of this process and its threads."""
    return time.process_time()


def utc_now() -> str:
    """Returns the time in UTC as ISO 8601 with microseconds."""
    return utc(time.time())


def utc(seconds: float) -> str:
    """Returns Unix time, in seconds, as UTC in ISO 8601 with microseconds."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return "%s.%06dZ" % (whole, int(seconds % 1 * 1e6))


def stopwatch() -> Callable[[], float]:
    """Starts a stopwatch; calling what it returns gives the seconds since."""
    start = time.monotonic()
    return lambda: time.monotonic() - start


__all__ = [
    "CERTAIN_S", "MAX_CALLS", "MIN_TICKS", "SINGLE_TICKS", "Clock", "Timing", "campaign_s", "device_timing", "epoch_s",
    "first_block", "host_timing", "process_cpu_s", "renew_epoch", "share_epoch", "single_block", "sleep", "sliced_timing",
    "stopwatch", "time_block", "utc", "utc_now",
]  # fmt: skip
