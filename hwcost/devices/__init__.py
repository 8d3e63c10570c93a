"""Devices: profiles of facts with sources, kinds, and handles of the devices that are here."""

from __future__ import annotations

from hwcost.devices.catalog import PACKAGES, every, load, names
from hwcost.devices.detect import Device, elsewhere, find, matches, present, profiles_of, require, resolve
from hwcost.devices.detected import DetectedDevice, device_key
from hwcost.devices.handle import DeviceHandle
from hwcost.devices.kinds import DEVICE_KINDS, DeviceKind, device_kind
from hwcost.devices.profile import DeviceProfile, Match, ProtocolDefaults

__all__ = [
    "DEVICE_KINDS",
    "PACKAGES",
    "DetectedDevice",
    "Device",
    "DeviceHandle",
    "DeviceKind",
    "DeviceProfile",
    "Match",
    "ProtocolDefaults",
    "device_key",
    "device_kind",
    "elsewhere",
    "every",
    "find",
    "load",
    "matches",
    "names",
    "present",
    "profiles_of",
    "require",
    "resolve",
]
