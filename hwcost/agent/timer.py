"""The only place of the runner that reads a clock; blocks and their lengths are those of hwcost's own protocol."""

from __future__ import annotations

import math
import time
from time import sleep
from typing import Any, Callable, Dict, List, Optional

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

UNCONTENDED = 1.2
"""Time of a slice over that of the quickest one of its block up to which its calls count as uncontended."""

Timing = Callable[[int], Dict[str, float]]
"""A function that executes a number of calls, and returns the host's ``seconds``; where the device has a clock of its own,
also its ``device_s`` and the ``enqueue_s`` until the first call returned to the host; on a CPU also the ``quick_s`` of a
call."""


class Clock:
    """Real time, or the virtual time of a backend.

    Args:
        read_ns: Function that returns nanoseconds; None for the machine's monotonic clock.
        step_s: Seconds by which a virtual clock moves on at the least, a nanosecond if nothing is said; the step of the
            machine's clock is measured.
    """

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


def host_timing(run: Callable[[int], None], calls: int) -> float:
    """Runs a number of calls and returns the host's seconds."""
    start = time.perf_counter_ns()
    run(calls)
    return (time.perf_counter_ns() - start) * 1e-9


def sliced_timing(
    run: Callable[[int], None], calls: int, read_ns: Callable[[], int] = time.perf_counter_ns
) -> Dict[str, float]:
    """Runs a number of calls slice by slice, and returns all ``seconds`` and the ``quick_s`` of a call.

    Another load of the machine comes and goes within blocks. The slices whose calls took at most ``UNCONTENDED`` times as
    long as those of the quickest one tell what a call takes between; the mean of the block holds that load too.

    Args:
        run: Function that executes a number of calls.
        calls: Number of calls; a single one has no slices, and no ``quick_s``.
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
        return {"seconds": seconds}
    took_ns = [after - before for before, after in zip(marks, marks[1:])]
    most_ns = UNCONTENDED * min(ns / size for ns, size in zip(took_ns, sizes))
    quick = [(ns, size) for ns, size in zip(took_ns, sizes) if ns <= most_ns * size]
    return {"seconds": seconds, "quick_s": sum(ns for ns, _ in quick) * 1e-9 / sum(size for _, size in quick)}


def device_timing(issue: Callable[[int], None], calls: int, first: Any, last: Any) -> Dict[str, float]:
    """Issues a number of calls between two events of a device, waits for the second, and returns all three times."""
    start = time.perf_counter_ns()
    first.record()
    issue(1)
    returned = time.perf_counter_ns()
    issue(calls - 1)
    last.record()
    last.synchronize()
    ended = time.perf_counter_ns()
    device_s = first.elapsed_time(last) * 1e-3
    return {"seconds": (ended - start) * 1e-9, "device_s": device_s, "enqueue_s": (returned - start) * 1e-9}


def time_block(timing: Timing, calls: int) -> Dict[str, Any]:
    """Times one block of calls: its times and its calls."""
    return {**timing(calls), "calls": calls}


def per_call_s(block: Dict[str, Any]) -> float:
    """Returns the seconds per call of a block."""
    return float(block["seconds"]) / int(block["calls"])


def first_block(timing: Timing, min_block_s: float, clock: Clock) -> Dict[str, Any]:
    """Finds how many calls make a block long enough, and returns the first block of so many; one alone is timed twice.

    Raises:
        MeasurementError: When even ``MAX_CALLS`` calls take no measurable time (code E_RESOLUTION).
    """
    wanted = max(min_block_s, MIN_TICKS * clock.resolution_s())
    calls = 1
    while True:
        block = time_block(timing, calls)
        if calls == 1 and wanted <= block["seconds"] < CERTAIN_S:
            block = min(block, time_block(timing, 1), key=lambda one: one["seconds"])
        seconds = block["seconds"]
        if seconds >= wanted:
            return block
        if calls >= MAX_CALLS:
            raise MeasurementError("E_RESOLUTION: %d calls took %.3g s; it needs %.3g s." % (calls, seconds, wanted))
        growth = 10.0 if seconds <= wanted / 10 else 1.2 * wanted / seconds
        calls = min(MAX_CALLS, max(calls + 1, math.ceil(calls * growth)))


def single_block(timing: Timing, clock: Clock) -> Dict[str, Any]:
    """Times one call by itself.

    Raises:
        MeasurementError: When it takes less than ``SINGLE_TICKS`` steps of the clock (code E_RESOLUTION).
    """
    block, least_s = time_block(timing, 1), SINGLE_TICKS * clock.resolution_s()
    if block["seconds"] < least_s:
        text = "E_RESOLUTION: a single call took %.3g s; timed by itself it needs %.3g s on this clock."
        raise MeasurementError(text % (block["seconds"], least_s))
    return block


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
    "first_block", "host_timing", "per_call_s", "process_cpu_s", "renew_epoch", "share_epoch", "single_block", "sleep",
    "sliced_timing", "stopwatch", "time_block", "utc", "utc_now",
]  # fmt: skip
