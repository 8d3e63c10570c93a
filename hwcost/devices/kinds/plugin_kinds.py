"""Kinds of device of other distributions, checked where they are used: one that fails is left out."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from hwcost._left_out import left_out as warn
from hwcost.devices.detected import DetectedDevice
from hwcost.devices.kinds.base import DeviceKind
from hwcost.errors import ContractError
from hwcost.registry import is_own, made


def created(found: Any, name: str) -> DeviceKind:
    """Makes a kind of device.

    Args:
        found: Object that is registered as the kind.
        name: Name under which it is registered.

    Raises:
        ContractError: When it is not a class of kinds, lacks methods, or calls itself by another name.
    """
    if not isinstance(found, type) or not issubclass(found, DeviceKind):
        raise ContractError(f"what is registered as kind of device '{name}' is not a subclass of DeviceKind: {found!r:.60}")
    kind: DeviceKind = made(f"kind of device '{name}'", found)
    own = getattr(kind, "name", None)
    if own != name:
        raise ContractError(f"the class {found.__name__} is kind of device '{name}', and its attribute name is {own!r}")
    return kind


def detected(kind: DeviceKind, root: Path) -> list[DetectedDevice]:
    """Returns the devices of a kind that are here; of one that fails to tell none, with a warning.

    Args:
        kind: Kind of device.
        root: Folder in which ``proc``, ``sys`` and ``dev`` lie.
    """
    try:
        return checked(kind, root)
    except ContractError as error:
        return left_out(str(error))


def checked(kind: DeviceKind, root: Path = Path("/")) -> list[DetectedDevice]:
    """Returns the devices of a kind that are here.

    Args:
        kind: Kind of device.
        root: Folder in which ``proc``, ``sys`` and ``dev`` lie.

    Raises:
        ContractError: When a kind of another distribution fails, or gives anything else.
    """
    if is_own(type(kind)):
        return kind.detect(root)
    try:
        found: Any = list(kind.detect(root))
    except Exception as error:  # whatever a plug-in does
        text = f"the kind of device '{kind.name}' failed in detect: {type(error).__name__}: {error}"
        raise ContractError(text) from error
    wrong = [one for one in found if not isinstance(one, DetectedDevice) or one.kind != kind.name]
    if wrong:
        raise ContractError(
            f"the kind of device '{kind.name}' gave {wrong[0]!r:.80} from detect; expected "
            f"hwcost.devices.DetectedDevice('{kind.name}', ...)"
        )
    return list(found)


@cache
def left_out(text: str) -> list[DetectedDevice]:
    """Warns once a process that something is left out, and returns no devices."""
    warn(__name__, text)
    return []
