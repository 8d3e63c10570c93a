"""The workloads of a round in groups, and the passes over each.

As many workloads as memory holds are prepared, then measured in turn, then freed. A pass is one block of every workload of
a group, in a fresh random order: blocks that are short and many, and spread over the whole round, meet all states of the
machine in equal shares. The first one is a pilot, which finds how the blocks after it are warmed up; workloads whose single
calls are so long that they need no warm-up have no part in it. A group of one workload is a visit by itself, block after
block, with no switches and no pilot pass.

The processes of hwcost's own campaigns measure by these classes too; their events stand in
``hwcost.timing.processes.worker``.
"""

from __future__ import annotations

import gc
import os
import random
from typing import Any, Iterator, Sequence

from .blocks import PassBlock
from .rules import Rules
from .timer import stopwatch

LEAST_PASSES = 2
"""Passes after the pilot pass that are made however late it is."""

EVENT_S = 0.5
"""Least seconds between two events; quicker passes share one."""


class Process:
    """A process that measures, as its groups and passes see it.

    Attributes:
        fatal: Errors that end the process, and not a single workload.
        refusals: Those among them by which the runtime refuses a workload before it runs: that one has failed, and others go
            on; where all are refused, the first refusal ends the process.
        seed: Seed of the order of workloads within each pass.
        round: Number of the round.
        round_s: Age of the process, in seconds, after which no further pass begins; None for no limit.
        passes: Most passes over a group after its pilot pass; None for as many as every workload's criterion asks for.
        takes_turns: Whether another process measures between the passes of this one, so that each pass is an event.
        holds_many: Whether the runtime holds several prepared workloads at once.
        protocol: Rules of every workload.
        cache_bytes: Size of the device's last cache.
        current_fd: Descriptor of the file that takes the position of the workload in hand; None for no such file.
        counters: Counters of host and device.
        memory: Memory of the process.
        device_memory: Memory of the device.
    """

    fatal: tuple[type[Exception], ...] = ()
    refusals: tuple[type[Exception], ...] = ()
    seed: int = 0
    round: int = 0
    round_s: float | None = None
    passes: int | None = None
    takes_turns: bool = False
    holds_many: bool = True
    protocol: Rules
    cache_bytes: int
    current_fd: int | None = None
    counters: Any
    memory: Any
    device_memory: Any

    def age_s(self) -> float:
        """Returns the seconds since the process was started, its imports included."""
        raise NotImplementedError

    def now_s(self) -> float:
        """Returns the seconds on the clock that all processes of the campaign share."""
        raise NotImplementedError

    def prepare(self, workload: Any, position: int) -> Any:
        """Prepares a workload: builds and compiles it, runs it once, finds the calls of a block, and checks it."""
        raise NotImplementedError

    def is_out_of_memory(self, error: Exception) -> bool:
        """Says whether a workload raised because memory ran out."""
        raise NotImplementedError

    def failed_visit(self, workload: Any, position: int, error: Exception) -> dict[str, Any]:
        """Returns the event of a workload that raised; raises an error of its own where the device is gone."""
        raise NotImplementedError

    def point_at(self, position: int) -> None:
        """Writes down which workload is in hand, so that the parent knows what killed this process."""
        if self.current_fd is not None:
            os.pwrite(self.current_fd, position.to_bytes(8, "little"), 0)


