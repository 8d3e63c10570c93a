"""Counters of the host while workloads are timed: around every block, and over the passes of an event.

Names and meanings are those of ``hwcost.facts``; what a machine does not offer is None, never 0.
"""

from __future__ import annotations

import glob
import os
import resource
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, Union

from . import cgroups, processors
from .blocks import BlockReading
from .files import text
from .timer import process_cpu_s

CPU = "sys/devices/system/cpu"
FEW_CPUS = 8
"""Most CPUs whose clock is read between blocks: every reading takes time."""

Root = Union[str, "os.PathLike[str]"]
"""Folder in which ``proc`` and ``sys`` lie."""


class HostCounters:
    """Counters of the CPUs, which compute themselves or launch what a device computes.

    Args:
        root: Folder in which ``proc`` and ``sys`` lie.
        computes: Whether the processor itself is the device that is measured.
    """

    def __init__(self, root: str = "/", *, computes: bool = True) -> None:
        self._root, self._shares_host = root, computes and bool(known(lambda: processors.hides_siblings(Path(root))))
        self._clock_hz = clock_reader(root)
        self._span: dict[str, Any] = {}
        self._before: tuple[Any, Any, float] = (None, None, 0.0)

    def begin(self) -> None:
        """Takes the first reading over some passes."""
        self._span = self._read()

    def before_block(self) -> None:
        """Takes a reading right before a block; CPU time last, and first after it, so that no other reading is in it."""
        self._before = self._clock_hz(), self._wait_s(), process_cpu_s()

    def after_block(self) -> BlockReading:
        """Returns the counters of the block that has just ended: clock, CPU seconds, seconds without a CPU."""
        cpu_s = process_cpu_s()
        clock_before, wait_before, cpu_before = self._before
        wait_s, clock_hz = self._wait_s(), self._clock_hz()
        return BlockReading(
            clock_hz=None if None in (clock_before, clock_hz) else (clock_before + clock_hz) / 2,
            cpu_s=cpu_s - cpu_before,
            wait_s=None if None in (wait_before, wait_s) else wait_s - wait_before,
        )

    def end(self) -> dict[str, Any]:
        """Returns the conditions of the passes since :meth:`begin`."""
        now = self._read()
        found = {name: _change(before, now[name]) for name, before in self._span.items()}
        for name in ("cpu_steal_fraction", "sibling_busy_fraction"):
            if found.get(name) is not None and not found[name] <= 1:
                found[name] = None
        return {**found, **self._state(), **self.host()}

    def host(self) -> dict[str, bool]:
        """Returns whether the device is a processor that guests of the same host, who cannot be seen, compute on too."""
        return {"shares_host": self._shares_host}

    def _read(self) -> dict[str, Any]:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        readers: dict[str, Callable[[], Any]] = {
            "cpu_steal_fraction": lambda: processors.steal_s(Path(self._root)),
            "sibling_busy_fraction": lambda: processors.sibling_busy_s(Path(self._root)),
            "run_queue_wait_s": lambda: run_queue_wait_s(self._root),
            "cpu_pressure_s": lambda: pressure_s(self._root),
            "cgroup_throttled_s": lambda: cgroups.throttled_s(self._root),
            "thermal_throttle_events": lambda: thermal_events(self._root),
            "involuntary_switches": lambda: float(usage.ru_nivcsw),
            "major_faults": lambda: float(usage.ru_majflt),
        }
        return {name: known(reader) for name, reader in readers.items()}

    def _state(self) -> dict[str, Any]:
        return {
            "load_avg_1min": known(lambda: first_number(self._root, "proc/loadavg")),
            "cpu_clock_hz": known(lambda: highest_clock_hz(self._root)),
            "temperature_celsius": known(lambda: temperature(self._root)),
            "uptime_s": known(lambda: first_number(self._root, "proc/uptime")),
        }

    def _wait_s(self) -> Any:
        return known(lambda: run_queue_wait_s(self._root))


def clock_reader(root: Root = "/") -> Callable[[], float | None]:
    """Returns a quick function that reads the highest clock (Hz) of the CPUs this process may use; None where unknown."""
    names = [os.path.join(root, CPU, "cpu%d/cpufreq/scaling_cur_freq" % cpu) for cpu in processors.allowed()[:FEW_CPUS]]
    present = [name for name in names if os.path.exists(name)]

    def clock_hz() -> float | None:
        try:
            return max((float(text(name)) * 1e3 for name in present), default=None)
        except (OSError, ValueError):
            return None

    return clock_hz


def run_queue_wait_s(root: Root = "/") -> float:
    """Returns the seconds that all threads of this process were ready to run and had no CPU.

    The kernel counts them to the nanosecond; time asleep, or waiting for a disk or a device, does not count. A kernel that
    does not count them (before 5.14, with ``nodelayacct``) says 0 to all, also how often a thread ran, which is never so of
    one that reads this.

    Raises:
        OSError: When the numbers cannot be read.
        ValueError: When the kernel does not count them.
    """
    folder = os.path.join(root, "proc/self/task")
    threads = [text(folder, thread, "schedstat").split() for thread in os.listdir(folder)]
    if not any(int(turns) for _, _, turns in threads):
        raise ValueError("the kernel does not count waits")
    return sum(float(wait_ns) for _, wait_ns, _ in threads) * 1e-9


def pressure_s(root: Root) -> float:
    """Returns the seconds that some task of the control group waited for a CPU."""
    first = text(cgroups.pressure_file(root)).split("\n", 1)[0]
    return float(dict(part.split("=") for part in first.split()[1:])["total"]) * 1e-6


def thermal_events(root: Root) -> float | None:
    """Returns how often CPUs were throttled because of their temperature; None where that is not counted."""
    paths = glob.glob(os.path.join(root, CPU, "cpu[0-9]*/thermal_throttle/*_throttle_count"))
    return sum(float(text(path)) for path in paths) if paths else None


def highest_clock_hz(root: Root) -> float:
    """Returns the highest clock of the CPUs."""
    return 1e3 * max(_readable(glob.glob(os.path.join(root, CPU, "cpu[0-9]*/cpufreq/scaling_cur_freq"))))


def temperature(root: Root) -> dict[str, float]:
    """Returns the temperature of the hottest sensor, in degrees Celsius, under the name ``hottest``."""
    return {"hottest": 1e-3 * max(_readable(glob.glob(os.path.join(root, "sys/class/thermal/thermal_zone*/temp"))))}


def first_number(root: Root, path: str) -> float:
    """Returns the number that a file begins with."""
    return float(text(root, path).split()[0])


def _readable(paths: Iterable[str]) -> Iterator[float]:
    """Yields the numbers that files hold; a CPU that is off, or a sensor of a device that sleeps, has none."""
    for path in paths:
        with suppress(OSError, ValueError):
            yield float(text(path))


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
