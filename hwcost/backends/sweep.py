"""Empties the caches of this machine's CPU by writing over them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from hwcost.agent import processors

SWEEP = 2
"""The caches count as emptied once this many times their size has been written."""

OWN_BYTES = 8 * 1024**2
"""Bytes that are written on every CPU of several: twice the largest cache that a core has for itself, whose lines stay when
the shared one is emptied."""


def empty_host_caches(cache_bytes: int) -> bool:
    """Writes over the caches of the CPUs that this process runs on.

    Args:
        cache_bytes: Size of the last cache.

    Returns:
        Whether all of them were reached; of several CPUs only one is where the system binds no process to them.
    """
    sweep = _buffer(SWEEP * cache_bytes)
    cpus = processors.allowed()
    reached = [True]
    if len(cpus) > 1:
        reached = [_reached(cpu, sweep[:OWN_BYTES]) for cpu in cpus]
        processors.bind(cpus)
    sweep += 1
    return any(reached)


def _reached(cpu: int, own: Any) -> bool:
    """Writes over the caches that a CPU has for itself; False where it is turned off, or processes cannot be bound."""
    is_there = not processors.bind({cpu})
    own += 1
    return is_there


@lru_cache(maxsize=1)
def _buffer(size: int) -> Any:
    import numpy as np

    return np.zeros(size, dtype=np.uint8)
