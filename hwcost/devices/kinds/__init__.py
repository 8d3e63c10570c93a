"""Kinds of device, one per file: how each is detected, pinned to a process, and measured.

A further kind is one file with a subclass of :class:`DeviceKind` and one line: in ``DEVICE_KINDS`` here, or in the
entry-point group ``hwcost.device_kinds`` of another distribution.
"""

from __future__ import annotations

from functools import cache

from hwcost.devices.kinds import plugin_kinds
from hwcost.devices.kinds.base import DeviceKind
from hwcost.errors import HwcostError
from hwcost.registry import Registry

__all__ = ["DEVICE_KINDS", "DeviceKind", "device_kind", "device_kinds", "unusable_kinds"]

DEVICE_KINDS = Registry(
    "hwcost.device_kinds",
    "kind of device",
    {
        "cpu": "hwcost.devices.kinds.cpu:Cpu",
        "cuda": "hwcost.devices.kinds.cuda:Cuda",
        "tpu": "hwcost.devices.kinds.tpu:Tpu",
    },
)


@cache
def device_kind(name: str) -> DeviceKind:
    """Returns a kind of device by name; there is one object of each in a process.

    Raises:
        UnknownNameError: When there is no such kind; lists the known ones.
        UsageError: When a kind of another distribution cannot be made.
    """
    return plugin_kinds.created(DEVICE_KINDS.load(name), name)


def device_kinds() -> list[DeviceKind]:
    """Returns all kinds that can be made: the machine's own processor first, then the others by name."""
    return list(_usable(tuple(DEVICE_KINDS.names())))


def unusable_kinds() -> dict[str, str]:
    """Returns, by name, why kinds of other distributions cannot be used, or cannot tell which of their devices are here."""
    found = {}
    for name in DEVICE_KINDS.names():
        try:
            plugin_kinds.checked(device_kind(name))
        except HwcostError as error:
            found[name] = str(error)
    return found


@cache
def _usable(names: tuple[str, ...]) -> tuple[DeviceKind, ...]:
    """Returns kinds by their names; one of another distribution that cannot be made is left out, with a warning once."""
    found = []
    for name in names:
        try:
            found.append(device_kind(name))
        except HwcostError as error:
            plugin_kinds.left_out(str(error))
    return tuple(sorted(found, key=lambda kind: (not kind.is_host, kind.name)))
