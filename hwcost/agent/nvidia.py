"""NVIDIA's management library, called through ctypes, so that nothing has to be installed beside the driver.

It names cards, and reads clocks, reasons for a lower clock, temperature, energy, memory and other processes. It changes
nothing: clocks, power limits, partitions and persistence stay as they are.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

from .blocks import BlockReading
from .errors import DeviceError

LIBRARY = "libnvidia-ml.so.1"
REASONS = {0x4: "sw_power_cap", 0x8: "hw_slowdown", 0x20: "sw_thermal_slowdown", 0x40: "hw_thermal_slowdown",
           0x80: "hw_power_brake_slowdown"}  # fmt: skip
"""Bits of the reasons for a lower clock, and their names in hwcost's guards. Source: nvml.h."""
BRIEF = {"hw_slowdown"}
"""Reasons that are also reported while the clock merely changes, as nvml.h says; so one reading tells nothing of them."""
LOST = (6, 15)
"""Results that mean that a card is not there any more: NVML_ERROR_NOT_FOUND and NVML_ERROR_GPU_IS_LOST."""
SM_CLOCK, TEMPERATURE_GPU, MANY = 1, 0, 256
MIB = 1024**2


class _Memory(ctypes.Structure):
    _fields_ = [("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong)]


class _Process(ctypes.Structure):
    """The first two fields of a process; their size is that of nvmlProcessInfo_v1_t."""

    _fields_ = [("pid", ctypes.c_uint), ("used", ctypes.c_ulonglong)]


class Nvml:
    """The library, opened.

    Args:
        library: Loaded library; None for that of the driver.

    Raises:
        DeviceError: When there is none, or it cannot be used.
    """

    def __init__(self, library: Any = None) -> None:
        try:
            self._library = ctypes.CDLL(LIBRARY) if library is None else library
        except OSError:
            raise DeviceError("there is no NVIDIA driver here: %s is missing" % LIBRARY) from None
        if self._library.nvmlInit_v2() != 0:
            raise DeviceError("NVIDIA's management library does not start: is the driver of the same version?")

    def cards(self) -> list[dict[str, Any]]:
        """Returns the facts of every card that answers, in the order of the bus.

        Those that are lost, or that this process may not use, are counted by the library and left out here.
        """
        count, found = ctypes.c_uint(), []
        if self._library.nvmlDeviceGetCount_v2(ctypes.byref(count)) != 0:
            return []
        for index in range(count.value):
            try:
                found.append(self._card(index))
            except DeviceError:
                continue
        return found

    def handle(self, index: int) -> Any:
        """Returns the library's handle of a card.

        Raises:
            DeviceError: When there is no such card.
        """
        found = ctypes.c_void_p()
        if self._library.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(index), ctypes.byref(found)) != 0:
            raise DeviceError("card %d is not here" % index)
        return found

    def number(self, function: str, handle: Any, *arguments: int, kind: Any = ctypes.c_uint) -> int | None:
        """Returns a number that a function answers; None where the card or the driver does not support it."""
        called = getattr(self._library, function, None)
        value = kind()
        if called is None or called(handle, *map(ctypes.c_uint, arguments), ctypes.byref(value)) != 0:
            return None
        return int(value.value)

    def text(self, function: str, *handles: Any) -> str | None:
        """Returns a text that a function answers; None where it does not."""
        buffer = ctypes.create_string_buffer(256)
        called = getattr(self._library, function, None)
        if called is None or called(*handles, buffer, ctypes.c_uint(256)) != 0:
            return None
        return buffer.value.decode(errors="replace")

    def memory(self, handle: Any) -> Any:
        """Returns total, free and used bytes of a card; None where they are unknown."""
        found = _Memory()
        return found if self._library.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(found)) == 0 else None

    def processes(self, handle: Any) -> list[int] | None:
        """Returns the processes that compute on a card; None where they are unknown."""
        called = getattr(self._library, "nvmlDeviceGetComputeRunningProcesses", None)
        count, found = ctypes.c_uint(MANY), (_Process * MANY)()
        if called is None or called(handle, ctypes.byref(count), found) != 0:
            return None
        return [int(found[place].pid) for place in range(count.value)]

    def is_lost(self, handle: Any) -> bool:
        """Says whether a card is not there any more."""
        buffer = ctypes.create_string_buffer(256)
        return self._library.nvmlDeviceGetUUID(handle, buffer, ctypes.c_uint(256)) in LOST

    def _card(self, index: int) -> dict[str, Any]:
        handle = self.handle(index)
        memory = self.memory(handle)
        power_mw = self.number("nvmlDeviceGetPowerManagementLimit", handle)
        clock_mhz = self.number("nvmlDeviceGetMaxClockInfo", handle, SM_CLOCK)
        return {
            "kind": "cuda",
            "vendor": "nvidia",
            "product": self.text("nvmlDeviceGetName", handle) or "unknown GPU",
            "index": index,
            "uuid": self.text("nvmlDeviceGetUUID", handle),
            "memory_bytes": None if memory is None else memory.total // MIB * MIB,
            "power_limit_w": None if power_mw is None else power_mw / 1e3,
            "clock_hz": None if clock_mhz is None else clock_mhz * 1e6,
            "compute_capability": self._capability(handle),
            "driver_version": self.text("nvmlSystemGetDriverVersion"),
            "partition": "MIG" if self._is_partitioned(handle) else None,
        }

    def _capability(self, handle: Any) -> str | None:
        called = getattr(self._library, "nvmlDeviceGetCudaComputeCapability", None)
        major, minor = ctypes.c_int(), ctypes.c_int()
        if called is None or called(handle, ctypes.byref(major), ctypes.byref(minor)) != 0:
            return None
        return "%d.%d" % (major.value, minor.value)

    def _is_partitioned(self, handle: Any) -> bool:
        called = getattr(self._library, "nvmlDeviceGetMigMode", None)
        now, later = ctypes.c_uint(), ctypes.c_uint()
        return called is not None and called(handle, ctypes.byref(now), ctypes.byref(later)) == 0 and now.value == 1


