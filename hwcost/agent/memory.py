"""How much memory workloads of a process take, and whether a further one fits; see ``hwcost.timing.execution.memory``."""

from __future__ import annotations

import ctypes
import gc
import os
import re
from typing import Callable

from . import cgroups
from .files import text, text_or_empty

SHARE = 0.6
UNKNOWN_BYTES = 1 << 32


class Memory:
    """The growth of this process's resident memory.

    Args:
        limit_bytes: Bytes that the process may take beyond what it has now; None for a share of what is free.
    """

    def __init__(self, limit_bytes: int | None = None) -> None:
        self._base = self._last = _resident_bytes()
        self._largest = 0
        self._limit = int(SHARE * free_bytes()) if limit_bytes is None else limit_bytes

    def has_room(self) -> bool:
        """Says whether one more workload fits: one that takes as much as the largest so far."""
        return self._last - self._base + self._largest <= self._limit

    def note(self) -> None:
        """Notes how much the workload took that was prepared last."""
        now = _resident_bytes()
        self._largest = max(self._largest, now - self._last)
        self._last = now

    def begin(self) -> None:
        """Begins a further group, once the workloads before it are freed."""
        gc.collect()
        try:
            ctypes.CDLL(None).malloc_trim(0)
        except (AttributeError, OSError, TypeError):
            pass  # a C library that gives memory back by itself
        self._last = _resident_bytes()


class DeviceMemory:
    """How much of a card's own memory workloads take; where nothing is known of it, all fits.

    Args:
        free_bytes: Function that returns the free bytes of the card; None where they are unknown.
    """

    def __init__(self, free_bytes: Callable[[], int | None]) -> None:
        self._free_bytes = free_bytes
        self._first: int | None = None
        self._last: int | None = None
        self._largest = 0

    def has_room(self) -> bool:
        """Says whether one more workload fits into the share of it: one that takes as much as the largest so far."""
        if self._first is None or self._last is None:
            return True
        return self._first - self._last + self._largest <= SHARE * self._first

    def note(self) -> None:
        """Notes how much the workload took that was prepared last; the first one's share includes the runtime's own."""
        now = self._free_bytes()
        if now is None:
            return
        if self._first is None:
            self._first = now
        else:
            self._largest = max(self._largest, (self._last or now) - now)
        self._last = now

    def begin(self) -> None:
        """Begins a further group, once the workloads before it are freed."""
        self._last = self._free_bytes()


def free_bytes() -> int:
    """Returns the bytes that are free to this process."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB", text_or_empty("/proc/meminfo"), re.MULTILINE)
    return min([int(found.group(1)) * 1024 if found else UNKNOWN_BYTES, *cgroups.memory_left()])


def _resident_bytes() -> int:
    try:
        return int(text("/proc/self/statm").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
