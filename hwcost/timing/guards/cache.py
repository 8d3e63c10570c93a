"""Whether a component was timed from the cache alone, as it never runs inside a model, and how much that flatters it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hwcost.timing.measurement import Flag
from hwcost.units import format_bytes
from hwcost.workloads.base import ITEMSIZES
from hwcost.workloads.component import ComponentWorkload

if TYPE_CHECKING:
    from hwcost.devices.profile import DeviceProfile
    from hwcost.workloads.base import Workload

UNKNOWN_CACHE_BYTES = 64 * 1024**2
"""Bytes that a device's last cache is taken for where its size is unknown."""


def last_cache_bytes(profile: DeviceProfile) -> int:
    """Returns the size of a device's last cache."""
    return profile.l3_bytes or profile.l2_bytes or UNKNOWN_CACHE_BYTES


def fits_cache(workload: Workload, device: DeviceProfile) -> dict[str, Any]:
    """Returns ``working_set_bytes`` and ``cache_bytes`` of a single component that fits into the last cache, else nothing.

    A stack of copies with weights of their own does not count as one component, and neither does a whole model.
    """
    cache = device.l3_bytes or device.l2_bytes
    work = workload.work()
    if cache is None or work is None or not isinstance(workload, ComponentWorkload) or workload.depth > 1:
        return {}
    size = work.bytes(ITEMSIZES[workload.dtype])
    return {"working_set_bytes": size, "cache_bytes": cache} if size < cache else {}


def hot_cache(name: str, working_set_bytes: int, cache_bytes: int, hot_s: float, cold_s: float | None) -> Flag | None:
    """Returns W_HOT_CACHE for a component that was timed from the cache alone.

    Args:
        name: Name of the component.
        working_set_bytes: Bytes that one call touches.
        cache_bytes: Size of the last cache.
        hot_s: Seconds of a call, as measured.
        cold_s: Seconds of a call with swept caches; None where that was not measured.
    """
    if working_set_bytes >= cache_bytes:
        return None
    ratio = "the cold one was not measured" if cold_s is None else f"hot/cold ratio {hot_s / cold_s:.2f}"
    size, cache = format_bytes(working_set_bytes), format_bytes(cache_bytes)
    text = f"{name} touches {size}, which stay in the cache of {cache}; {ratio}."
    return Flag("W_HOT_CACHE", text, "Price it by depth slope, or measure whole models.")
