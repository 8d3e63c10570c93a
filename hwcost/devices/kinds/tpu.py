"""TPU chips of this machine: those on its PCI bus, and the type that a TPU VM puts into the environment.

Nothing here starts libtpu, which waits for minutes where there is no TPU: the backend that is to run on a chip asks
whether it answers.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from hwcost.agent.files import text_or_empty
from hwcost.devices.detected import DetectedDevice
from hwcost.devices.kinds.base import DeviceKind

if TYPE_CHECKING:
    from hwcost.devices.handle import DeviceHandle

_TYPE_VARIABLE = "TPU_ACCELERATOR_TYPE"
_GOOGLE = "0x1ae0"
_PCI_TYPES = {"0x005e": "v4", "0x0062": "v5p", "0x0063": "v5e", "0x006f": "v6e", "0x0076": "7x"}
"""Types of TPU by their number on the PCI bus.

Source: ``tpu_info/device.py`` of AI-Hypercomputer/cloud-accelerator-diagnostics.
"""
_PCI_SEVERAL = {"0x0027": {"0x004e": "v2", "0x004f": "v3"}}
"""Types that have a number in common, by the number of the board. Same source."""


class Tpu(DeviceKind):
    """A TPU chip; its runtime reports no clock and no throttling, so there is no provider of counters."""

    name = "tpu"
    stall_s = 600.0

    def detect(self, root: Path = Path("/")) -> list[DetectedDevice]:
        """Returns one entry per TPU chip."""
        return detect_tpu(root)

    def environment(self, handle: DeviceHandle) -> dict[str, str]:
        """Shows libtpu one chip of the host, as a slice of one process."""
        one = "1,1,1"
        return {
            "TPU_VISIBLE_CHIPS": str(handle.index), "TPU_CHIPS_PER_PROCESS_BOUNDS": one, "TPU_PROCESS_BOUNDS": one,
        }  # fmt: skip


def detect_tpu(root: Path = Path("/")) -> list[DetectedDevice]:
    """Returns one entry per TPU chip.

    Args:
        root: Folder in which ``dev`` and ``sys`` lie; tests pass a tree of their own.
    """
    on_bus = _pci_chips(root)
    files = [path for path in sorted((root / "dev").glob("accel[0-9]*")) if _is_google(path.name, root)]
    said = os.environ.get(_TYPE_VARIABLE)
    count = len(on_bus) or len(files) or (1 if said else 0)  # in a container neither may be seen, but the type is set
    types = [said or (on_bus[index] if on_bus else None) for index in range(count)]
    return [
        DetectedDevice(kind="tpu", vendor="google", product=f"TPU {name or 'of unknown type'}", index=index)
        for index, name in enumerate(types)
    ]


def _pci_chips(root: Path) -> list[str | None]:
    """Returns the type of every TPU chip on the bus, None where the bus does not tell it."""
    found: list[str | None] = []
    for place in sorted((root / "sys/bus/pci/devices").glob("*")):
        number = text_or_empty(place / "device")
        if text_or_empty(place / "vendor") == _GOOGLE and (number in _PCI_TYPES or number in _PCI_SEVERAL):
            boards = _PCI_SEVERAL.get(number, {})
            found.append(_PCI_TYPES.get(number) or boards.get(text_or_empty(place / "subsystem_device")))
    return found


def _is_google(name: str, root: Path) -> bool:
    vendor = text_or_empty(root / "sys/class/accel" / name / "device/vendor")
    return vendor in ("", _GOOGLE)
