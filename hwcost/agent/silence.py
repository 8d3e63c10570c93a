"""Whether a process that says nothing is still at work: it is looked at now and then, and only while it is silent.

Silence is counted in looks and not by a clock. While the whole machine is suspended, or the campaign is stopped together
with its processes, nobody looks, so that at most one look is counted. A look does not count at all where the process is
stopped by a signal or a debugger. On the host, a look at a process that computes or waits for a disk counts as a tenth of
one: a build or a call takes long on a slow or crowded machine, and a process that waits for a lock does nothing at all.
Beside a device that is so while a workload is prepared, which compilers on the host do, some of them for half an hour; later
a process that computes may do nothing but ask over and over whether the device is done.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from .files import text_or_empty

LOOKS = 20
"""Looks at a silent process that does nothing, after which it counts as wedged."""

WORKING = 10
"""Looks at a process that computes, or waits for a disk, which count as one; so do looks that see nothing."""

LEAST_SHARE = 0.01
"""Share of one CPU from which a process computes."""


class Look(NamedTuple):
    """What is seen of a process.

    Attributes:
        is_stopped: Whether a signal or a debugger stopped it.
        is_running: Whether its first thread runs, waits for a CPU, or waits for a disk.
        cpu_s: Seconds of CPU time that it and its children, once they ended, have used.
    """

    is_stopped: bool
    is_running: bool
    cpu_s: float


class Silence:
    """How long a process has said nothing and made no progress.

    Args:
        pid: Number of the process.
        stall_s: Seconds of silence after which a process that does nothing counts as wedged.
        is_host: Whether it computes on the processor; beside a device, its CPU time tells of progress only while a workload
            is prepared.

    Attributes:
        look_s: Seconds of silence after which it is looked at, and again.
        is_at_work: Whether it computed at the latest look; None where that cannot be seen.
    """

    def __init__(self, pid: int, stall_s: float, *, is_host: bool = True) -> None:
        self.look_s = stall_s / LOOKS
        self.is_at_work: bool | None = None
        self._pid, self._is_host = pid, is_host
        self._cpu_s, self._looks, self._counted = 0.0, 0, 0
        self._mark: int | None = None

    @property
    def seconds(self) -> float:
        """Seconds of silence, as far as they were looked at."""
        return self._looks * self.look_s

    def look(self) -> Look | None:
        """Looks at the process; None where nothing can be seen of it."""
        return seen(self._pid)

    def heard(self) -> None:
        """Takes in that the process said something."""
        self._looks = self._counted = 0

    def is_too_long(self, mark: int | None = None, *, is_preparing: bool = False) -> bool:
        """Takes in a further ``look_s`` without a word, and says whether the process counts as wedged.

        Args:
            mark: Place that it has reached in its work; another one than at the look before is progress.
            is_preparing: Whether it builds or compiles there, and times nothing yet.
        """
        look = self.look()
        if look is not None:
            self.is_at_work = look.is_running or look.cpu_s - self._cpu_s >= LEAST_SHARE * self.look_s
            self._cpu_s = look.cpu_s
        if mark != self._mark:
            self._mark = mark
            self.heard()
        elif look is None or not look.is_stopped:
            is_slow = look is None or ((self._is_host or is_preparing) and self.is_at_work)
            self._looks += 1
            self._counted += 1 if is_slow else WORKING
        return self._counted >= LOOKS * WORKING


def seen(pid: int, root: str = "/") -> Look | None:
    """Looks at a process; None on a system without ``proc``, where nothing is seen of it."""
    fields = text_or_empty(root, "proc", str(pid), "stat").rpartition(")")[2].split()
    if len(fields) < 15:
        return None
    ticks = sum(int(one) for one in fields[11:15])
    return Look(fields[0] in ("T", "t"), fields[0] in ("R", "D"), ticks / os.sysconf("SC_CLK_TCK"))
