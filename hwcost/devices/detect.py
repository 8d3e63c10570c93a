"""The devices that are here, and the choice of one of them. Imports no framework and takes a few milliseconds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hwcost.devices.catalog import every, load
from hwcost.devices.detected import DetectedDevice
from hwcost.devices.handle import DeviceHandle
from hwcost.devices.kinds import device_kind, device_kinds, plugin_kinds
from hwcost.devices.profile import DeviceProfile
from hwcost.errors import DeviceError, UsageError

Device = str | DeviceProfile | DeviceHandle
"""A device as users give it: ``NAME``, ``NAME:INDEX``, the path of a profile's file, a profile, or a handle."""

RUN_ELSEWHERE = ("cpu", "cuda")
"""Kinds of device that a job folder can be measured on, by a machine without hwcost."""

ANY = ("*",)
"""Words of a profile that describes any device of its kind."""

_INDEXED = re.compile(r"(?P<name>.+):(?P<index>[0-9]+)")


def present(root: Path = Path("/")) -> list[DetectedDevice]:
    """Returns the devices of this machine: the CPU first, then those of the other kinds by name.

    Args:
        root: Folder in which ``proc``, ``sys`` and ``dev`` lie; tests pass a tree of their own.
    """
    return [device for kind in device_kinds() for device in plugin_kinds.detected(kind, root)]


def matches(profile: DeviceProfile, device: DetectedDevice) -> bool:
    """Says whether a present device is the one that a profile describes."""
    return profile.kind == device.kind and device_kind(profile.kind).matches(profile, device)


def resolve(device: Device, devices: Sequence[DetectedDevice] | None = None) -> DeviceProfile:
    """Returns the profile of a device, which need not be here.

    A profile for any device of a kind, such as ``cpu``, is filled in with the facts found here. See
    :func:`require` for a device that is here.

    Args:
        device: A name, with or without an index, a path, a profile or a handle.
        devices: Devices that are present; None for a look.

    Raises:
        UnknownNameError: When there is no such profile.
    """
    _check(device)
    if isinstance(device, DeviceHandle):
        return device.profile
    profile = load(_split(device)[0]) if isinstance(device, str) else device
    found = find(profile, devices) if profile.match.words == ANY else None
    return profile if found is None else _filled_in(profile, found)


def find(device: DeviceProfile | DeviceHandle, devices: Sequence[DetectedDevice] | None = None) -> DetectedDevice | None:
    """Returns the device that a handle names, or the first one that a profile describes; None where it is not here."""
    here = present() if devices is None else devices
    if isinstance(device, DeviceProfile):
        return next((one for one in here if matches(device, one)), None)
    if device.uuid is not None:
        return next((one for one in here if one.kind == device.kind and one.uuid == device.uuid), None)
    return next((one for one in here if one.index == device.index and matches(device.profile, one)), None)


def profiles_of(device: DetectedDevice) -> list[str]:
    """Returns the names of the profiles that a present device answers to, among those that can be read.

    One for any device of its kind is among them where no other is, and for the machine's own processor.
    """
    found = {name: profile for name, profile in every()[0].items() if matches(profile, device)}
    own = [name for name, profile in found.items() if profile.match.words != ANY]
    return own if own and not device_kind(device.kind).is_host else list(found)


