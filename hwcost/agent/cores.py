"""The CPUs of a run: whole cores, held by the locks of hwcost's own campaigns, so that none runs beside another."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
from time import sleep
from typing import Any, Callable

from . import cgroups
from .errors import DeviceError, UsageError
from .files import cpu_list, text, text_or_empty
from .timer import stopwatch

FOLDERS = ("/run/lock", "/tmp", "/var/tmp")
INTEL_KINDS = ("sys/devices/cpu_core/cpus", "sys/devices/cpu_atom/cpus", "sys/devices/cpu_lowpower/cpus")
PAUSE_S = 1.0


def allowed() -> list[int]:
    """Returns the logical CPUs that this process may use, ascending; all of them where affinity is unknown."""
    try:
        return sorted(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        return list(range(os.cpu_count() or 1))


def siblings(cpu: int, root: str = "/") -> tuple[int, ...]:
    """Returns the logical CPUs of a core; in a virtual machine that hides them, CPUs 2k and 2k + 1 count as one core."""
    topology = "sys/devices/system/cpu/cpu%d/topology" % cpu
    shown: tuple[int, ...] = (cpu,)
    for name in ("core_cpus_list", "thread_siblings_list"):
        try:
            found = cpu_list(text(root, topology, name))
        except (OSError, ValueError):
            continue
        if cpu in found:
            shown = found
            break
    if len(shown) > 1 or not _is_virtual(root):
        return shown
    pair = (cpu & ~1, cpu | 1)
    present = tuple(one for one in pair if os.path.exists(os.path.join(root, "sys/devices/system/cpu/cpu%d" % one)))
    return present if cpu in present else shown


def quickest(cores: list[tuple[int, ...]], wanted: int, root: str = "/") -> list[tuple[int, ...]]:
    """Returns cores of the quickest kinds that have so many together, the last of each kind first.

    Cores are tuples of their logical CPUs. Kinds are those that the kernel tells apart; see ``hwcost.devices.processors``.
    """
    kinds = _kinds([cpu for core in cores for cpu in core], root)
    found = sorted(cores, key=lambda core: (kinds.get(core[0], 0), -core[-1]))
    slowest = kinds.get(found[min(wanted, len(found)) - 1][0], 0)
    return [core for core in found if kinds.get(core[0], 0) <= slowest]


def _kinds(cpus: list[int], root: str) -> dict[int, int]:
    """Returns how many kinds of core are quicker than that of each CPU; nothing of those whose kind is unknown."""
    found = {}
    for place, name in enumerate(INTEL_KINDS):
        listed = text_or_empty(root, name)
        found.update(dict.fromkeys(cpu_list(listed) if listed else (), place))
    if found:
        return found
    stated = {cpu: text_or_empty(root, "sys/devices/system/cpu/cpu%d/cpu_capacity" % cpu) for cpu in cpus}
    capacity = {cpu: int(number) for cpu, number in stated.items() if number.isdigit()}
    ordered = sorted(set(capacity.values()), reverse=True)
    return {cpu: ordered.index(number) for cpu, number in capacity.items()}


class Cores:
    """Locked cores; a context manager.

    Args:
        threads: Logical CPUs that are needed.
        wait_s: Seconds to wait for cores that others hold.
        say: Function that takes a line for the user.

    Attributes:
        cpus: Logical CPUs to measure on.
        is_exclusive: Whether locks are held on all their cores, and processes can be bound to them.
    """

    def __init__(self, threads: int, wait_s: float, say: Callable[[str], None]) -> None:
        if threads > len(allowed()):
            raise UsageError("%d threads need as many CPUs; this process may use %d" % (threads, len(allowed())))
        quota = cgroups.quota_cpus()
        if quota is not None and quota < threads:
            raise UsageError(
                "%d thread(s) need the time of as many CPUs, and the container's quota is that of %g: the process would be "
                "halted within timed blocks. Lift the quota, or plan the job with fewer threads" % (threads, quota)
            )
        self.cpus: list[int] = []
        self.is_exclusive = False
        self._threads, self._wait_s, self._say = threads, wait_s, say
        self._held: list[int] = []

    def __enter__(self) -> Cores:
        waited, is_said = stopwatch(), False
        while not self._take():
            if waited() >= self._wait_s:
                raise DeviceError("no CPU is free: other campaigns hold them. Run it again when they are done")
            if not is_said:
                self._say("waiting for CPUs that another campaign holds")
                is_said = True
            sleep(PAUSE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._release()

    def _take(self) -> bool:
        """Takes whole cores of the quickest kind, the last ones first, since the first serve most interrupts."""
        usable = allowed()
        cores = list({siblings(cpu) for cpu in usable})
        wanted = min(self._threads, len(cores))
        taken: list[tuple[int, ...]] = []
        can_lock = True
        for core in quickest(cores, wanted):
            if len(taken) == wanted:
                break
            locks = _locked(core)
            if locks is None:
                can_lock = False
            elif not locks:
                continue
            else:
                self._held += locks
            taken.append(core)
        if len(taken) < wanted:
            self._release()
            return False
        ranked = sorted((place, cpu) for core in taken for place, cpu in enumerate(reversed(core)) if cpu in usable)
        self.cpus = sorted(cpu for _, cpu in ranked[: self._threads])
        self.is_exclusive = can_lock and pin(usable)
        return True

    def _release(self) -> None:
        for file in self._held:
            os.close(file)
        self._held = []


def _locked(core: tuple[int, ...]) -> list[int] | None:
    """Returns open, locked files of a core; none where another process holds one, None where there can be no locks."""
    files: list[int] = []
    for cpu in core:
        try:
            file = _open(os.path.join(_folder(), "hwcost-cpu-%d.lock" % cpu))
        except OSError:
            _close(files)
            return None
        files.append(file)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            _close(files)
            return [] if error.errno in (errno.EWOULDBLOCK, errno.EACCES) else None
        try:
            os.ftruncate(file, 0)
            os.pwrite(file, json.dumps({"pid": os.getpid()}).encode(), 0)
        except OSError:
            pass  # a read-only file can be locked, but not written
    return files


def _open(path: str) -> int:
    """Opens a lock file, and makes it where it is not there; a link, or a file with a second name, is refused."""
    flags = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        file = os.open(path, os.O_RDWR | flags)
    except PermissionError:
        file = os.open(path, os.O_RDONLY | flags)
    except FileNotFoundError:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | flags, 0o666)
        os.fchmod(file, 0o666)
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        os.close(file)
        raise OSError(errno.EPERM, "not a plain file")
    return file


def _close(files: list[int]) -> None:
    for file in files:
        os.close(file)


def _folder() -> str:
    given = os.environ.get("HWCOST_LOCK_DIR")
    if given:
        os.makedirs(given, exist_ok=True)
        return given
    for name in FOLDERS:
        if os.path.isdir(name) and os.access(name, os.W_OK) and os.stat(name).st_mode & stat.S_ISVTX:
            return name
    raise OSError(errno.ENOENT, "no folder for locks")


def _is_virtual(root: str) -> bool:
    lines = text_or_empty(root, "proc/cpuinfo").splitlines()
    return any(line.startswith("flags") and "hypervisor" in line.split() for line in lines)


def pin(cpus: Any) -> bool:
    """Binds this process to CPUs; False where the system, or the container, does not let it."""
    try:
        os.sched_setaffinity(0, cpus)
    except (AttributeError, OSError):
        return False
    return True
