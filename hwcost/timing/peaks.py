"""What a device can do at the most, for the roofline beside a measurement: by its probes, or else by data sheets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hwcost.devices import find
from hwcost.errors import DataError
from hwcost.timing.probe import ProbeResult, load_probe

if TYPE_CHECKING:
    from hwcost.devices import DeviceHandle
    from hwcost.timing.setting import Setting

RATE, BANDWIDTH = "matmul", "copy"
"""Names of the probes of both peaks."""


@dataclass(frozen=True, slots=True)
class Peak:
    """A peak rate.

    Attributes:
        value: Operations or bytes per second; None where unknown.
        source: Origin of the value.
    """

    value: float | None
    source: str


def peaks(setting: Setting, dtype: str) -> dict[str, Any]:
    """Returns the peaks of a device for a number format as facts of a visit, with the reason for each that is unknown.

    Args:
        setting: Device and runtime of the process.
        dtype: Number format of the workload.
    """
    handle, threads = setting.handle, setting.backend.threads
    is_virtual = setting.backend.is_virtual(setting.backend.options)
    probed = () if is_virtual else _probed(handle)
    sheet = "the data sheet"
    rate = _best(probed, RATE, dtype, threads) or Peak(handle.profile.peak(dtype, threads), sheet)
    bandwidth = _best(probed, BANDWIDTH, None, threads) or Peak(handle.profile.memory_bytes_per_s, sheet)
    how = f"hwcost devices probe --device {handle.name} --dtype {dtype} --threads {threads}"
    found = dict(_facts("flops", rate)) | dict(_facts("bytes", bandwidth))
    lacking = {"peak_flops_per_s": f"peak rate for {dtype}", "peak_bytes_per_s": "memory bandwidth"}
    reasons = {
        name: f"neither a probe nor a data sheet gives the {what} of device '{handle.name}'. Run: {how}"
        for name, what in lacking.items()
        if name not in found
    }
    return found | {"unavailable": reasons}


def _facts(what: str, peak: Peak) -> Iterator[tuple[str, Any]]:
    if peak.value is not None:
        yield f"peak_{what}_per_s", peak.value
        yield f"peak_{what}_source", peak.source


def _best(probed: tuple[ProbeResult, ...], name: str, dtype: str | None, threads: int) -> Peak | None:
    """Returns the highest figure of a probe for that format and so many threads; None where none was measured."""
    fit = [one for one in probed if one.name == name and one.dtype in (dtype or one.dtype,)]
    fit = [one for one in fit if one.threads in (None, threads)]
    if not fit:
        return None
    best = max(fit, key=lambda one: one.value)
    return Peak(best.value, f"the probe of {best.measured_at[:10]} ({best.engine})")


@lru_cache(maxsize=1)
def _probed(handle: DeviceHandle) -> tuple[ProbeResult, ...]:
    """Returns what was probed of a device that is here; nothing where the file of its probes is damaged."""
    device = find(handle)
    try:
        report = None if device is None else load_probe(device.key)
    except DataError:
        return ()
    return () if report is None else report.results
