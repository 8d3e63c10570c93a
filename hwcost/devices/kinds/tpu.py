"""TPU chips of this machine: their device files, and the type that a TPU VM puts into the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from hwcost.devices.detected import DetectedDevice
from hwcost.devices.kinds.base import DeviceKind
from hwcost.devices.system_files import text_or_empty

if TYPE_CHECKING:
    from hwcost.devices.handle import DeviceHandle

_TYPE_VARIABLE = "TPU_ACCELERATOR_TYPE"
_GOOGLE = "0x1ae0"  # PCI vendor


class Tpu(DeviceKind):
    """A TPU chip; its runtime reports no clock and no throttling, so there is no provider of counters."""

    name = "tpu"

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
    chips = [path for path in sorted((root / "dev").glob("accel[0-9]*")) if _is_google(path.name, root)]
    type_name = os.environ.get(_TYPE_VARIABLE)
    product = f"TPU {type_name}" if type_name else "TPU of unknown type"
    count = len(chips) or (1 if type_name else 0)  # newer chips have no such file, but the type is set
    return [DetectedDevice(kind="tpu", vendor="google", product=product, index=index) for index in range(count)]


def _is_google(name: str, root: Path) -> bool:
    vendor = text_or_empty(root / "sys/class/accel" / name / "device/vendor")
    return vendor in ("", _GOOGLE)
