"""What the machine did while a visit ran: counters read before and after, never inside a timed block.

Every reading that a machine does not offer is None, never 0.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from hwcost.timing import cgroups, processors
from hwcost.timing.processors import CpuTimes

ROOT = Path("/")

FEW_CPUS = 8
"""CPUs whose clock is read between blocks at the most: every reading takes time."""

Reading = dict[str, float | None]
Found = TypeVar("Found")


def read(root: Path = ROOT) -> Reading:
    """Reads all counters once.

    Args:
        root: Where ``proc`` and ``sys`` lie; tests pass a tree of their own.
    """
    return {name: _quietly(reader, root) for name, reader in COUNTERS.items()}


def between(before: Reading, after: Reading) -> dict[str, Any]:
    """Returns what happened between two readings.

    Returns:
        Differences by counter; ``cpu_steal_fraction``, the share of the time of this process's CPUs that a hypervisor took
        away; and ``sibling_busy_fraction``, the share of time in which the other CPUs of the same cores were busy.
    """
    change: dict[str, Any] = {name: _difference(before.get(name), after.get(name)) for name in COUNTERS}
    for fraction, part, whole in FRACTIONS:
        seconds, total_s = change.pop(part), change.pop(whole)
        change[fraction] = None if seconds is None or not total_s else seconds / total_s
    return change


def clock_reader(root: Path = ROOT) -> Callable[[], float | None]:
    """Returns a quick function that tells the highest clock (Hz) of the CPUs this process may use; None where unknown."""
    cpus = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    files = [root / f"sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq" for cpu in sorted(cpus)[:FEW_CPUS]]
    present = [path for path in files if path.exists()]
    return lambda: _quietly(lambda _: max((float(_text(path)) * 1e3 for path in present), default=None), root)


def run_queue_wait_s(root: Path = ROOT) -> float | None:
    """Returns the seconds that all threads of this process were ready to run and had no CPU; None where unknown.

    The kernel counts them to the nanosecond. Time asleep, or waiting for a disk or a device, is no part of them.
    """
    return _quietly(_run_queue_wait_s, root)


def state(root: Path = ROOT) -> dict[str, Any]:
    """Returns what describes a moment rather than a span: load, clock and temperature."""
    return {
        "load_avg_1min": _quietly(lambda base: float(_text(base / "proc/loadavg").split()[0]), root),
        "cpu_clock_hz": _quietly(_clock_hz, root),
        "temperature_celsius": _quietly(_temperature, root),
        "uptime_s": _quietly(lambda base: float(_text(base / "proc/uptime").split()[0]), root),
    }


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _quietly(reader: Callable[[Path], Found | None], root: Path) -> Found | None:
    try:
        return reader(root)
    except (OSError, ValueError, IndexError, KeyError):
        return None


def _text(path: Path) -> str:
    return path.read_text(encoding="ascii", errors="replace")


def _own_times(root: Path) -> list[CpuTimes]:
    """Returns the times of the CPUs that this process may use; those of all CPUs together where they are not listed."""
    by_cpu = processors.times(root)
    own = [by_cpu[cpu] for cpu in processors.allowed() if cpu in by_cpu]
    if own:
        return own
    first = _text(root / "proc/stat").split("\n", 1)[0].split()
    if first[0] != "cpu":
        raise ValueError("no cpu line")
    return [processors.cpu_times(first[1:])]


def _sibling_times(root: Path) -> list[CpuTimes]:
    """Returns the times of the CPUs that this process may not use, but that share a core with one that it may."""
    own = processors.allowed()
    siblings = {cpu for core in processors.cores(own, root) for cpu in core.siblings}.difference(own)
    by_cpu = processors.times(root) if siblings else {}
    return [by_cpu[cpu] for cpu in siblings if cpu in by_cpu]


def _run_queue_wait_s(root: Path) -> float:
    threads = (root / "proc/self/task").iterdir()
    waits = [_text(thread / "schedstat").split()[1] for thread in threads]
    if not waits:
        raise ValueError("no threads")
    return sum(map(float, waits)) * 1e-9


def _pressure(root: Path) -> float:
    fields = dict(part.split("=") for part in _text(cgroups.pressure_file(root)).split("\n", 1)[0].split()[1:])
    return float(fields["total"]) * 1e-6


def _thermal_events(root: Path) -> float | None:
    paths = list((root / "sys/devices/system/cpu").glob("cpu[0-9]*/thermal_throttle/*_throttle_count"))
    return sum(float(_text(path)) for path in paths) if paths else None


def _clock_hz(root: Path) -> float | None:
    paths = list((root / "sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_cur_freq"))
    return max(float(_text(path)) for path in paths) * 1e3 if paths else None


def _temperature(root: Path) -> dict[str, float] | None:
    paths = list((root / "sys/class/thermal").glob("thermal_zone*/temp"))
    return {"hottest": max(float(_text(path)) for path in paths) * 1e-3} if paths else None


COUNTERS: dict[str, Callable[[Path], float | None]] = {
    "cpu_total_s": lambda root: sum(one.total_s for one in _own_times(root)),
    "cpu_steal_s": lambda root: sum(one.steal_s for one in _own_times(root)),
    "sibling_total_s": lambda root: sum(one.total_s for one in _sibling_times(root)),
    "sibling_busy_s": lambda root: sum(one.busy_s for one in _sibling_times(root)),
    "run_queue_wait_s": _run_queue_wait_s,
    "cpu_pressure_s": _pressure,
    "cgroup_throttled_s": cgroups.throttled_s,
    "thermal_throttle_events": _thermal_events,
    "involuntary_switches": lambda root: float(resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw),
    "major_faults": lambda root: float(resource.getrusage(resource.RUSAGE_SELF).ru_majflt),
}
"""Counter to reader; every reader takes the root of the file system."""

FRACTIONS = (
    ("cpu_steal_fraction", "cpu_steal_s", "cpu_total_s"),
    ("sibling_busy_fraction", "sibling_busy_s", "sibling_total_s"),
)
"""Shares of time that two counters make: name, part and whole."""
