"""Empties the caches of this machine's CPU by writing over them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

SWEEP = 2
"""The caches count as emptied once this many times their size has been written."""


def empty_host_caches(cache_bytes: int) -> bool:
    """Writes over the caches of the CPUs that this process runs on; always returns True.

    Args:
        cache_bytes: Size of the last cache.
    """
    sweep = _buffer(SWEEP * cache_bytes)
    sweep += 1
    return True


@lru_cache(maxsize=1)
def _buffer(size: int) -> Any:
    import numpy as np

    return np.zeros(size, dtype=np.uint8)
