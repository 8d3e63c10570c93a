"""Empties the caches of this machine's CPU by writing over them."""

from __future__ import annotations

import ctypes
from typing import Any

SWEEP = 2
"""The caches count as emptied once this many times their size has been written."""

_kept: list[Any] = []


def empty_host_caches(cache_bytes: int) -> bool:
    """Writes over the caches of the CPUs that this process runs on; always returns True."""
    size = SWEEP * cache_bytes
    if not _kept:
        _kept.append((ctypes.create_string_buffer(size), [0]))
    buffer, turn = _kept[0]
    turn[0] = (turn[0] + 1) % 256
    ctypes.memset(buffer, turn[0], size)
    return True