def require(device: Device, devices: Sequence[DetectedDevice] | None = None) -> DeviceHandle:
    """Returns the handle of a device that is here.

    Args:
        device: A name for the first device of that profile, ``NAME:INDEX`` for the one with that index among the devices of
            its kind, a path in place of the name, a profile, or a handle of before.
        devices: Devices that are present; None for a look.

    Raises:
        UnknownNameError: When there is no such profile.
        DeviceError: When the device is not here; says what is, and how to get its data.
    """
    here = present() if devices is None else devices
    _check(device)
    if isinstance(device, DeviceHandle):
        if find(device, here) is None:
            raise DeviceError(f"device {device} is not here any more. Here: {_all_described(here)}.")
        return device
    name, index = _split(device) if isinstance(device, str) else (device.name, None)
    profile = load(name) if isinstance(device, str) else device
    answering = [one for one in here if matches(profile, one)]
    if not answering:
        raise DeviceError(_absence(name, profile, here))
    chosen = next((one for one in answering if index in (None, one.index)), None)
    if chosen is None:
        known = ", ".join(f"--device {name}:{one.index}" for one in answering)
        raise DeviceError(f"no '{profile.name}' with the index {index} is here, of kind {profile.kind}. Known: {known}.")
    profile = _filled_in(profile, chosen) if profile.match.words == ANY else profile
    return DeviceHandle(profile, chosen.index, chosen.uuid)


def elsewhere(device: Device) -> DeviceHandle:
    """Returns the handle of a device that need not be here: of the first one of its profile, unless an index is given.

    Args:
        device: A device as :func:`require` takes it. Nothing that is found here is filled into its profile.

    Raises:
        UnknownNameError: When there is no such profile.
    """
    _check(device)
    if isinstance(device, DeviceHandle):
        return device
    name, index = _split(device) if isinstance(device, str) else (device.name, None)
    return DeviceHandle(load(name) if isinstance(device, str) else device, index or 0)


def _check(device: Any) -> None:
    """Raises UsageError for what is not a device."""
    if not isinstance(device, (str, DeviceProfile, DeviceHandle)):
        raise UsageError(f"a device is a name, the path of a .toml file, a profile or a handle, got {device!r:.60}")


def _split(text: str) -> tuple[str, int | None]:
    """Splits ``NAME:INDEX``; the index is None where there is none."""
    parts = _INDEXED.fullmatch(text)
    return (parts["name"], int(parts["index"])) if parts else (text, None)


def _filled_in(profile: DeviceProfile, device: DetectedDevice) -> DeviceProfile:
    known = device_kind(profile.kind).detected_facts
    facts: dict[str, Any] = {
        name: getattr(device, name)
        for name in known
        if getattr(device, name) is not None and getattr(profile, name) is None
    }
    sources = {**profile.sources, **{name: known[name] for name in facts}}
    return replace(profile, title=device.product, sources=sources, **facts)


def _absence(name: str, profile: DeviceProfile, here: Sequence[DetectedDevice]) -> str:
    return f"device '{name}' ({profile.title}) is not here. Here: {_all_described(here)}. {_remedy(name, profile)}"


def _remedy(name: str, profile: DeviceProfile) -> str:
    """Says how to get latencies of an absent device: over ssh, by a job folder that is carried there, or from a table."""
    framework = f" Its last framework is {profile.last_framework}." if profile.last_framework else ""
    table = "A table of latencies that others measured on it can be fitted as it is: 'hwcost fit FILE.csv --space NAME'."
    if profile.kind not in RUN_ELSEWHERE:
        return (
            "To measure it, run the same command on the machine that has it, then bring the data back: 'hwcost export' "
            f"there, 'hwcost import' here.{framework} {table}"
        )
    return (
        f"To measure it where it is: 'hwcost measure --device {name} --on ssh://HOST', over ssh; or 'hwcost plan --device "
        f"{name} --out plan/' here, 'python plan/run.py' there, and 'hwcost import plan/' here. The machine that has it "
        f"needs Python 3.8 or later, a runtime (torch 1.4 or later, or ONNX Runtime), and no hwcost.{framework} {table}"
    )


def _all_described(here: Sequence[DetectedDevice]) -> str:
    return "; ".join(map(_described, here))


def _described(device: DetectedDevice) -> str:
    index = f":{device.index}" if device.index else ""
    answers = " or ".join(f"--device {name}{index}" for name in profiles_of(device))
    part = f", partition {device.partition}" if device.partition else ""
    return f"{device.product}{part} ({answers or 'no profile; write one as a .toml file'})"
