"""What the machine did while a visit ran: counters read before and after, never inside a timed block.

Every reading that a machine does not offer is None, never 0.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path("/")
TICKS_PER_S = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100

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
        Differences by counter, and ``cpu_steal_fraction``: the share of all CPU time that a hypervisor took away.
    """
    change: dict[str, Any] = {name: _difference(before.get(name), after.get(name)) for name in COUNTERS}
    total = change.pop("cpu_total_s")
    stolen = change.pop("cpu_steal_s")
    change["cpu_steal_fraction"] = None if stolen is None or not total else stolen / total
    return change


def clock_reader(root: Path = ROOT) -> Callable[[], float | None]:
    """Returns a quick function that tells the highest clock (Hz) of the CPUs this process may use; None where unknown."""
    cpus = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    files = [root / f"sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq" for cpu in sorted(cpus)[:FEW_CPUS]]
    present = [path for path in files if path.exists()]
    return lambda: _quietly(lambda _: max((float(_text(path)) * 1e3 for path in present), default=None), root)


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


def _cpu_line(root: Path) -> list[float]:
    first = _text(root / "proc/stat").split("\n", 1)[0].split()
    if first[0] != "cpu":
        raise ValueError("no cpu line")
    return [float(field) / TICKS_PER_S for field in first[1:9]]


def _pressure(root: Path) -> float:
    fields = dict(part.split("=") for part in _text(root / "proc/pressure/cpu").split("\n", 1)[0].split()[1:])
    return float(fields["total"]) * 1e-6


def _throttled(root: Path) -> float:
    fields = dict(line.split() for line in _text(root / "sys/fs/cgroup/cpu.stat").splitlines())
    return float(fields["throttled_usec"]) * 1e-6


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
    "cpu_total_s": lambda root: sum(_cpu_line(root)),
    "cpu_steal_s": lambda root: _cpu_line(root)[7],
    "cpu_pressure_s": _pressure,
    "cgroup_throttled_s": _throttled,
    "thermal_throttle_events": _thermal_events,
    "involuntary_switches": lambda root: float(resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw),
    "major_faults": lambda root: float(resource.getrusage(resource.RUSAGE_SELF).ru_majflt),
}
"""Counter to reader; every reader takes the root of the file system."""
