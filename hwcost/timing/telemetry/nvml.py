"""Counters of an NVIDIA GPU through NVML (the extra ``gpu``)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from hwcost.agent.nvidia import LowClocks
from hwcost.devices.kinds.cuda import MIG
from hwcost.devices.telemetry import BlockReading, Telemetry
from hwcost.errors import DeviceLostError
from hwcost.timing import timer

if TYPE_CHECKING:
    from hwcost.devices import DeviceHandle

LOST = ("NVMLError_GpuIsLost", "NVMLError_NotFound")
"""NVML's errors that mean that the card is not there any more."""


class NvmlTelemetry(Telemetry):
    """The clock around every block; over a visit reasons for a lower clock, energy, memory, temperature and other processes.

    Nothing is asked of the driver inside a timed block. Of a slice of a card, clock, temperature and reasons are the card's,
    memory and processes are its own, and power and energy are unknown, since the card measures them as a whole.

    Args:
        handle: The GPU, which is found by its UUID.
        nvml: The module of NVML; None imports ``pynvml``. Without it nothing is read.
    """

    def __init__(self, handle: DeviceHandle, nvml: Any = None) -> None:
        super().__init__(handle)
        self._nvml = _imported() if nvml is None else nvml
        self._gpu: Any = None
        self._card: Any = None
        self._is_slice = (handle.uuid or "").startswith(MIG)
        self._energy: _Energy | None = None
        self._before_hz: float | None = None
        self._reasons = LowClocks()
        if self._nvml is not None:
            self._open()
        self._earlier, self._own = self._pids(), os.getpid()  # before this process has a context of CUDA

    def _open(self) -> None:
        try:
            self._nvml.nvmlInit()
            if self.handle.uuid is None:
                self._gpu = self._nvml.nvmlDeviceGetHandleByIndex(self.handle.index)
            else:
                self._gpu = self._nvml.nvmlDeviceGetHandleByUUID(self.handle.uuid)
            of_slice = self._nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle if self._is_slice else None
            self._card = self._gpu if of_slice is None else of_slice(self._gpu)
        except (self._nvml.NVMLError, AttributeError):  # a driver of another version than its library, or no permission
            self._nvml = None

    def begin(self) -> None:
        """See the base class."""
        self._reasons.begin()
        self._energy = _Energy(self)

    def before_block(self) -> None:
        """See the base class."""
        self._before_hz = self._clock_hz()

    def after_block(self) -> BlockReading:
        """See the base class; reasons for a lower clock are collected while the device is still warm from the block."""
        clock_hz = self._clock_hz()
        self._reasons.see(self._ask_card("nvmlDeviceGetCurrentClocksThrottleReasons"))
        if self._energy is not None:
            self._energy.poll()
        known = clock_hz is not None and self._before_hz is not None
        return BlockReading(clock_hz=(self._before_hz + clock_hz) / 2 if known else None)  # type: ignore[operator]

    def end(self) -> dict[str, Any]:
        """See the base class."""
        if self._nvml is None:
            return {}
        memory = self._ask("nvmlDeviceGetMemoryInfo")
        temperature = self._ask_card("nvmlDeviceGetTemperature", getattr(self._nvml, "NVML_TEMPERATURE_GPU", 0))
        found = {
            "throttle_reasons": None if self._reasons.found is None else tuple(sorted(self._reasons.found)),
            "foreign_pids": self._foreign_pids(),
            "temperature_celsius": None if temperature is None else {"gpu": float(temperature)},
            "power_w": self.power_w(),
            "device_memory_used_bytes": None if memory is None else int(memory.used),
            **({} if self._energy is None else self._energy.found()),
        }
        return {name: value for name, value in found.items() if value is not None}

    def energy_j(self) -> float | None:
        """See the base class; NVML counts from the driver's start, in steps of a tenth of a second or less."""
        found = None if self._is_slice else self._ask_card("nvmlDeviceGetTotalEnergyConsumption")
        return None if found is None else found / 1e3

    def power_w(self) -> float | None:
        """See the base class."""
        found = None if self._is_slice else self._ask_card("nvmlDeviceGetPowerUsage")
        return None if found is None else found / 1e3

    def settings(self) -> dict[str, Any]:
        """See the base class; whether somebody locked the clocks is not among what NVML reports."""
        ecc, persistence = self._ask_card("nvmlDeviceGetEccMode"), self._ask_card("nvmlDeviceGetPersistenceMode")
        width = self._ask_card("nvmlDeviceGetCurrPcieLinkWidth")
        generation = self._ask_card("nvmlDeviceGetCurrPcieLinkGeneration")
        found = {
            "ecc": None if ecc is None else bool(ecc[0]),
            "persistence_mode": None if persistence is None else bool(persistence),
            "pcie_link": None if None in (width, generation) else f"gen{generation} x{width}",
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
                raise DeviceLostError(text) from None

    def memory_bytes(self) -> int | None:
        """See the base class."""
        memory = self._ask("nvmlDeviceGetMemoryInfo")
        return None if memory is None else int(memory.used)

    def _clock_hz(self) -> float | None:
        clock = self._ask_card("nvmlDeviceGetClockInfo", getattr(self._nvml, "NVML_CLOCK_SM", 1))
        return None if clock is None else clock * 1e6

    def _pids(self) -> set[int] | None:
        processes = self._ask("nvmlDeviceGetComputeRunningProcesses")
        return None if processes is None else {int(one.pid) for one in processes}

    def _foreign_pids(self) -> list[int] | None:
        """Returns the other processes that compute on the device.

        In a container the driver knows this process by a number of the machine's, which names no process here: that of the
        one that came since this provider was made.
        """
        found = self._pids()
        if found is None:
            return None
        came = [pid for pid in found - (self._earlier or set()) if not os.path.exists(f"/proc/{pid}")]
        if self._own not in found and len(came) == 1:
            (self._own,) = came
        return sorted(found - {self._own})

    def _ask(self, function: str, *arguments: Any) -> Any:
        """Returns what NVML answers about the GPU; None where it does not support that."""
        return self._answer(self._gpu, function, *arguments)

    def _ask_card(self, function: str, *arguments: Any) -> Any:
        """Returns what NVML answers about the card that the GPU is, or that it is a slice of."""
        return self._answer(self._card, function, *arguments)

    def _answer(self, device: Any, function: str, *arguments: Any) -> Any:
        if self._nvml is None:
            return None
        try:
            return getattr(self._nvml, function)(device, *arguments)
        except (self._nvml.NVMLError, AttributeError):
            return None


class _Energy:
    """The energy of a span: the difference of two readings of the counter, or power that is polled between blocks.

    Args:
        telemetry: Provider of the counter and of power.
    """

    def __init__(self, telemetry: NvmlTelemetry) -> None:
        self._telemetry, self._first_j = telemetry, telemetry.energy_j()
        self._elapsed = timer.stopwatch()
        self._sum_j, self._at_s = 0.0, 0.0
        self._power_w = None if self._first_j is not None else telemetry.power_w()

    def poll(self) -> None:
        """Adds the time since the last reading at the mean of both powers, where there is no counter."""
        if self._power_w is None:
            return
        power_w, now_s = self._telemetry.power_w(), self._elapsed()
        if power_w is not None:
            self._sum_j += (now_s - self._at_s) * (self._power_w + power_w) / 2
            self._power_w, self._at_s = power_w, now_s

    def found(self) -> dict[str, Any]:
        """Returns the energy and its source; nothing where neither is known."""
        if self._first_j is not None:
            last_j = self._telemetry.energy_j()
            return {} if last_j is None else {"visit_energy_j": max(0.0, last_j - self._first_j), "energy_source": "counter"}
        if self._power_w is None:
            return {}
        self.poll()
        return {"visit_energy_j": self._sum_j, "energy_source": "polled power"}


def _imported() -> Any:
    try:
        import pynvml
    except ImportError:
        return None
    return pynvml
