"""Limits that a container sets on the CPU time of this process, in version 1 and 2 of control groups.

A process is bound by every group from its own up to the root of the hierarchy that it sees, so all of them are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hwcost.devices.system_files import text

ROOT = Path("/")
V2_MOUNTS = ("sys/fs/cgroup", "sys/fs/cgroup/unified")
V1_MOUNTS = ("sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu,cpuacct", "sys/fs/cgroup/cpuacct,cpu")
CONTROLLER = "cpu"


def folders(root: Path = ROOT) -> list[Path]:
    """Returns the folders of the control groups that bind this process's CPU time, its own first.

    Within a container the path that the kernel reports may lie outside of the mounted folders; then the mount itself is the
    process's group.

    Args:
        root: Folder in which ``proc`` and ``sys`` lie; tests pass a tree of their own.
    """
    found: list[Path] = []
    for number, controllers, path in _memberships(root):
        is_second, is_first = number == "0" and not controllers, CONTROLLER in controllers.split(",")
        places = V2_MOUNTS if is_second else V1_MOUNTS if is_first else ()
        mount = next((root / name for name in places if _is_mount(root / name)), None)
        if mount is not None:
            found += _upwards(mount, path)
    return found


def quota_cpus(root: Path = ROOT) -> float | None:
    """Returns how many CPUs' time this process may use at the most, by the tightest of its groups; None without a limit."""
    found = [quota for folder in folders(root) if (quota := _quota(folder)) is not None]
    return min(found, default=None)


def throttled_s(root: Path = ROOT) -> float | None:
    """Returns the seconds that this process's groups were halted for want of quota; None where no group reports them."""
    found = [seconds for folder in folders(root) if (seconds := _throttled_s(folder)) is not None]
    return sum(found) if found else None


def memory_left(root: Path = ROOT) -> list[int]:
    """Returns the bytes that each of this process's groups may still take; nothing for groups without a limit."""
    return [left for folder in folders(root) if (left := _memory_left(folder)) is not None]


def pressure_file(root: Path = ROOT) -> Path:
    """Returns the file that counts how long tasks waited for a CPU: that of the nearest group, else the machine's."""
    nearest = (folder / "cpu.pressure" for folder in folders(root))
    return next((path for path in nearest if path.exists()), root / "proc/pressure/cpu")


def _memberships(root: Path) -> Iterator[tuple[str, str, str]]:
    for line in text(root / "proc/self/cgroup").splitlines():
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
    """Returns a group's limit of memory less what it cannot give back, in version 2; None without a limit."""
    try:
        held = dict(line.split() for line in text(folder / "memory.stat").splitlines())
        in_use = int(text(folder / "memory.current")) - int(held.get("inactive_file", 0))
        return max(0, int(text(folder / "memory.max")) - in_use)
    except (OSError, ValueError):  # "max", or no such file
        return None
