"""The CPUs of a run: whole cores, held by the locks of hwcost's own campaigns, so that none runs beside another."""

from __future__ import annotations

from time import sleep
from typing import Callable

from . import cgroups, processors
from .errors import DeviceError, UsageError
from .locks import CannotLockError, FileLock, machine_folder
from .timer import stopwatch

PAUSE_S = 1.0


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
        if threads > len(processors.allowed()):
            raise UsageError("%d threads need as many CPUs; this process may use %d" % (threads, len(processors.allowed())))
        quota = cgroups.quota_cpus()
        if quota is not None and quota < threads:
            raise UsageError(
                "%d thread(s) need the time of as many CPUs, and the container's quota is that of %g: the process would be "
                "halted within timed blocks. Lift the quota, or plan the job with fewer threads" % (threads, quota)
            )
        self.cpus: list[int] = []
        self.is_exclusive = False
        self._threads, self._wait_s, self._say = threads, wait_s, say
        self._held: list[FileLock] = []

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
        usable = processors.allowed()
        cores = processors.cores(usable)
        wanted = min(self._threads, len(cores))
        taken: list[tuple[int, ...]] = []
        can_lock = True
        found = processors.quickest(cores, wanted)
        for core in [one.siblings for one in sorted(found, key=lambda one: (one.quicker_kinds, -one.siblings[-1]))]:
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
        self.is_exclusive = can_lock and not processors.bind(usable)
        return True

    def _release(self) -> None:
        _release(self._held)
        self._held = []


def _locked(core: tuple[int, ...]) -> list[FileLock] | None:
    """Returns the locks of a core; none where another process holds one, None where there can be no locks."""
    locks: list[FileLock] = []
    for cpu in core:
        try:
            lock = FileLock(machine_folder() / ("hwcost-cpu-%d.lock" % cpu))
            is_held = lock.acquire({})
        except CannotLockError:
            _release(locks)
            return None
        if not is_held:
            _release(locks)
            return []
        locks.append(lock)
    return locks


def _release(locks: list[FileLock]) -> None:
    for lock in locks:
        lock.release()
