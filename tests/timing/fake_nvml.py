"""Cards that are not here, as NVML would report them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class NVMLError(Exception):
    """Base of NVML's errors."""


class NVMLError_GpuIsLost(NVMLError):  # noqa: N801, N818 - as pynvml calls it
    """The card is gone."""


class NVMLError_NoPermission(NVMLError):  # noqa: N801, N818 - as pynvml calls it
    """Only an administrator may do that."""


class FakeNvml(SimpleNamespace):
    """Cards of NVML that are as bad as ``reasons`` say, are used by the processes ``pids``, and may be lost.

    Without ``reasons`` (None) they do not tell, as virtual cards.

    A handle is the UUID. With ``slices`` the first card is cut into slices of these UUIDs. Clocks that are locked, and
    reset, stand in ``calls``; without ``may_lock`` they are refused. Without ``counts`` there is no counter of energy. Cards
    in ``hidden`` are counted, and have no handle.
    """

    NVMLError = NVMLError
    NVML_CLOCK_SM, NVML_TEMPERATURE_GPU = 1, 0
    nvmlClocksThrottleReasonSwPowerCap = 4  # noqa: N815
    nvmlClocksThrottleReasonHwThermalSlowdown = 64  # noqa: N815
    reasons, pids, lost, energy_mj, counts, may_lock = 0, None, False, 0, True, True
    cards: tuple[str, ...] = ("GPU-0", "GPU-1")
    slices: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()

    def __init__(self, **state: Any) -> None:
        super().__init__(**state)
        self.calls: list[tuple[Any, ...]] = []

    def nvmlInit(self) -> None:  # noqa: N802
        """Nothing to do."""

    nvmlShutdown = nvmlInit  # noqa: N815

    def nvmlSystemGetDriverVersion(self) -> bytes:  # noqa: N802
        return b"550.54.15"

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> str:  # noqa: N802
        if self.cards[index] in self.hidden:
            raise NVMLError_NoPermission("Insufficient Permissions")
        return self.cards[index]

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:  # noqa: N802
        return uuid

    def nvmlDeviceGetUUID(self, gpu: str) -> str:  # noqa: N802
        if self.lost:
            raise NVMLError_GpuIsLost("GPU is lost")
        return gpu

    def nvmlDeviceGetName(self, gpu: str) -> str:  # noqa: N802
        return "NVIDIA H100 80GB HBM3" + (" MIG 1g.10gb" if gpu in self.slices else "")

    def nvmlDeviceGetMemoryInfo(self, gpu: str) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(total=(10 if gpu in self.slices else 80) * 2**30, used=2**30)

    def nvmlDeviceGetPowerManagementLimit(self, gpu: str) -> int:  # noqa: N802
        self._card_only(gpu)
        return 700_000

    def nvmlDeviceGetCudaComputeCapability(self, gpu: str) -> tuple[int, int]:  # noqa: N802
        self._card_only(gpu)
        return 9, 0

    def nvmlDeviceGetMaxClockInfo(self, gpu: str, which: int) -> int:  # noqa: N802
        self._card_only(gpu)
        return 1980

    def nvmlDeviceGetMigMode(self, gpu: str) -> tuple[int, int]:  # noqa: N802
        return (1, 1) if self.slices and gpu == self.cards[0] else (0, 0)

    def nvmlDeviceGetMaxMigDeviceCount(self, gpu: str) -> int:  # noqa: N802
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, gpu: str, index: int) -> str:  # noqa: N802
        if index >= len(self.slices):
            raise NVMLError("Not Found")
        return self.slices[index]

    def nvmlDeviceGetDeviceHandleFromMigDeviceHandle(self, gpu: str) -> str:  # noqa: N802
        return self.cards[0]

    def nvmlDeviceGetClockInfo(self, gpu: str, which: int) -> int:  # noqa: N802
        self._card_only(gpu)
        return 1980

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, gpu: str) -> int:  # noqa: N802
        self._card_only(gpu)
        if self.reasons is None:
            raise NVMLError("not supported")
        return self.reasons

    def nvmlDeviceGetTotalEnergyConsumption(self, gpu: str) -> int:  # noqa: N802
        if not self.counts:
            raise NVMLError("not supported")
        self.energy_mj += 2500
        return self.energy_mj

    def nvmlDeviceGetPowerUsage(self, gpu: str) -> int:  # noqa: N802
        return 300_000

    def nvmlDeviceGetTemperature(self, gpu: str, sensor: int) -> int:  # noqa: N802
        raise NVMLError("not supported")

    def nvmlDeviceGetEccMode(self, gpu: str) -> tuple[int, int]:  # noqa: N802
        return 1, 1

    def nvmlDeviceGetComputeRunningProcesses(self, gpu: str) -> list[SimpleNamespace]:  # noqa: N802
        if self.pids is None:
            raise NVMLError("not supported")
        return [SimpleNamespace(pid=pid) for pid in self.pids]

    def nvmlDeviceGetSupportedMemoryClocks(self, gpu: str) -> list[int]:  # noqa: N802
        return [2619, 1593]

    def nvmlDeviceGetSupportedGraphicsClocks(self, gpu: str, memory: int) -> list[int]:  # noqa: N802
        return list(range(1980, 200, -15))

    def nvmlDeviceSetGpuLockedClocks(self, gpu: str, least: int, most: int) -> None:  # noqa: N802
        if not self.may_lock:
            raise NVMLError_NoPermission("Insufficient Permissions")
        self.calls.append(("locked", gpu, least, most))

    def nvmlDeviceResetGpuLockedClocks(self, gpu: str) -> None:  # noqa: N802
        self.calls.append(("reset", gpu))

    def _card_only(self, gpu: str) -> None:
        if gpu in self.slices:
            raise NVMLError("not supported of a slice")
