"""Passes over the workloads of a group: each in a fresh random order, one block of every workload a pass.

Blocks that are short and many, and spread over the whole round, meet all states of the machine in equal shares. A group of
one workload is a visit by itself, block after block, with no switches and no pilot pass.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Sequence
from typing import Any

from hwcost.errors import DeviceError, UsageError
from hwcost.timing import timer
from hwcost.timing.execution.failure import failed_visit, is_out_of_memory
from hwcost.timing.execution.member import Member
from hwcost.timing.setting import Limits, Setting
from hwcost.timing.visits.pass_block import PassBlock

LEAST_PASSES = 2
"""Passes after the pilot pass that are made however late it is."""

EVENT_S = 0.5
"""Least seconds between two events; quicker passes share one."""


class Passes:
    """The passes over one group.

    Args:
        setting: Device, runtime and protocol of the process.
        limits: Limits of the process.
        group: Number of the group.
        members: Prepared workloads.
        until_s: Age of the process, in seconds, after which no further pass begins; None for no such limit.
    """

    def __init__(
        self, setting: Setting, limits: Limits, group: int, members: Sequence[Member], until_s: float | None
    ) -> None:
        self._setting, self._limits, self._group, self._until_s = setting, limits, group, until_s
        self._due = list(members)
        self._size = self._held = len(members)
        self._made = 0 if self._size > 1 else 1
        self._left: list[dict[str, Any]] = []

    def events(self) -> Iterator[dict[str, Any]]:
        """Makes passes and yields an event for one or several of them; the next begins when the next event is asked for.

        A workload for which memory runs out beside others is closed, and an event ``deferred`` names it.
        """
        while not self._is_over():
            event = self._event()
            if event["blocks"]:
                yield event
            yield from self._left
            self._left = []
        yield {"event": "closed", "group": self._group}

    def _event(self) -> dict[str, Any]:
        """Makes as many passes as share an event, with the conditions of the machine meanwhile."""
        telemetry, elapsed, begun_s = self._setting.telemetry, timer.stopwatch(), timer.campaign_s()
        telemetry.begin()
        blocks = []
        while True:
            blocks += self._pass()
            if self._limits.takes_turns or elapsed() >= EVENT_S or self._is_over():
                break
        seen = telemetry.end()
        return {
            "event": "pass",
            "group": self._group,
            "pass": self._made - 1,
            "size": self._size,
            "begun_s": begun_s,
            "seconds": elapsed(),
            "blocks": [block.to_dict() for block in blocks],
            "conditions": seen,
        }

    def _pass(self) -> list[PassBlock]:
        """Makes one pass; a workload that fails leaves the group, and one for which memory runs out is put off."""
        order = list(self._due)
        random.Random(f"{self._setting.seed}/{self._setting.round}/{self._group}/{self._made}").shuffle(order)
        found = []
        for member in order:
            point_at(self._limits, member.position)
            try:
                found.append(member.block(self._made) if self._made else member.pilot())
            except (UsageError, DeviceError):
                raise
            except Exception as error:
                self._due.remove(member)
                if self._held > 1 and is_out_of_memory(error):
                    self._held -= 1
                    member.close()
                    self._left.append({"event": "deferred", "group": self._group, "workload_key": member.key})
                    continue
                self._left.append(failed_visit(self._setting, member.workload, member.position, error))
        if self._made and self._limits.passes is None:
            self._due = [member for member in self._due if not member.is_finished(self._size)]
        self._made += 1
        return found

    def _is_over(self) -> bool:
        """Says whether no further pass begins."""
        made = self._made - 1
        if not self._due or (self._limits.passes is not None and made >= self._limits.passes):
            return True
        least = LEAST_PASSES if self._size > 1 else self._setting.protocol.min_blocks
        return self._until_s is not None and made >= least and timer.process_age_s() >= self._until_s


def point_at(limits: Limits, position: int) -> None:
    """Writes down which workload is in hand, so that the parent knows what killed this process."""
    if limits.current_fd is not None:
        os.pwrite(limits.current_fd, position.to_bytes(8, "little"), 0)