class LowClocks:
    """Collects reasons for a lower clock from readings after successive blocks.

    Attributes:
        found: Names of the reasons since :meth:`begin`; None before a reading.
    """

    def __init__(self) -> None:
        self.found: set[str] | None = None
        self._last: set[str] = set()

    def begin(self) -> None:
        """Forgets what was found."""
        self.found = None

    def see(self, bits: int | None) -> None:
        """Takes in a reading; what is only brief, see ``BRIEF``, counts where the reading before has it too.

        Args:
            bits: Reasons as the library tells them; None where the card does not.
        """
        if bits is None:
            return
        present = {name for bit, name in REASONS.items() if bits & bit}
        self.found = (present - (BRIEF - self._last)) | (self.found or set())
        self._last = present


class CardCounters:
    """Counters of one card, asked for in the order that ``counters.HostCounters`` describes.

    Args:
        nvml: The library.
        index: Number of the card on the bus.
    """

    def __init__(self, nvml: Nvml, index: int) -> None:
        self._nvml, self._index, self._handle = nvml, index, nvml.handle(index)
        self._energy_mj: int | None = None
        self._before_mhz: int | None = None
        self._reasons = LowClocks()
        self._earlier, self._own = nvml.processes(self._handle), os.getpid()  # before this process has a context of CUDA

    def begin(self) -> None:
        """Takes the first reading over some passes."""
        self._reasons.begin()
        self._energy_mj = self._energy()

    def before_block(self) -> None:
        """Takes a reading right before a block."""
        self._before_mhz = self._clock()

    def after_block(self) -> BlockReading:
        """Returns the clock of the block; reasons for a lower one are collected while the card is still warm from it."""
        clock = self._clock()
        self._reasons.see(
            self._nvml.number("nvmlDeviceGetCurrentClocksThrottleReasons", self._handle, kind=ctypes.c_ulonglong)
        )
        if clock is None or self._before_mhz is None:
            return BlockReading()
        return BlockReading(clock_hz=(clock + self._before_mhz) / 2 * 1e6)

    def end(self) -> dict[str, Any]:
        """Returns the conditions of the passes since :meth:`begin`; unknown ones are left out."""
        energy, memory = self._energy(), self._nvml.memory(self._handle)
        power = self._nvml.number("nvmlDeviceGetPowerUsage", self._handle)
        celsius = self._nvml.number("nvmlDeviceGetTemperature", self._handle, TEMPERATURE_GPU)
        found = {
            "throttle_reasons": None if self._reasons.found is None else sorted(self._reasons.found),
            "foreign_pids": self._foreign_pids(),
            "temperature_celsius": None if celsius is None else {"gpu": float(celsius)},
            "visit_energy_j": None if None in (energy, self._energy_mj) else (energy - self._energy_mj) / 1e3,  # type: ignore[operator]
            "power_w": None if power is None else power / 1e3,
            "device_memory_used_bytes": None if memory is None else int(memory.used),
        }
        return {name: value for name, value in found.items() if value is not None}

    def free_bytes(self) -> int | None:
        """Returns the free bytes of the card; None where they are unknown."""
        memory = self._nvml.memory(self._handle)
        return None if memory is None else int(memory.free)

    def check(self) -> None:
        """Raises DeviceError when the card is not there any more."""
        if self._nvml.is_lost(self._handle):
            raise DeviceError("E_DEVICE_LOST: card %d is gone. Reset it, or restart the machine" % self._index)

    def _foreign_pids(self) -> list[int] | None:
        """Returns the other processes that compute on the card.

        In a container the driver knows this process by a number of the machine's, which names no process here: that of the
        one that came since these counters were made.
        """
        found = self._nvml.processes(self._handle)
        if found is None:
            return None
        came = [pid for pid in set(found).difference(self._earlier or ()) if not os.path.exists("/proc/%d" % pid)]
        if self._own not in found and len(came) == 1:
            (self._own,) = came
        return sorted(set(found) - {self._own})

    def _clock(self) -> int | None:
        return self._nvml.number("nvmlDeviceGetClockInfo", self._handle, SM_CLOCK)

    def _energy(self) -> int | None:
        return self._nvml.number("nvmlDeviceGetTotalEnergyConsumption", self._handle, kind=ctypes.c_ulonglong)
