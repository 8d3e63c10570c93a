"""Counters of the host while workloads are timed: around every block, and over the passes of an event.

Names and meanings are those of ``hwcost.facts``; what a machine does not offer is None, never 0.
"""

from __future__ import annotations

import glob
import os
import resource
from pathlib import Path
from typing import Any, Callable

from . import cgroups, processors
from .files import text
from .timer import process_cpu_s

CPU = "sys/devices/system/cpu"
FEW_CPUS = 8


class HostCounters:
    """Counters of the CPUs, which compute themselves or launch what a device computes.

    Args:
        root: Folder in which ``proc`` and ``sys`` lie.
    """

    def __init__(self, root: str = "/") -> None:
        self._root = root
        names = [os.path.join(root, CPU, "cpu%d/cpufreq/scaling_cur_freq" % cpu) for cpu in processors.allowed()[:FEW_CPUS]]
        self._clocks = [name for name in names if os.path.exists(name)]
        self._span: dict[str, Any] = {}
        self._before: tuple[Any, Any, float] = (None, None, 0.0)

    def begin(self) -> None:
        """Takes the first reading over some passes."""
        self._span = self._read()

    def before_block(self) -> None:
        """Takes a reading right before a block."""
        self._before = self._clock_hz(), self._wait_s(), process_cpu_s()

    def after_block(self) -> dict[str, Any]:
        """Returns the counters of the block that has just ended: clock, CPU seconds, seconds without a CPU."""
        cpu_s = process_cpu_s()
        clock_before, wait_before, cpu_before = self._before
        wait_s, clock_hz = self._wait_s(), self._clock_hz()
        return {
            "clock_hz": None if None in (clock_before, clock_hz) else (clock_before + clock_hz) / 2,
            "cpu_s": cpu_s - cpu_before,
            "wait_s": None if None in (wait_before, wait_s) else wait_s - wait_before,
        }

    def end(self) -> dict[str, Any]:
        """Returns the conditions of the passes since :meth:`begin`."""
        now = self._read()
        found = {name: _change(before, now[name]) for name, before in self._span.items()}
        for name in ("cpu_steal_fraction", "sibling_busy_fraction"):
            if found.get(name) is not None and not found[name] <= 1:
                found[name] = None
        return {**found, **self._state()}

    def _read(self) -> dict[str, Any]:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        readers: dict[str, Callable[[], Any]] = {
            "cpu_steal_fraction": lambda: processors.steal_s(Path(self._root)),
            "sibling_busy_fraction": lambda: processors.sibling_busy_s(Path(self._root)),
            "run_queue_wait_s": self._run_queue_wait_s,
            "cpu_pressure_s": self._pressure_s,
            "cgroup_throttled_s": lambda: cgroups.throttled_s(self._root),
            "thermal_throttle_events": self._thermal_events,
            "involuntary_switches": lambda: float(usage.ru_nivcsw),
            "major_faults": lambda: float(usage.ru_majflt),
        }
        return {name: known(reader) for name, reader in readers.items()}

    def _state(self) -> dict[str, Any]:
        return {
            "load_avg_1min": known(lambda: float(text(self._root, "proc/loadavg").split()[0])),
            "cpu_clock_hz": known(self._highest_clock_hz),
            "temperature_celsius": known(self._temperature),
            "uptime_s": known(lambda: float(text(self._root, "proc/uptime").split()[0])),
        }

    def _run_queue_wait_s(self) -> float:
        folder = os.path.join(self._root, "proc/self/task")
        threads = [text(folder, thread, "schedstat").split() for thread in os.listdir(folder)]
        if not any(int(turns) for _, _, turns in threads):
            raise ValueError("the kernel does not count waits, and says 0 to all")
        return sum(float(wait_ns) for _, wait_ns, _ in threads) * 1e-9

    def _wait_s(self) -> Any:
        return known(self._run_queue_wait_s)

    def _pressure_s(self) -> float:
        first = text(cgroups.pressure_file(self._root)).split("\n", 1)[0]
        return float(dict(part.split("=") for part in first.split()[1:])["total"]) * 1e-6

    def _thermal_events(self) -> float | None:
        paths = glob.glob(os.path.join(self._root, CPU, "cpu[0-9]*/thermal_throttle/*_throttle_count"))
        return sum(float(text(path)) for path in paths) if paths else None

    def _highest_clock_hz(self) -> float | None:
        paths = glob.glob(os.path.join(self._root, CPU, "cpu[0-9]*/cpufreq/scaling_cur_freq"))
        return max(float(text(path)) for path in paths) * 1e3 if paths else None

    def _temperature(self) -> dict[str, float] | None:
        paths = glob.glob(os.path.join(self._root, "sys/class/thermal/thermal_zone*/temp"))
        return {"hottest": max(float(text(path)) for path in paths) * 1e-3} if paths else None

    def _clock_hz(self) -> Any:
        return known(lambda: max(float(text(path)) for path in self._clocks) * 1e3 if self._clocks else None)


def known(read: Callable[[], Any]) -> Any:
    """Returns what a function reads; None where the machine does not offer it."""
    try:
        return read()
    except (OSError, ValueError, KeyError, IndexError, AttributeError):
        return None


def _change(before: Any, after: Any) -> float | None:
    """Returns the difference of two counters, or its share of the whole; None where a counter ran backwards."""
    if isinstance(before, tuple) and isinstance(after, tuple):
        whole = after[1] - before[1]
        found = (after[0] - before[0]) / whole if whole else None
    elif isinstance(before, float) and isinstance(after, float):
        found = after - before
    else:
        return None
    return found if found is not None and found >= 0 else None
