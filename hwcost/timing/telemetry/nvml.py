"""Counters of an NVIDIA GPU through NVML (the extra ``gpu``)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from hwcost.devices.telemetry import BlockReading, Telemetry
from hwcost.errors import DeviceError

if TYPE_CHECKING:
    from hwcost.devices import DeviceHandle

REASONS = {
    "nvmlClocksEventReasonSwPowerCap": "sw_power_cap",
    "nvmlClocksThrottleReasonHwSlowdown": "hw_slowdown",
    "nvmlClocksEventReasonSwThermalSlowdown": "sw_thermal_slowdown",
    "nvmlClocksThrottleReasonHwThermalSlowdown": "hw_thermal_slowdown",
    "nvmlClocksThrottleReasonHwPowerBrakeSlowdown": "hw_power_brake_slowdown",
}
"""NVML's names of the reasons for a lower clock, and those of hwcost's guards."""

LOST = ("NVMLError_GpuIsLost", "NVMLError_NotFound")
"""NVML's errors that mean that the card is not there any more."""


class NvmlTelemetry(Telemetry):
    """The clock around every block; over a visit reasons for a lower clock, energy, memory, temperature and other processes.

    Args:
        handle: The GPU, which is found by its UUID.
        nvml: The module of NVML; None imports ``pynvml``. Without it nothing is read.
    """

    def __init__(self, handle: DeviceHandle, nvml: Any = None) -> None:
        super().__init__(handle)
        self._nvml = _imported() if nvml is None else nvml
        self._gpu: Any = None
        self._energy_mj: float | None = None
        self._before_hz: float | None = None
        self._reasons: set[str] = set()
        if self._nvml is not None:
            self._open()

    def _open(self) -> None:
        try:
            self._nvml.nvmlInit()
            if self.handle.uuid is None:
                self._gpu = self._nvml.nvmlDeviceGetHandleByIndex(self.handle.index)
            else:
                self._gpu = self._nvml.nvmlDeviceGetHandleByUUID(self.handle.uuid)
        except self._nvml.NVMLError:  # the driver is of another version than its library, or there is no permission
            self._nvml = None

    def begin(self) -> None:
        """See the base class."""
        self._reasons = set()
        self._energy_mj = self._ask("nvmlDeviceGetTotalEnergyConsumption")

    def before_block(self) -> None:
        """See the base class."""
        self._before_hz = self._clock_hz()

    def after_block(self) -> BlockReading:
        """See the base class; reasons for a lower clock are collected while the device is still warm from the block."""
        clock_hz = self._clock_hz()
        self._reasons |= self._present_reasons()
        known = clock_hz is not None and self._before_hz is not None
        return BlockReading(clock_hz=(self._before_hz + clock_hz) / 2 if known else None)  # type: ignore[operator]

    def end(self) -> dict[str, Any]:
        """See the base class."""
        if self._nvml is None:
            return {}
        energy_mj, memory = self._ask("nvmlDeviceGetTotalEnergyConsumption"), self._ask("nvmlDeviceGetMemoryInfo")
        power_mw = self._ask("nvmlDeviceGetPowerUsage")
        temperature = self._ask("nvmlDeviceGetTemperature", getattr(self._nvml, "NVML_TEMPERATURE_GPU", 0))
        known = None not in (energy_mj, self._energy_mj)
        found = {
            "throttle_reasons": tuple(sorted(self._reasons)),
            "foreign_pids": self._foreign_pids(),
            "temperature_celsius": None if temperature is None else {"gpu": float(temperature)},
            "visit_energy_j": (energy_mj - self._energy_mj) / 1e3 if known else None,
            "power_w": None if power_mw is None else power_mw / 1e3,
            "device_memory_used_bytes": None if memory is None else int(memory.used),
        }
        return {name: value for name, value in found.items() if value is not None}

    def check(self) -> None:
        """See the base class."""
        if self._nvml is None:
            return
        try:
            self._nvml.nvmlDeviceGetUUID(self._gpu)
        except self._nvml.NVMLError as error:
            if type(error).__name__ in LOST:
                text = f"E_DEVICE_LOST: device {self.handle} is gone: {error}. Reset it, or restart the machine."
                raise DeviceError(text) from None

    def memory_bytes(self) -> int | None:
        """See the base class."""
        memory = self._ask("nvmlDeviceGetMemoryInfo")
        return None if memory is None else int(memory.used)

    def _clock_hz(self) -> float | None:
        clock = self._ask("nvmlDeviceGetClockInfo", getattr(self._nvml, "NVML_CLOCK_SM", 1))
        return None if clock is None else clock * 1e6

    def _present_reasons(self) -> set[str]:
        bits = self._ask("nvmlDeviceGetCurrentClocksThrottleReasons")
        if bits is None:
            return set()
        return {name for reason, name in REASONS.items() if bits & int(getattr(self._nvml, reason, 0))}

    def _foreign_pids(self) -> list[int] | None:
        processes = self._ask("nvmlDeviceGetComputeRunningProcesses")
        return None if processes is None else sorted({int(one.pid) for one in processes} - {os.getpid()})

    def _ask(self, function: str, *arguments: Any) -> Any:
        """Returns what NVML answers about the GPU; None where it does not support that."""
        if self._nvml is None:
            return None
        try:
            return getattr(self._nvml, function)(self._gpu, *arguments)
        except (self._nvml.NVMLError, AttributeError):
            return None


def _imported() -> Any:
    try:
        import pynvml
    except ImportError:
        return None
    return pynvml
