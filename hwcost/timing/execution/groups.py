"""The workloads of a round in groups: as many as memory holds are prepared, then measured in turn, then freed."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from hwcost.agent.memory import DeviceMemory
from hwcost.backends.plugin_backends import free_bytes
from hwcost.errors import DeviceError, UsageError
from hwcost.timing import timer
from hwcost.timing.execution import plugin_runners
from hwcost.timing.execution.failure import failed_visit, is_out_of_memory
from hwcost.timing.execution.member import Member
from hwcost.timing.execution.memory import Memory
from hwcost.timing.execution.of_quantities import of_quantities
from hwcost.timing.execution.passes import Passes, point_at
from hwcost.timing.execution.watched_memory import WatchedMemory
from hwcost.timing.setting import Limits, Setting

if TYPE_CHECKING:
    from hwcost.workloads.base import Workload

Task = tuple["Workload", int]
"""A workload and its number in the round's order."""


class Groups:
    """The groups of one process.

    Args:
        setting: Device, runtime and protocol of the process.
        limits: Limits of the process.
        tasks: Workloads in the round's order.
    """

    def __init__(self, setting: Setting, limits: Limits, tasks: Sequence[Task]) -> None:
        self._setting, self._limits, self._left = setting, limits, list(tasks)
        setting.backend.shares_weights = not setting.protocol.watches_memory
        self._memory, self._device_memory = Memory(limits.memory_bytes), DeviceMemory(partial(free_bytes, setting.backend))
        self._members: list[Member] = []
        self._refused: list[tuple[UsageError, dict[str, Any]]] = []
        self._is_begun = False
        self._number = 0

    def events(self) -> Iterator[dict[str, Any]]:
        """Measures group after group and yields the events of :mod:`hwcost.timing.processes.worker`.

        A workload that the backend refuses has failed, and others go on; an option or a format for which it refuses all of
        them ends the process.

        Raises:
            UsageError: When the backend refuses all workloads.
            DeviceError: When the device was lost.
        """
        while self._left and not self._is_late():
            began_s, left = timer.process_age_s(), len(self._left)
            try:
                yield from self._prepared()
                if self._members:
                    for event in self._passes(self._until_s(began_s, left)).events():
                        if event["event"] == "deferred":
                            self._defer(event["workload_key"])
                        yield event
            finally:
                self._close()
            self._number += 1
        if self._refused:
            raise self._refused[0][0]

    def _prepared(self) -> Iterator[dict[str, Any]]:
        """Prepares workloads until memory is full, and yields their events."""
        if self._number:
            self._memory.begin()
            self._device_memory.begin()
        while self._left and not self._is_full():
            workload, position = self._left[0]
            point_at(self._limits, position)
            try:
                member = prepare(self._setting, workload, position)
            except DeviceError:
                raise
            except Exception as error:
                if self._members and is_out_of_memory(error):
                    return  # it is the first of the next group
                self._left.pop(0)
                yield from self._failed(failed_visit(self._setting, workload, position, error), error)
                continue
            self._left.pop(0)
            self._members.append(member)
            yield from self._refusals()
            self._memory.note()
            self._device_memory.note()
            yield member.prepared(self._number)

    def _failed(self, event: dict[str, Any], error: Exception) -> Iterator[dict[str, Any]]:
        """Yields the event of a workload that cannot be prepared; refusals wait until one is not refused."""
        if isinstance(error, UsageError) and (self._refused or not self._is_begun):
            self._refused.append((error, event))
            return
        yield from self._refusals()
        yield event

    def _refusals(self) -> Iterator[dict[str, Any]]:
        """Yields the events of the workloads that were refused before any other was not."""
        self._is_begun = True
        yield from (event for _, event in self._refused)
        self._refused = []

    def _defer(self, key: str) -> None:
        """Puts a workload that memory did not suffice for into the next group, as its first; it is closed by now."""
        member = next(one for one in self._members if one.key == key)
        self._members.remove(member)
        self._left.insert(0, (member.workload, member.position))

    def _passes(self, until_s: float | None) -> Passes:
        """Makes ready for passes: what is there by now is not looked through for garbage while blocks are timed."""
        gc.collect()
        gc.freeze()
        return Passes(self._setting, self._limits, self._number, self._members, until_s)

    def _is_full(self) -> bool:
        alone = self._setting.protocol.has_pauses or not self._setting.backend.holds_many
        return bool(self._members) and (alone or not (self._memory.has_room() and self._device_memory.has_room()))

    def _until_s(self, began_s: float, left: int) -> float | None:
        """Returns the end of a group's passes: its share, by its number of workloads, of the time that is left."""
        if self._limits.round_s is None:
            return None
        return began_s + (self._limits.round_s - began_s) * len(self._members) / left

    def _is_late(self) -> bool:
        """Says whether time is over for workloads that are measured one after another; others still get their passes."""
        alone = self._setting.protocol.has_pauses and self._number > 0
        return alone and self._limits.round_s is not None and timer.process_age_s() >= self._limits.round_s

    def _close(self) -> None:
        for member in self._members:
            member.close()
        self._members = []
        gc.unfreeze()


def prepare(setting: Setting, workload: Workload, position: int) -> Member:
    """Prepares a workload: builds and compiles it, runs it once, finds the calls of a block, and checks it.

    Args:
        setting: Device, runtime and protocol of the process.
        workload: The workload.
        position: Its number in the round's order.
    """
    memory = WatchedMemory(setting) if setting.protocol.watches_memory else None
    preparing = timer.stopwatch()
    runner = plugin_runners.prepared(setting.backend, setting.backend.prepare(workload, setting.handle))
    try:
        member = Member(setting, workload, position, preparing(), runner)
        member.quantities = of_quantities(member, setting, memory)
        return member
    except BaseException:
        runner.close()
        raise
