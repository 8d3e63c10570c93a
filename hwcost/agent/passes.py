"""The groups of a process and the passes over each: one block of every workload a pass, in a fresh random order.

See ``hwcost.timing.execution.groups`` and ``hwcost.timing.execution.passes``, whose events these are.
"""

from __future__ import annotations

import gc
import os
import random
from typing import Any, Iterator

from . import rules, timer
from .errors import DeviceError, MeasurementError, UsageError, first_line, is_out_of_memory
from .member import Member
from .memory import DeviceMemory, Memory

LEAST_PASSES = 2
EVENT_S = 0.5


class Setting:
    """What all workloads of a process are measured with.

    Args:
        task: The task of the process: job, number of the round, limits.
        runtime: Runtime that executes.
        counters: Counters of host and device.
    """

    def __init__(self, task: dict[str, Any], runtime: Any, counters: Any) -> None:
        job = task["job"]
        self.runtime, self.counters, self.protocol, self.round = runtime, counters, job["protocol"], task["round"]
        self.seed, self.arrival, self.cache_bytes = job["seed"], job["arrival"], job["device"]["cache_bytes"]
        self.began_s, self.round_s = task["began_s"], task["round_s"]
        self.memory_bytes, self.current_fd = task["memory_bytes"], task["current_fd"]

    def age_s(self) -> float:
        """Returns the seconds since the process was started, its imports included."""
        return timer.run_s() - self.began_s

    def device_bytes(self) -> int | None:
        """Returns the free bytes of a card, with those that the runtime keeps for later; None where they are unknown."""
        free = self.counters.free_bytes()
        kept = self.runtime.kept_bytes() if hasattr(self.runtime, "kept_bytes") else 0
        return None if free is None else free + kept

    def point_at(self, position: int) -> None:
        """Writes down which workload is in hand, so that the parent knows what killed this process."""
        if self.current_fd is not None:
            os.pwrite(self.current_fd, position.to_bytes(8, "little"), 0)


class Groups:
    """The groups of one process: as many workloads as memory holds are prepared, measured in turn, then freed.

    Args:
        setting: Settings that all workloads are measured with.
        tasks: Workloads with their positions, in the round's order.
    """

    def __init__(self, setting: Setting, tasks: list[tuple[dict[str, Any], int]]) -> None:
        self._setting, self._left = setting, list(tasks)
        self._memory, self._device_memory = Memory(setting.memory_bytes), DeviceMemory(setting.device_bytes)
        self._members: list[Member] = []
        self._number = 0
        self._pauses = rules.has_pauses(setting.protocol)

    def events(self) -> Iterator[dict[str, Any]]:
        """Measures group after group and yields its events."""
        while self._left and not self._is_late():
            began_s, left = self._setting.age_s(), len(self._left)
            try:
                for event in self._prepared():
                    yield event
                if self._members:
                    gc.collect()
                    gc.freeze()
                    until_s = self._until_s(began_s, left)
                    for event in Passes(self._setting, self._number, self._members, until_s).events():
                        if event["event"] == "deferred":
                            self._defer(event["workload_key"])
                        yield event
            finally:
                self._close()
            self._number += 1

    def _prepared(self) -> Iterator[dict[str, Any]]:
        if self._number:
            self._memory.begin()
            self._device_memory.begin()
        while self._left and not self._is_full():
            workload, position = self._left[0]
            self._setting.point_at(position)
            try:
                member = Member(self._setting, workload, position)
            except (UsageError, DeviceError):
                raise
            except Exception as error:
                if self._members and is_out_of_memory(error):
                    return  # it is the first of the next group
                self._left.pop(0)
                yield failed_visit(self._setting, workload, position, error)
                continue
            self._left.pop(0)
            self._members.append(member)
            self._memory.note()
            self._device_memory.note()
            yield member.prepared(self._number)

    def _defer(self, key: str) -> None:
        """Puts a workload that memory did not suffice for into the next group, as its first; it is closed by now."""
        member = next(one for one in self._members if one.key == key)
        self._members.remove(member)
        self._left.insert(0, (member.workload, member.position))

    def _is_full(self) -> bool:
        alone = self._pauses or not self._setting.runtime.holds_many
        return bool(self._members) and (alone or not (self._memory.has_room() and self._device_memory.has_room()))

    def _until_s(self, began_s: float, left: int) -> float | None:
        if self._setting.round_s is None:
            return None
        return began_s + (self._setting.round_s - began_s) * len(self._members) / left

    def _is_late(self) -> bool:
        limit_s = self._setting.round_s
        return self._pauses and self._number > 0 and limit_s is not None and self._setting.age_s() >= limit_s

    def _close(self) -> None:
        for member in self._members:
            member.close()
        self._members = []
        gc.unfreeze()


