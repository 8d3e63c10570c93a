"""Whether a component was timed from the cache alone, as it never runs inside a model, and how much that flatters it."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from hwcost.timing.measurement import Flag
from hwcost.timing.timer import Clock, time_block
from hwcost.units import format_bytes
from hwcost.workloads.base import ITEMSIZES
from hwcost.workloads.component import ComponentWorkload

if TYPE_CHECKING:
    from hwcost.backends.base import Runner
    from hwcost.devices.profile import DeviceProfile
    from hwcost.workloads.base import Workload

SWEEP = 2
"""The caches count as emptied once this many times their size has been written."""

COLD_CALLS = 3


def fits_cache(workload: Workload, device: DeviceProfile) -> dict[str, Any]:
    """Returns ``working_set_bytes`` and ``cache_bytes`` of a single component that fits into the last cache, else nothing.

    A stack of copies with weights of their own is no single component, and neither is a whole model.
    """
    cache = device.l3_bytes or device.l2_bytes
    work = workload.work()
    if cache is None or work is None or not isinstance(workload, ComponentWorkload) or workload.depth > 1:
        return {}
    size = work.bytes(ITEMSIZES[workload.dtype])
    return {"working_set_bytes": size, "cache_bytes": cache} if size < cache else {}


def cold_call_s(runner: Runner, clock: Clock, cache_bytes: int) -> float | None:
    """Times single calls right after the caches of a CPU were swept; None on a virtual clock, which has no caches."""
    if clock.is_virtual:
        return None
    import numpy as np

    sweep = np.zeros(SWEEP * cache_bytes, dtype=np.uint8)
    found = []
    for _ in range(COLD_CALLS):
        sweep += 1
        found.append(time_block(runner.run, 1, clock).seconds)
    return statistics.median(found)


def hot_cache(name: str, working_set_bytes: int, cache_bytes: int, hot_s: float, cold_s: float | None) -> Flag | None:
    """Returns W_HOT_CACHE for a component that was timed from the cache alone.

    Args:
        name: The component.
        working_set_bytes: What one call touches.
        cache_bytes: The last cache.
        hot_s: Seconds of a call, as measured.
        cold_s: Seconds of a call with swept caches; None where that was not measured.
    """
    if working_set_bytes >= cache_bytes:
        return None
    ratio = "the cold one was not measured" if cold_s is None else f"hot/cold ratio {hot_s / cold_s:.2f}"
    size, cache = format_bytes(working_set_bytes), format_bytes(cache_bytes)
    text = f"{name} touches {size}, which stay in the cache of {cache}; {ratio}."
    return Flag("W_HOT_CACHE", text, "Price it by depth slope, or measure whole models.")
