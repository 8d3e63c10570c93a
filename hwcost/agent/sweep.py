"""Empties the caches of this machine's CPU by reading other memory; see ``hwcost.backends.sweep``.

Writing alone need not do it: C libraries fill large areas past the caches.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

SWEEP = 2
"""The caches count as emptied once this many times their size has been read."""
OWN_BYTES = 8 * 1024**2
"""Bytes that are read on every CPU of several, for the caches that a core has for itself."""

_kept: dict[int, ctypes.Array[ctypes.c_char]] = {}


def empty_host_caches(cache_bytes: int) -> bool:
    """Reads so much other memory on the CPUs that this process runs on that their caches hold nothing else; returns True."""
    size = SWEEP * cache_bytes
    if size not in _kept:
        _kept.clear()
        _kept[size] = ctypes.create_string_buffer(size)
        ctypes.memset(_kept[size], 1, size)  # pages that nobody wrote to are all the same one
    cpus = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if len(cpus) > 1:
        try:
            for cpu in sorted(cpus):
                with suppress(OSError):  # it was turned off
                    os.sched_setaffinity(0, {cpu})
                _read(size, min(size, OWN_BYTES))
        finally:
            os.sched_setaffinity(0, cpus)
    _read(size, size)
    return True


def _read(size: int, count: int) -> None:
    """Reads the first bytes of the memory that is kept: compares their halves, which are equal."""
    start = ctypes.addressof(_kept[size])
    half = ctypes.c_size_t(count // 2)
    ctypes.CDLL(None).memcmp(ctypes.c_void_p(start), ctypes.c_void_p(start + count // 2), half)
