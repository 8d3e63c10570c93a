"""The CPU of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from hwcost.devices.detected import DetectedDevice
from hwcost.devices.host_cpu import detect_cpu
from hwcost.devices.kinds.base import DeviceKind


class Cpu(DeviceKind):
    """The processor that runs this process.

    Campaigns hold its cores and bind their processes to them (:mod:`hwcost.campaign.processes.cpus`). Most of its counters
    are those of the host, which are read for every kind of device; its own provider reads energy.
    """

    name = "cpu"
    is_host = True
    stall_s = 600.0
    telemetry = "hwcost.timing.telemetry.powercap:PowercapTelemetry"
    detected_facts: ClassVar[Mapping[str, str]] = {
        "memory_bytes": "Detected: MemTotal of /proc/meminfo",
        "cores": "Detected: physical cores in /proc/cpuinfo",
        "l1d_bytes": "Detected: cache directories of sysfs",
        "l2_bytes": "Detected: cache directories of sysfs",
        "l3_bytes": "Detected: cache directories of sysfs",
        "clock_hz": "Detected: base clock of sysfs or of the brand",
    }

    def detect(self, root: Path = Path("/")) -> list[DetectedDevice]:
        """Returns the one CPU; several sockets are one device."""
        return [detect_cpu(root)]
