"""What is here, and which profile it answers to. Imports no framework and takes a few milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hwcost.devices.catalog import load, names
from hwcost.devices.cuda import detect_cuda
from hwcost.devices.detected import DetectedDevice, matches
from hwcost.devices.host_cpu import detect_cpu
from hwcost.devices.profile import DeviceProfile
from hwcost.devices.tpu import detect_tpu
from hwcost.errors import DeviceError

_CPU_FACTS = {
    "memory_bytes": "Detected: MemTotal of /proc/meminfo",
    "cores": "Detected: physical cores in /proc/cpuinfo",
    "l1d_bytes": "Detected: cache directories of sysfs",
    "l2_bytes": "Detected: cache directories of sysfs",
    "l3_bytes": "Detected: cache directories of sysfs",
    "clock_hz": "Detected: base clock of sysfs or of the brand",
}


def present(root: Path = Path("/")) -> list[DetectedDevice]:
    """Returns the devices of this machine: the CPU first, then GPUs, then TPUs.

    Args:
        root: Where ``proc``, ``sys`` and ``dev`` lie; tests pass a tree of their own.
    """
    return [detect_cpu(root), *detect_cuda(root), *detect_tpu(root)]


def resolve(name: str, devices: Sequence[DetectedDevice] | None = None) -> DeviceProfile:
    """Returns the profile of a name; ``cpu`` is filled in with what is known of this machine's CPU.

    The profile need not be of a device that is here; see :func:`require`.

    Args:
        name: Name or path of a profile.
        devices: What is present; None looks.

    Raises:
        UnknownNameError: When there is no such profile.
    """
    profile = load(name)
    if profile.match.cpu != ("*",):
        return profile
    here = present() if devices is None else devices
    cpu = next((device for device in here if device.kind == "cpu"), None)
    return profile if cpu is None else _filled_in(profile, cpu)


def find(profile: DeviceProfile, devices: Sequence[DetectedDevice] | None = None) -> DetectedDevice | None:
    """Returns the first present device that a profile describes, or None."""
    here = present() if devices is None else devices
    return next((device for device in here if matches(profile, device)), None)


def profiles_of(device: DetectedDevice) -> list[str]:
    """Returns the names of the profiles that a present device answers to."""
    return [name for name in names() if matches(load(name), device)]


def require(name: str, devices: Sequence[DetectedDevice] | None = None) -> DeviceProfile:
    """Returns the profile of a device that is here.

    Raises:
        UnknownNameError: When there is no such profile.
        DeviceError: When the device is not here; says what is, and how to get its data.
    """
    here = present() if devices is None else devices
    profile = resolve(name, here)
    if find(profile, here) is None:
        raise DeviceError(_absence(name, profile, here))
    return profile


def _filled_in(profile: DeviceProfile, cpu: DetectedDevice) -> DeviceProfile:
    facts: dict[str, Any] = {
        name: getattr(cpu, name)
        for name in _CPU_FACTS
        if getattr(cpu, name) is not None and getattr(profile, name) is None
    }
    sources = {**profile.sources, **{name: _CPU_FACTS[name] for name in facts}}
    return replace(profile, title=cpu.product, sources=sources, **facts)


def _absence(name: str, profile: DeviceProfile, here: Sequence[DetectedDevice]) -> str:
    known = "; ".join(_described(device) for device in here)
    framework = f" Its last framework is {profile.last_framework}." if profile.last_framework else ""
    return (
        f"device '{name}' ({profile.title}) is not here. Here: {known}. "
        "To measure it, run the same command on the machine that has it, then bring the data back: 'hwcost export' "
        f"there, 'hwcost import' here.{framework} A table of latencies that others measured on it "
        "can be fitted as it is: 'hwcost fit FILE.csv'."
    )


def _described(device: DetectedDevice) -> str:
    answers = " or ".join(f"--device {name}" for name in profiles_of(device))
    part = f", partition {device.partition}" if device.partition else ""
    return f"{device.product}{part} ({answers or 'no profile; write one as a .toml file'})"
