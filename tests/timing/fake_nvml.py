"""A card that is not here, as NVML would report it."""

from __future__ import annotations

from types import SimpleNamespace


class NVMLError(Exception):
    """Base of NVML's errors."""


class NVMLError_GpuIsLost(NVMLError):  # noqa: N801, N818 - as pynvml calls it
    """The card is gone."""


class FakeNvml(SimpleNamespace):
    """A card of NVML that is as bad as ``reasons`` say, is used by the processes ``pids``, and may be lost."""

    NVMLError = NVMLError
    nvmlClocksThrottleReasonHwThermalSlowdown = 64  # noqa: N815
    reasons, pids, lost, energy_mj = 0, None, False, 0

    def nvmlInit(self) -> None:  # noqa: N802
        """Nothing to do."""

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:  # noqa: N802
        return uuid

    def nvmlDeviceGetUUID(self, gpu: str) -> str:  # noqa: N802
        if self.lost:
            raise NVMLError_GpuIsLost("GPU is lost")
        return gpu

    def nvmlDeviceGetClockInfo(self, gpu: str, which: int) -> int:  # noqa: N802
        return 1980

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, gpu: str) -> int:  # noqa: N802
        return self.reasons

    def nvmlDeviceGetTotalEnergyConsumption(self, gpu: str) -> int:  # noqa: N802
        self.energy_mj += 2500
        return self.energy_mj

    def nvmlDeviceGetTemperature(self, gpu: str, sensor: int) -> int:  # noqa: N802
        raise NVMLError("not supported")

    def nvmlDeviceGetComputeRunningProcesses(self, gpu: str) -> list[SimpleNamespace]:  # noqa: N802
        if self.pids is None:
            raise NVMLError("not supported")
        return [SimpleNamespace(pid=pid) for pid in self.pids]
