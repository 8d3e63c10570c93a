"""Control groups of this process, for lost CPU quota, pressure and limits of memory; see ``hwcost.devices.cgroups``."""

from __future__ import annotations

import os
from typing import Iterator

from .files import text

SECOND = ("sys/fs/cgroup", "sys/fs/cgroup/unified")
FIRST = ("sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu,cpuacct", "sys/fs/cgroup/cpuacct,cpu")


def folders(root: str = "/") -> list[str]:
    """Returns the folders of the groups that bind this process, its own first."""
    found: list[str] = []
    for line in text(root, "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        is_second, is_first = number == "0" and not controllers, "cpu" in controllers.split(",")
        places = SECOND if is_second else FIRST if is_first else ()
        mounts = [os.path.join(root, name) for name in places]
        mount = next((one for one in mounts if os.path.exists(os.path.join(one, "cgroup.procs"))), None)
        if mount is not None:
            found += _upwards(mount, path)
    return found


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
    for folder in folders(root):
        try:
            held = dict(line.split() for line in text(folder, "memory.stat").splitlines())
            in_use = int(text(folder, "memory.current")) - int(held.get("inactive_file", 0))
            found.append(max(0, int(text(folder, "memory.max")) - in_use))
        except (OSError, ValueError):  # "max", or no such file
            continue
    return found


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
