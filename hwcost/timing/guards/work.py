"""Whether a call really does its work before it returns: twice the calls cost twice, and no device beats its own peak.

A missing synchronisation, or a compiler that removes work whose result nobody reads, makes latencies that are too good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwcost.agent.checks import LEAST_RATIO
from hwcost.timing.measurement import Flag
from hwcost.units import format_seconds

if TYPE_CHECKING:
    from hwcost.devices.profile import DeviceProfile
    from hwcost.workloads.base import Workload

LEAST_OF_BOUND = 0.5
"""A latency below this share of the least possible one cannot be; the rest is left to clocks above the one of the peak."""

REDUCED = {"float32": ("float32", "tfloat32")}
"""Formats that a runtime may compute in although another one was asked for."""


def bound_s(workload: Workload, device: DeviceProfile, threads: int) -> float | None:
    """Returns the least seconds in which a device can do a workload's matrix products; None where either is unknown."""
    work = workload.work()
    peaks = [device.peak(dtype, threads) for dtype in REDUCED.get(workload.dtype, (workload.dtype,))]
    known = [peak for peak in peaks if peak is not None]
    return work.flops / max(known) if work is not None and known else None


def check_async(latency_s: float, bound_s: float | None, ratio: float | None) -> Flag | None:
    """Returns E_ASYNC when a workload was not executed in full.

    Args:
        latency_s: Seconds per call.
        bound_s: Least seconds from :func:`bound_s`; None for no such test.
        ratio: Ratio from :func:`hwcost.agent.checks.repeat_ratio`; None for no such test.
    """
    remedy = "Let the runner wait for the device, keep every output, and feed each call what the one before gave."
    if ratio is not None and ratio < LEAST_RATIO:
        return Flag("E_ASYNC", f"twice the calls cost only {ratio:.2f} times as much.", remedy)
    if bound_s is not None and latency_s < LEAST_OF_BOUND * bound_s:
        share = f"{100 * latency_s / bound_s:.0f} %"
        text = f"{format_seconds(latency_s)} per call is {share} of the least time that the device's peak rate allows."
        return Flag("E_ASYNC", text, remedy)
    return None
