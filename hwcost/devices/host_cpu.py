"""The CPU of this machine: by :mod:`hwcost.agent.machine` where there is ``/proc/cpuinfo``, else by psutil."""

from __future__ import annotations

from pathlib import Path

from hwcost.agent import machine
from hwcost.devices.detected import DetectedDevice


def detect_cpu(root: Path = Path("/")) -> DetectedDevice:
    """Returns the CPU that this process runs on.

    Args:
        root: Folder in which ``proc`` and ``sys`` lie; tests pass a tree of their own.
    """
    found = machine.cpu(root)
    return DetectedDevice(**found) if "threads" in found else _from_psutil()


def _from_psutil() -> DetectedDevice:
    import platform

    import psutil

    return DetectedDevice(
        kind="cpu",
        vendor="unknown",
        product=platform.processor() or platform.machine() or "unknown CPU",
        memory_bytes=psutil.virtual_memory().total,
        cores=psutil.cpu_count(logical=False),
        threads=psutil.cpu_count(),
    )
