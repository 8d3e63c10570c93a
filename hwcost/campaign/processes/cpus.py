"""CPUs for a campaign: chosen among those that are free and idle, and held so that no other campaign measures on them.

A core is what is held: its logical CPUs slow each other down by 30 to 60 %, so one campaign has all of them. Locks are
files that all processes of a machine share; the kernel frees them when their holder dies. Nobody waits while holding a part
of what it needs, so two campaigns never wait for one another.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Any

from hwcost.agent import cgroups, processors
from hwcost.agent.locks import CannotLockError, FileLock, described, machine_folder
from hwcost.agent.processors import Core
from hwcost.errors import BusyError, UsageError
from hwcost.timing import timer
from hwcost.timing.guards import guards
from hwcost.timing.measurement import Flag
from hwcost.units import format_clock

ROOT = Path("/")

WAIT_S = 600.0
"""Seconds that a campaign waits by default for CPUs that others hold."""

LOOK_S = 0.2
"""Seconds over which it is seen which CPUs are busy."""

BUSY = 0.2
"""Share of that time from which a CPU is busy with something else, so that others are taken first."""

PAUSE_S = 1.0
"""Mean seconds between two attempts; looking more often would disturb those that measure."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """CPUs that a campaign has.

    Attributes:
        cpus: Logical CPUs to measure on, ascending.
        is_exclusive: Whether locks are held on all their cores, and processes can be bound to them.
        flag: Flag that says why that is not so; None where it is.
    """

    cpus: tuple[int, ...]
    is_exclusive: bool
    flag: Flag | None = None


def refuse_too_many(threads: int, root: Path = ROOT) -> None:
    """Refuses more threads than this process has CPUs, or CPU time, for.

    Args:
        threads: Threads that are to compute at once.
        root: Folder in which ``proc`` and ``sys`` lie; tests pass a tree of their own.

    Raises:
        UsageError: When they would take turns on too few CPUs, or be halted for want of quota.
    """
    cpus = processors.allowed()
    if threads > len(cpus):
        raise UsageError(
            f"{threads} threads need {threads} CPUs, and this process may use {len(cpus)} (CPU {_named(cpus)}). Give at "
            f"most {len(cpus)} with --threads (threads=), or run it on more CPUs: see taskset, or the container's cpuset."
        )
    quota = cgroups.quota_cpus(root)
    if quota is not None and quota < threads:
        fewer = f"Give at most {int(quota)} with --threads (threads=), or lift" if quota >= 1 else "Lift"
        raise UsageError(
            f"{threads} thread(s) need the time of {threads} CPU(s), and the container's quota is that of {quota:g}: the "
            f"process would be halted within timed blocks. {fewer} the quota, for example with docker run --cpus."
        )


@contextmanager
def reserved(
    threads: int,
    holder: Mapping[str, Any],
    *,
    wait_s: float = WAIT_S,
    waiting: Callable[[str], None] = lambda who: None,
) -> Iterator[Reservation]:
    """Holds CPUs while the context lasts.

    Free cores come first that are not busy with anything else, then the last ones, since the first serve most interrupts.
    Of a hybrid processor they are all of its quickest kind, as long as that has as many. Where no lock can be held, or where
    processes cannot be bound to CPUs, these are chosen all the same, and a flag says so.

    Args:
        threads: Logical CPUs that are needed, as far as possible on cores of their own.
        holder: Facts about the holder, for the messages of other campaigns.
        wait_s: Seconds to wait for CPUs that others hold.
        waiting: Called when it has to wait, and again after each look, with who holds what.

    Raises:
        UsageError: When there are fewer CPUs than threads.
        BusyError: On entering, when others still hold too many cores after ``wait_s``; names them.
    """
    refuse_too_many(threads)
    waited = timer.stopwatch()
    while True:
        choice = _Choice(threads, holder, _busy())
        try:
            if choice.take():
                yield choice.reservation()
                return
        finally:
            choice.release()
        who = choice.holders()
        if waited() >= wait_s:
            raise BusyError(
                f"no CPU is free for {threads} thread(s): {who}. Wait longer with --wait (wait_s=), or run it when they "
                "are done."
            )
        waiting(f"{who}; waiting up to {format_clock(wait_s)}")
        sleep(random.uniform(0.5, 1.5) * PAUSE_S)  # so that two that wait do not stay in step


@contextmanager
def beside(reservation: Reservation | None, holder: Mapping[str, Any]) -> Iterator[tuple[int, ...]]:
    """Holds, beside the cores that a campaign has, those that nobody holds, for work of it that measures nothing.

    Args:
        reservation: The CPUs that the campaign has; None for one that keeps none busy, which takes all and holds none.
        holder: Facts about the campaign.

    Yields:
        All logical CPUs of these cores that this process may use, ascending; never none.
    """
    cpus = processors.allowed()
    cores = processors.cores(cpus)
    own = [core for core in cores if reservation is None or set(core.usable) & set(reservation.cpus)]
    choice = _Choice(len(cpus), holder, {})
    try:
        if reservation is not None:
            choice.take()
        yield tuple(sorted({cpu for core in (*own, *choice.taken) for cpu in core.usable})) or tuple(cpus)
    finally:
        choice.release()


def _busy() -> dict[int, float]:
    """Returns the share of a short time in which each CPU was busy; empty where it is unknown."""
    before = processors.times()
    if before:
        sleep(LOOK_S)
    return processors.busy_shares(before, processors.times())


class _Choice:
    """One attempt at holding the cores that a campaign needs.

    Args:
        threads: Logical CPUs that are needed.
        holder: Facts about the campaign that takes them.
        busy: Share of time in which each logical CPU is busy with other work.
    """

    def __init__(self, threads: int, holder: Mapping[str, Any], busy: Mapping[int, float]) -> None:
        self.threads = threads
        self.holder = dict(holder)
        self.busy = busy
        self.taken: list[Core] = []
        self.unlocked: list[Core] = []
        self.others: dict[str, list[int]] = {}
        self.unlockable = ""
        self._locks: list[FileLock] = []

    def take(self) -> bool:
        """Says whether there are the cores that are needed: held or, where that is impossible, just chosen."""
        cores = processors.cores(processors.allowed())
        wanted = min(self.threads, len(cores))
        unlockable = []
        for core in sorted(processors.quickest(cores, wanted), key=self._rank):
            if len(self.taken) == wanted:
                break
            try:
                if self._take(core):
                    self.taken.append(core)
            except CannotLockError as error:
                self.unlockable = str(error)
                unlockable.append(core)
        self.unlocked = unlockable[: wanted - len(self.taken)]
        return len(self.taken) + len(self.unlocked) == wanted

    def holders(self) -> str:
        """Says who holds the cores that were not free."""
        return "; ".join(f"CPU {_named(cpus)} held by {who}" for who, cpus in self.others.items())

    def reservation(self) -> Reservation:
        """Returns what was chosen: one CPU of each core first, then their siblings."""
        cores = [*self.taken, *self.unlocked]
        ranked = sorted((place, -core.usable[0], cpu) for core in cores for place, cpu in enumerate(reversed(core.usable)))
        cpus = tuple(sorted(cpu for _, _, cpu in ranked[: self.threads]))
        unlocked, unbound = self.unlockable if self.unlocked else "", processors.bind(processors.allowed())
        if not unlocked and not unbound:
            return Reservation(cpus, True)
        return Reservation(cpus, False, guards.not_exclusive(f"CPU {_named(cpus)}", unlocked, unbound))

    def release(self) -> None:
        """Lets go of all locks."""
        for lock in self._locks:
            lock.release()
        self._locks = []

    def _rank(self, core: Core) -> tuple[int, float, int]:
        """Puts the quickest kind of core first, of a kind idle cores, then the less busy ones; among equals the last one."""
        load = max(self.busy.get(cpu, 0.0) for cpu in core.siblings)
        return core.quicker_kinds, (load if load > BUSY else 0.0), -core.usable[-1]

    def _take(self, core: Core) -> bool:
        """Holds all logical CPUs of a core, or none of them."""
        locks: list[FileLock] = []
        try:
            for cpu in core.siblings:
                lock = FileLock(machine_folder() / f"hwcost-cpu-{cpu}.lock")
                if not lock.acquire(self.holder):
                    self.others.setdefault(described(lock.holder()), []).extend(core.siblings)
                    return False
                locks.append(lock)
            self._locks += locks
            locks = []
            return True
        finally:
            for lock in locks:
                lock.release()


def _named(cpus: Sequence[int]) -> str:
    return ", ".join(map(str, sorted(cpus)))
