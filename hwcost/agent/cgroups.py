"""Limits that a container sets on this process's CPU time and memory, in version 1 and 2 of control groups.

A process is bound by every group from its own up to the root of the hierarchy that it sees, so all of them are read.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Iterator

from .files import text, text_or_empty

ROOT = "/"
V2_MOUNTS = ("sys/fs/cgroup", "sys/fs/cgroup/unified")
V1_MOUNTS = {
    "cpu": ("sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu,cpuacct", "sys/fs/cgroup/cpuacct,cpu"),
    "memory": ("sys/fs/cgroup/memory",),
}
"""Mounts of version 1 by their controller: each has a hierarchy of its own."""

MEMORY_LIMITS = ("memory.max", "memory.high", "memory.limit_in_bytes")
"""Files with limits of memory: at the second one a process is held back while pages are taken from it; the third one is that
of version 1."""

NO_LIMIT_BYTES = 1 << 62
"""Bytes from which a limit of version 1 is none."""


def folders(root: str | PathLike[str] = ROOT, controller: str = "cpu") -> list[Path]:
    """Returns the folders of the control groups that bind this process's CPU time or memory, its own first.

    A kernel without control groups has none. Within a container the path that the kernel reports may lie outside of the
    mounted folders; then the mount itself is the process's group.

    Args:
        root: Folder in which ``proc`` and ``sys`` lie; tests pass a tree of their own.
        controller: ``cpu`` or ``memory``.
    """
    root, found = Path(root), []
    for number, controllers, path in _memberships(root):
        is_second, is_first = number == "0" and not controllers, controller in controllers.split(",")
        places = V2_MOUNTS if is_second else V1_MOUNTS[controller] if is_first else ()
        mount = next((root / name for name in places if _is_mount(root / name)), None)
        if mount is not None:
            found += _upwards(mount, path)
    return found


def quota_cpus(root: str | PathLike[str] = ROOT) -> float | None:
    """Returns how many CPUs' time this process may use at the most, by the tightest of its groups; None without a limit."""
    found = [quota for folder in folders(root) if (quota := _quota(folder)) is not None]
    return min(found, default=None)


def throttled_s(root: str | PathLike[str] = ROOT) -> float | None:
    """Returns the seconds that this process's groups were halted for want of quota; None where no group reports them."""
    found = [seconds for folder in folders(root) if (seconds := _throttled_s(folder)) is not None]
    return sum(found) if found else None


def memory_left(root: str | PathLike[str] = ROOT) -> list[int]:
    """Returns the bytes that each of this process's groups may still take; nothing for groups without a limit."""
    return [left for folder in folders(root, "memory") if (left := _memory_left(folder)) is not None]


def pressure_file(root: str | PathLike[str] = ROOT) -> Path:
    """Returns the file that counts how long tasks waited for a CPU: that of the nearest group, else the machine's."""
    nearest = (folder / "cpu.pressure" for folder in folders(root))
    return next((path for path in nearest if path.exists()), Path(root) / "proc/pressure/cpu")


def _memberships(root: Path) -> Iterator[tuple[str, str, str]]:
    for line in text_or_empty(root / "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        yield number, controllers, path


def _is_mount(folder: Path) -> bool:
    """Says whether a hierarchy is mounted there: it lists processes. Of mixed mounts the top is a plain folder."""
    return (folder / "cgroup.procs").exists()


def _upwards(mount: Path, path: str) -> list[Path]:
    """Returns the folders from a group's own up to the mount; the mount alone when the group lies outside of it."""
    parts = [part for part in path.split("/") if part]
    if ".." in parts or not mount.joinpath(*parts).is_dir():
        return [mount]
    return [mount.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1)]


def _quota(folder: Path) -> float | None:
    try:
        if (folder / "cpu.max").exists():
            quota, period = text(folder / "cpu.max").split()
        else:
            quota, period = (text(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
        return None if quota in ("max", "-1") else float(quota) / float(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _throttled_s(folder: Path) -> float | None:
    """Reads ``throttled_usec`` (version 2) or ``throttled_time`` in nanoseconds (version 1)."""
    try:
        fields = dict(line.split() for line in text(folder / "cpu.stat").splitlines())
        if "throttled_usec" in fields:
            return float(fields["throttled_usec"]) * 1e-6
        return float(fields["throttled_time"]) * 1e-9
    except (OSError, ValueError, KeyError):
        return None


def _memory_left(folder: Path) -> int | None:
    """Returns a group's limit of memory less what it cannot give back; None without a limit."""
    limits = [limit for name in MEMORY_LIMITS if (limit := _limit_bytes(folder / name)) is not None]
    is_second = (folder / "memory.current").exists()
    used, files = ("current", "inactive_file") if is_second else ("usage_in_bytes", "total_inactive_file")
    try:
        held = dict(line.split() for line in text(folder / "memory.stat").splitlines())
        in_use = int(text(folder / f"memory.{used}")) - int(held.get(files, 0))
    except (OSError, ValueError):
        return None
    return max(0, min(limits) - in_use) if limits else None


def _limit_bytes(path: Path) -> int | None:
    try:
        limit = int(text(path))
    except (OSError, ValueError):  # "max", or no such file
        return None
    return limit if limit < NO_LIMIT_BYTES else None
