"""Neural processing units that show themselves as ``dev/npu0``, ``dev/npu1`` and so on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost.devices.detected import DetectedDevice
from hwcost.devices.kinds.base import DeviceKind
from hwcost.devices.telemetry import BlockReading, Telemetry

if TYPE_CHECKING:
    from hwcost.devices.handle import DeviceHandle


class Npu(DeviceKind):
    """A neural processing unit."""

    name = "npu"
    min_block_s = 0.005
    telemetry = "hwcost.devices.kinds.npu:NpuTelemetry"

    def detect(self, root: Path = Path("/")) -> list[DetectedDevice]:
        """Returns one entry per unit."""
        root = Path(os.environ.get("NPU_ROOT", root))
        found = sorted((root / "dev").glob("npu[0-9]*"))
        return [DetectedDevice("npu", "vendor", "Model 5", i, uuid=path.name) for i, path in enumerate(found)]

    def environment(self, handle: DeviceHandle) -> dict[str, str]:
        """Shows a process one unit alone."""
        return {"NPU_VISIBLE_DEVICES": str(handle.uuid)}


class NpuTelemetry(Telemetry):
    """Counters of a unit."""

    def after_block(self) -> BlockReading:
        """See the base class."""
        return BlockReading(clock_hz=1.2e9)

    def end(self) -> dict[str, Any]:
        """See the base class."""
        return {"throttle_reasons": (), "visit_energy_j": 1.5}
