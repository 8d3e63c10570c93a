"""How much memory the workloads of a process take, measured as they are prepared, and whether a further one fits."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress

import psutil

from hwcost.devices import cgroups

SHARE = 0.6
"""Share of the free memory that a group may take where nothing else is said."""


class Memory:
    """The growth of this process's resident memory.

    Args:
        limit_bytes: Bytes that the process may take beyond what it has now; None for a share of what is free.
    """

    def __init__(self, limit_bytes: int | None = None) -> None:
        self._process = psutil.Process()
        self._base_bytes = self._last_bytes = self._resident_bytes()
        self._largest_bytes = 0
        self.limit_bytes = int(SHARE * free_bytes()) if limit_bytes is None else limit_bytes

    def has_room(self) -> bool:
        """Says whether one more workload fits: one that takes as much as the largest so far."""
        return self._last_bytes - self._base_bytes + self._largest_bytes <= self.limit_bytes

    def note(self) -> None:
        """Notes how much the workload took that was prepared last."""
        now_bytes = self._resident_bytes()
        self._largest_bytes = max(self._largest_bytes, now_bytes - self._last_bytes)
        self._last_bytes = now_bytes

    def begin(self) -> None:
        """Begins a further group, once the workloads before it are freed and what they took was given back."""
        give_back()
        self._last_bytes = self._resident_bytes()

    def _resident_bytes(self) -> int:
        return int(self._process.memory_info().rss)


def give_back() -> None:
    """Collects garbage, and lets the C library hand free memory back to the system, where it is one that keeps it."""
    gc.collect()
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def free_bytes() -> int:
    """Returns the bytes that are free to this process: on this machine, and within the limits of its control groups."""
    return min([psutil.virtual_memory().available, *cgroups.memory_left()])