class Groups:
    """The groups of one process.

    Args:
        process: Process that measures.
        tasks: Workloads with their positions, in the round's order.
    """

    def __init__(self, process: Process, tasks: Sequence[tuple[Any, int]]) -> None:
        self._process, self._left = process, list(tasks)
        self._members: list[Any] = []
        self._refused: list[tuple[Exception, dict[str, Any]]] = []
        self._is_begun = False
        self._number = 0

    def events(self) -> Iterator[dict[str, Any]]:
        """Measures group after group and yields its events; the refusal of all workloads is raised."""
        while self._left and not self._is_late():
            began_s, left = self._process.age_s(), len(self._left)
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
        process = self._process
        if self._number:
            process.memory.begin()
            process.device_memory.begin()
        while self._left and not self._is_full():
            workload, position = self._left[0]
            process.point_at(position)
            try:
                member = process.prepare(workload, position)
            except Exception as error:
                if isinstance(error, process.fatal) and not isinstance(error, process.refusals):
                    raise
                if self._members and process.is_out_of_memory(error):
                    return  # it is the first of the next group
                self._left.pop(0)
                yield from self._failed(process.failed_visit(workload, position, error), error)
                continue
            self._left.pop(0)
            self._members.append(member)
            yield from self._refusals()
            process.memory.note()
            process.device_memory.note()
            yield member.prepared(self._number)

    def _failed(self, event: dict[str, Any], error: Exception) -> Iterator[dict[str, Any]]:
        """Yields the event of a workload that cannot be prepared; refusals wait until one is not refused."""
        if isinstance(error, self._process.refusals) and (self._refused or not self._is_begun):
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
        return Passes(self._process, self._number, self._members, until_s)

    def _is_full(self) -> bool:
        process = self._process
        is_alone = process.protocol.has_pauses or not process.holds_many
        return bool(self._members) and (is_alone or not (process.memory.has_room() and process.device_memory.has_room()))

    def _until_s(self, began_s: float, left: int) -> float | None:
        """Returns the end of a group's passes: its share, by its number of workloads, of the time that is left."""
        if self._process.round_s is None:
            return None
        return began_s + (self._process.round_s - began_s) * len(self._members) / left

    def _is_late(self) -> bool:
        """Says whether time is over for workloads that are measured one after another; others still get their passes."""
        limit_s = self._process.round_s
        is_bounded = self._process.protocol.has_pauses and self._number > 0 and limit_s is not None
        return is_bounded and self._process.age_s() >= limit_s

    def _close(self) -> None:
        for member in self._members:
            member.close()
        self._members = []
        gc.unfreeze()


class Passes:
    """The passes over one group.

    Args:
        process: Process that measures.
        group: Number of the group.
        members: Prepared workloads.
        until_s: Age of the process, in seconds, after which no further pass begins; None for no such limit.
    """

    def __init__(self, process: Process, group: int, members: Sequence[Any], until_s: float | None) -> None:
        self._process, self._group, self._until_s = process, group, until_s
        self._due = list(members)
        self._size = self._held = len(members)
        self._made = 0 if self._size > 1 and any(member.needs_pilot for member in members) else 1
        self._gone: list[dict[str, Any]] = []

    def events(self) -> Iterator[dict[str, Any]]:
        """Makes passes and yields an event for one or several of them; the next begins when the next event is asked for.

        A workload for which memory runs out beside others is closed, and an event ``deferred`` names it.
        """
        while not self._is_over():
            event = self._event()
            if event["blocks"]:
                yield event
            yield from self._gone
            self._gone = []
        yield {"event": "closed", "group": self._group}

    def _event(self) -> dict[str, Any]:
        """Makes as many passes as share an event, with the conditions of the machine meanwhile."""
        process, elapsed, begun_s = self._process, stopwatch(), self._process.now_s()
        process.counters.begin()
        blocks = []
        while True:
            blocks += self._pass()
            if process.takes_turns or elapsed() >= EVENT_S or self._is_over():
                break
        seen = process.counters.end()
        return {
            "event": "pass", "group": self._group, "pass": self._made - 1, "size": self._size, "begun_s": begun_s,
            "seconds": elapsed(), "blocks": [block.to_dict() for block in blocks], "conditions": seen,
        }  # fmt: skip

    def _pass(self) -> list[PassBlock]:
        """Makes one pass; a workload that fails leaves the group, and one for which memory runs out is put off."""
        process, order = self._process, [member for member in self._due if self._made or member.needs_pilot]
        random.Random("%d/%d/%d/%d" % (process.seed, process.round, self._group, self._made)).shuffle(order)
        found = []
        for member in order:
            process.point_at(member.position)
            try:
                found.append(member.block(self._made) if self._made else member.pilot())
            except process.fatal:
                raise
            except Exception as error:
                self._due.remove(member)
                if self._held > 1 and process.is_out_of_memory(error):
                    self._held -= 1
                    member.close()
                    self._gone.append({"event": "deferred", "group": self._group, "workload_key": member.key})
                    continue
                self._gone.append(process.failed_visit(member.workload, member.position, error))
        if self._made and process.passes is None:
            self._due = [member for member in self._due if not member.is_finished(self._size)]
        self._made += 1
        return found

    def _is_over(self) -> bool:
        """Says whether no further pass begins."""
        made, limit = self._made - 1, self._process.passes
        if not self._due or (limit is not None and made >= limit):
            return True
        least = LEAST_PASSES if self._size > 1 else self._process.protocol.min_blocks
        return self._until_s is not None and made >= least and self._process.age_s() >= self._until_s
