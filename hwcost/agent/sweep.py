"""Empties the caches of this machine's CPU by reading other memory; see ``hwcost.backends.sweep``.

Writing alone need not do it: C libraries fill large areas past the caches.
"""

from __future__ import annotations

import ctypes

from . import processors

SWEEP = 2
"""The caches count as emptied once this many times their size has been read."""
OWN_BYTES = 8 * 1024**2
"""Bytes that are read on every CPU of several, for the caches that a core has for itself."""

_kept: dict[int, ctypes.Array[ctypes.c_char]] = {}


def empty_host_caches(cache_bytes: int) -> bool:
    """Reads so much other memory on the CPUs that this process runs on that their caches hold nothing else.

    Returns whether all of them were reached; of several CPUs only one is where the system binds no process to them.
    """
    size = SWEEP * cache_bytes
    if size not in _kept:
        _kept.clear()
        _kept[size] = ctypes.create_string_buffer(size)
        ctypes.memset(_kept[size], 1, size)  # pages that nobody wrote to are all the same one
    cpus = processors.allowed()
    reached = [True]
    if len(cpus) > 1:
        reached = [_reached(cpu, size) for cpu in cpus]
        processors.bind(cpus)
    _read(size, size)
    return any(reached)


def _reached(cpu: int, size: int) -> bool:
    """Reads memory on a CPU; False where it is turned off, or processes cannot be bound."""
    is_there = not processors.bind({cpu})
    _read(size, min(size, OWN_BYTES))
    return is_there


def _read(size: int, count: int) -> None:
    """Reads the first bytes of the memory that is kept: compares their halves, which are equal."""
    start = ctypes.addressof(_kept[size])
    half = ctypes.c_size_t(count // 2)
    ctypes.CDLL(None).memcmp(ctypes.c_void_p(start), ctypes.c_void_p(start + count // 2), half)
