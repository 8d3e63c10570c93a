"""The kind of device ``npu``: units whose driver keeps a folder of small files for each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from hwcost.devices import DetectedDevice, DeviceHandle, DeviceKind
from hwcost.devices.telemetry import BlockReading, Telemetry
from hwcost.errors import DeviceError

FOLDER = "sys/class/example_npu"
"""Folder of the driver, which holds ``npu0``, ``npu1`` and so on."""

ROOT = "EXAMPLE_NPU_ROOT"
"""Environment variable with the folder in which ``sys`` lies, for tests."""

VISIBLE = "EXAMPLE_NPU_VISIBLE"
"""Environment variable with the UUID of the only unit that a process sees."""

REASONS = {"hot": "hw_thermal_slowdown", "power": "hw_power_brake_slowdown"}
"""The driver's reasons for a lower clock, and those of hwcost's guards."""


class Npu(DeviceKind):
    """A unit of the example's vendor."""

    name = "npu"
    min_block_s = 0.005
    detected_facts: ClassVar[Mapping[str, str]] = {"memory_bytes": "Detected: memory_bytes of the driver's folder"}
    telemetry = "hwcost_example_more.npu:NpuTelemetry"

    def detect(self, root: Path = Path("/")) -> list[DetectedDevice]:
        """Returns the units that this process sees, in the order of their numbers."""
        only = os.environ.get(VISIBLE)
        found = [_unit(folder) for folder in sorted((_root(root) / FOLDER).glob("npu[0-9]*"))]
        return [one for one in found if only in (None, one.uuid)]

    def environment(self, handle: DeviceHandle) -> dict[str, str]:
        """Shows a process this unit alone."""
        return {VISIBLE: str(handle.uuid)}


class NpuTelemetry(Telemetry):
    """The clock after every block; over a visit energy, reasons for a lower clock, and other processes."""

    def __init__(self, handle: DeviceHandle, root: Path = Path("/")) -> None:
        super().__init__(handle)
        self.folder = _root(root) / FOLDER / f"npu{handle.index}"

    def begin(self) -> None:
        """Takes the first reading of the energy."""
        self.reasons: set[str] = set()
        self.begun_j = self.energy_j()

    def after_block(self) -> BlockReading:
        """Collects reasons for a lower clock while the unit is still warm from the block."""
        self.reasons |= {REASONS[word] for word in _text(self.folder / "slowed_by").split() if word in REASONS}
        return BlockReading(clock_hz=_number(self.folder / "clock_hz"))

    def end(self) -> dict[str, Any]:
        """Returns the conditions of the visit; what cannot be read is left out."""
        energy_j = self.energy_j()
        pids = [int(word) for word in _text(self.folder / "pids").split()]
        found = {"throttle_reasons": tuple(sorted(self.reasons)), "foreign_pids": sorted({*pids} - {os.getpid()})}
        return found if None in (energy_j, self.begun_j) else {**found, "visit_energy_j": energy_j - self.begun_j}

    def energy_j(self) -> float | None:
        """Returns the energy by the unit's own counter."""
        return _number(self.folder / "energy_j")

    def check(self) -> None:
        """Raises DeviceError when the driver does not list the unit any more."""
        if not self.folder.is_dir():
            raise DeviceError(f"E_DEVICE_LOST: device {self.handle} is gone. Restart its driver.")


def _root(root: Path) -> Path:
    return Path(os.environ.get(ROOT, "/")) if root == Path("/") else root


def _unit(folder: Path) -> DetectedDevice:
    memory = _number(folder / "memory_bytes")
    return DetectedDevice(
        kind="npu",
        vendor="example",
        product=_text(folder / "product") or "NPU",
        index=int(folder.name.removeprefix("npu")),
        uuid=_text(folder / "uuid") or None,
        memory_bytes=None if memory is None else int(memory),
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _number(path: Path) -> float | None:
    try:
        return float(_text(path))
    except ValueError:
        return None