class Passes:
    """The passes over one group.

    Args:
        setting: Settings that all workloads are measured with.
        group: Number of the group.
        members: Its workloads.
        until_s: Age of the process, in seconds, after which no further pass begins; None for no such limit.
    """

    def __init__(self, setting: Setting, group: int, members: list[Member], until_s: float | None) -> None:
        self._setting, self._group, self._until_s = setting, group, until_s
        self._due, self._size, self._held = list(members), len(members), len(members)
        self._made = 0 if self._size > 1 else 1
        self._gone: list[dict[str, Any]] = []

    def events(self) -> Iterator[dict[str, Any]]:
        """Makes passes and yields an event for one or several of them.

        A workload for which memory runs out beside others is closed, and an event ``deferred`` names it.
        """
        while not self._is_over():
            event = self._event()
            if event["blocks"]:
                yield event
            for gone in self._gone:
                yield gone
            self._gone = []
        yield {"event": "closed", "group": self._group}

    def _event(self) -> dict[str, Any]:
        counters, elapsed, begun_s = self._setting.counters, timer.stopwatch(), timer.run_s()
        counters.begin()
        blocks: list[dict[str, Any]] = []
        while True:
            blocks += self._pass()
            if elapsed() >= EVENT_S or self._is_over():
                break
        seen = counters.end()
        return {
            "event": "pass", "group": self._group, "pass": self._made - 1, "size": self._size, "begun_s": begun_s,
            "seconds": elapsed(), "blocks": blocks, "conditions": seen,
        }  # fmt: skip

    def _pass(self) -> list[dict[str, Any]]:
        setting, order = self._setting, list(self._due)
        random.Random("%d/%d/%d/%d" % (setting.seed, setting.round, self._group, self._made)).shuffle(order)
        found = []
        for member in order:
            setting.point_at(member.position)
            try:
                found.append(member.block(self._made) if self._made else member.pilot())
            except (UsageError, DeviceError):
                raise
            except Exception as error:
                self._due.remove(member)
                if self._held > 1 and is_out_of_memory(error):
                    self._held -= 1
                    member.close()
                    self._gone.append({"event": "deferred", "group": self._group, "workload_key": member.key})
                    continue
                self._gone.append(failed_visit(setting, member.workload, member.position, error))
        if self._made:
            self._due = [member for member in self._due if not member.is_finished(self._size)]
        self._made += 1
        return found

    def _is_over(self) -> bool:
        made = self._made - 1
        least = LEAST_PASSES if self._size > 1 else self._setting.protocol["min_blocks"]
        late = self._until_s is not None and made >= least and self._setting.age_s() >= self._until_s
        return not self._due or late


def failed_visit(setting: Setting, workload: dict[str, Any], position: int, error: Exception) -> dict[str, Any]:
    """Returns the event of a workload that raised.

    Raises:
        DeviceError: When it failed because the device is gone.
        ContextLostError: When nothing further can run on the device in this process.
    """
    setting.counters.check()
    if hasattr(setting.runtime, "check_alive"):
        setting.runtime.check_alive()
    code, text = "E_FAILED", "'%s' failed: %s: %s" % (workload["name"], type(error).__name__, first_line(error))
    if is_out_of_memory(error):
        text = "'%s' ran out of memory: %s. Take a smaller batch, or a shorter sequence." % (
            workload["name"], first_line(error),
        )  # fmt: skip
    elif isinstance(error, MeasurementError):
        code, colon, rest = str(error).partition(": ")
        code, text = (code, rest) if colon and code.startswith("E_") else ("E_FAILED", str(error))
    return failure(workload["key"], setting.round, position, code, text)


def failure(key: str, number: int, position: int, code: str, text: str, remedy: str = "") -> dict[str, Any]:
    """Returns the event of a visit without samples, with its reason."""
    flag = {"code": code, "text": text[:2000], "remedy": remedy}
    visit = {"workload_key": key, "round": number, "position": position, "started_at": timer.utc_now()}
    return {"event": "visit", "visit": {**visit, "status": "failed", "flags": [flag]}}
