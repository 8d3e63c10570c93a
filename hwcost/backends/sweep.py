"""Empties the caches of this machine's CPU by writing over them."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import lru_cache
from typing import Any

SWEEP = 2
"""The caches count as emptied once this many times their size has been written."""

OWN_BYTES = 8 * 1024**2
"""Bytes that are written on every CPU of several: twice the largest cache that a core has for itself, whose lines stay when
the shared one is emptied."""


def empty_host_caches(cache_bytes: int) -> bool:
    """Writes over the caches of the CPUs that this process runs on; always returns True.

    Args:
        cache_bytes: Size of the last cache.
    """
    sweep = _buffer(SWEEP * cache_bytes)
    cpus = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if len(cpus) > 1:
        own = sweep[:OWN_BYTES]
        try:
            for cpu in sorted(cpus):
                with suppress(OSError):  # it was turned off
                    os.sched_setaffinity(0, {cpu})
                own += 1
        finally:
            os.sched_setaffinity(0, cpus)
    sweep += 1
    return True


@lru_cache(maxsize=1)
def _buffer(size: int) -> Any:
    import numpy as np

    return np.zeros(size, dtype=np.uint8)
