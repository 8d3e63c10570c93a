"""Control groups of this process: limits of CPU time and memory, lost quota, pressure; see ``hwcost.devices.cgroups``."""

from __future__ import annotations

import os
from typing import Iterator

from .files import text, text_or_empty

SECOND = ("sys/fs/cgroup", "sys/fs/cgroup/unified")
FIRST = {
    "cpu": ("sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu,cpuacct", "sys/fs/cgroup/cpuacct,cpu"),
    "memory": ("sys/fs/cgroup/memory",),
}
MEMORY_LIMITS = ("memory.max", "memory.high", "memory.limit_in_bytes")
NO_LIMIT_BYTES = 1 << 62


def folders(root: str = "/", controller: str = "cpu") -> list[str]:
    """Returns the folders of the groups that bind this process's CPU time or memory, its own first; none where unknown."""
    found: list[str] = []
    for line in text_or_empty(root, "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        is_second, is_first = number == "0" and not controllers, controller in controllers.split(",")
        places = SECOND if is_second else FIRST[controller] if is_first else ()
        mounts = [os.path.join(root, name) for name in places]
        mount = next((one for one in mounts if os.path.exists(os.path.join(one, "cgroup.procs"))), None)
        if mount is not None:
            found += _upwards(mount, path)
    return found


def quota_cpus(root: str = "/") -> float | None:
    """Returns how many CPUs' time this process may use at the most, by the tightest of its groups; None without a limit."""
    found = list(_quotas(root))
    return min(found) if found else None


def throttled_s(root: str = "/") -> float | None:
    """Returns the seconds without CPU quota; None where no group reports them."""
    found = list(_throttled(root))
    return sum(found) if found else None


def pressure_file(root: str = "/") -> str:
    """Returns the file that counts how long tasks waited for a CPU: that of the nearest group, else the machine's."""
    for folder in folders(root):
        if os.path.exists(os.path.join(folder, "cpu.pressure")):
            return os.path.join(folder, "cpu.pressure")
    return os.path.join(root, "proc/pressure/cpu")


def memory_left(root: str = "/") -> list[int]:
    """Returns the bytes that each group may still take; nothing for groups without a limit."""
    found = []
    for folder in folders(root, "memory"):
        limits = [int(limit) for limit in (text_or_empty(folder, name) for name in MEMORY_LIMITS) if limit.isdigit()]
        limits = [limit for limit in limits if limit < NO_LIMIT_BYTES]
        is_second = os.path.exists(os.path.join(folder, "memory.current"))
        used, files = ("current", "inactive_file") if is_second else ("usage_in_bytes", "total_inactive_file")
        try:
            held = dict(line.split() for line in text(folder, "memory.stat").splitlines())
            in_use = int(text(folder, "memory.%s" % used)) - int(held.get(files, 0))
        except (OSError, ValueError):
            continue
        found += [max(0, min(limits) - in_use)] if limits else []
    return found


def _quotas(root: str) -> Iterator[float]:
    for folder in folders(root):
        try:
            if os.path.exists(os.path.join(folder, "cpu.max")):
                quota, period = text(folder, "cpu.max").split()
            else:
                quota, period = (text(folder, "cpu.cfs_%s_us" % name) for name in ("quota", "period"))
            if quota not in ("max", "-1"):
                yield float(quota) / float(period)
        except (OSError, ValueError, ZeroDivisionError):
            continue


def _throttled(root: str) -> Iterator[float]:
    for folder in folders(root):
        try:
            fields = dict(line.split() for line in text(folder, "cpu.stat").splitlines())
            if "throttled_usec" in fields:
                yield float(fields["throttled_usec"]) * 1e-6
            else:
                yield float(fields["throttled_time"]) * 1e-9
        except (OSError, ValueError, KeyError):
            continue


def _upwards(mount: str, path: str) -> list[str]:
    parts = [part for part in path.split("/") if part]
    if ".." in parts or not os.path.isdir(os.path.join(mount, *parts)):
        return [mount]
    return [os.path.join(mount, *parts[:depth]) for depth in range(len(parts), -1, -1)]
