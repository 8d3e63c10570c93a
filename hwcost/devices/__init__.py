"""Device profiles: facts with sources, and what is present on this machine."""

from __future__ import annotations

from hwcost.devices.catalog import load, names
from hwcost.devices.detect import find, present, profiles_of, require, resolve
from hwcost.devices.detected import DetectedDevice, device_key, matches
from hwcost.devices.profile import DeviceProfile, Match, ProtocolDefaults

__all__ = [
    "DetectedDevice",
    "DeviceProfile",
    "Match",
    "ProtocolDefaults",
    "device_key",
    "find",
    "load",
    "matches",
    "names",
    "present",
    "profiles_of",
    "require",
    "resolve",
]
