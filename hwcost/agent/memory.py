"""How much memory the workloads of a process take, measured as they are prepared, and whether a further one fits."""

from __future__ import annotations

import ctypes
import gc
import os
import re
from contextlib import suppress
from typing import Callable

from . import cgroups
from .files import text, text_or_empty

SHARE = 0.6
"""Share of the free memory that a group may take where nothing else is said."""

UNKNOWN_BYTES = 1 << 32


class Memory:
    """The growth of this process's resident memory.

    Args:
        limit_bytes: Bytes that the process may take beyond what it has now; None for a share of what is free.
    """

    def __init__(self, limit_bytes: int | None = None) -> None:
        self._base_bytes = self._last_bytes = self.resident_bytes()
        self._largest_bytes = 0
        self._limit_bytes = int(SHARE * self.free_bytes()) if limit_bytes is None else limit_bytes

    def has_room(self) -> bool:
        """Says whether one more workload fits: one that takes as much as the largest so far."""
        return self._last_bytes - self._base_bytes + self._largest_bytes <= self._limit_bytes

    def note(self) -> None:
        """Notes how much the workload took that was prepared last."""
        now_bytes = self.resident_bytes()
        self._largest_bytes = max(self._largest_bytes, now_bytes - self._last_bytes)
        self._last_bytes = now_bytes

    def begin(self) -> None:
        """Begins a further group, once the workloads before it are freed and what they took was given back."""
        give_back()
        self._last_bytes = self.resident_bytes()

    def resident_bytes(self) -> int:
        """Returns the bytes of this process that are in memory; 0 where they are unknown."""
        try:
            return int(text("/proc/self/statm").split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, ValueError, IndexError):
            return 0

    def free_bytes(self) -> int:
        """See :func:`free_bytes`."""
        return free_bytes()


class DeviceMemory:
    """How much of a device's own memory workloads take; of a device without any, nothing is known, and all fits.

    Args:
        free_bytes: Function that returns the free bytes of the device; None where it has no memory of its own.
    """

    def __init__(self, free_bytes: Callable[[], int | None] = lambda: None) -> None:
        self._free_bytes = free_bytes
        self._first_bytes: int | None = None
        self._last_bytes: int | None = None
        self._largest_bytes = 0

    def has_room(self) -> bool:
        """Says whether one more workload fits into the share of it: one that takes as much as the largest so far."""
        if self._first_bytes is None or self._last_bytes is None:
            return True
        return self._first_bytes - self._last_bytes + self._largest_bytes <= SHARE * self._first_bytes

    def note(self) -> None:
        """Notes how much the workload took that was prepared last; the first one's share includes the runtime's own."""
        now_bytes = self._free_bytes()
        if now_bytes is None:
            return
        if self._first_bytes is None:
            self._first_bytes = now_bytes
        else:
            self._largest_bytes = max(self._largest_bytes, (self._last_bytes or now_bytes) - now_bytes)
        self._last_bytes = now_bytes

    def begin(self) -> None:
        """Begins a further group, once the workloads before it are freed."""
        self._last_bytes = self._free_bytes()


def give_back() -> None:
    """Collects garbage, and lets the C library hand free memory back to the system, where it is one that keeps it."""
    gc.collect()
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def free_bytes() -> int:
    """Returns the bytes that are free to this process: on this machine, and within the limits of its control groups."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB", text_or_empty("/proc/meminfo"), re.MULTILINE)
    return min([int(found.group(1)) * 1024 if found else UNKNOWN_BYTES, *cgroups.memory_left()])
