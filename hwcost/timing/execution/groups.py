"""The process of a campaign, whose workloads are measured in groups and passes; see :mod:`hwcost.agent.groups`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from hwcost.agent import groups
from hwcost.agent.memory import DeviceMemory
from hwcost.backends.plugin_backends import free_bytes
from hwcost.errors import DeviceError, UsageError
from hwcost.timing import timer
from hwcost.timing.execution import plugin_runners
from hwcost.timing.execution.failure import failed_visit, is_out_of_memory
from hwcost.timing.execution.member import Member
from hwcost.timing.execution.memory import Memory
from hwcost.timing.execution.watched_memory import WatchedMemory
from hwcost.timing.guards import cache
from hwcost.timing.peaks import peaks
from hwcost.timing.setting import Limits, Setting

if TYPE_CHECKING:
    from hwcost.workloads.base import Workload

Task = tuple["Workload", int]
"""A workload and its number in the round's order."""


class Groups(groups.Groups):
    """The groups of one process of a campaign.

    Args:
        setting: Device, runtime and protocol of the process.
        limits: Limits of the process.
        tasks: Workloads in the round's order.
    """

    def __init__(self, setting: Setting, limits: Limits, tasks: Sequence[Task]) -> None:
        super().__init__(Process(setting, limits), tasks)


class Process(groups.Process):
    """A process of a campaign.

    Args:
        setting: Device, runtime and protocol of the process.
        limits: Limits of the process.
    """

    fatal, refusals = (UsageError, DeviceError), (UsageError,)

    def __init__(self, setting: Setting, limits: Limits) -> None:
        self.setting, self.protocol = setting, setting.protocol
        self.seed, self.round, self.counters = setting.seed, setting.round, setting.telemetry
        self.round_s, self.passes, self.takes_turns = limits.round_s, limits.passes, limits.takes_turns
        self.current_fd, self.holds_many = limits.current_fd, setting.backend.holds_many
        self.cache_bytes = cache.last_cache_bytes(setting.handle.profile)
        setting.backend.shares_weights = not setting.protocol.watches_memory
        self.memory, self.device_memory = Memory(limits.memory_bytes), DeviceMemory(partial(free_bytes, setting.backend))

    def age_s(self) -> float:
        """See the base class."""
        return timer.process_age_s()

    def now_s(self) -> float:
        """See the base class."""
        return timer.campaign_s()

    def prepare(self, workload: Workload, position: int) -> Member:
        """See the base class."""
        setting = self.setting
        memory = WatchedMemory(setting) if setting.protocol.watches_memory else None
        preparing = timer.stopwatch()
        runner = plugin_runners.prepared(setting.backend, setting.backend.prepare(workload, setting.handle))
        try:
            member = Member(self, workload, position, preparing() - (runner.first_run_s or 0.0), runner)
            member.quantities = _of_quantities(member, setting, memory)
            return member
        except BaseException:
            runner.close()
            raise

    def is_out_of_memory(self, error: Exception) -> bool:
        """See the base class."""
        return is_out_of_memory(error)

    def failed_visit(self, workload: Workload, position: int, error: Exception) -> dict[str, Any]:
        """See the base class."""
        return failed_visit(self.setting, workload, position, error)


def _of_quantities(member: Member, setting: Setting, memory: WatchedMemory | None) -> dict[str, Any]:
    """Returns the device's peaks, and memory and calls without a pause where a quantity that is asked for needs them.

    Args:
        member: The prepared workload.
        setting: Device, runtime and protocol of the process.
        memory: Memory that was watched since before it was prepared; None where nobody asks for it.
    """
    parts = [peaks(setting, member.workload.dtype)]
    if memory is not None:
        parts.append(memory.facts())
    lacking = setting.telemetry.unavailable()
    asked = [one for one in setting.protocol.asked if one.uninterrupted_s]
    readable = [one for one in asked if not set(one.reads) & set(lacking)]
    if readable:
        parts.append({"uninterrupted": member.uninterrupted(max(one.uninterrupted_s for one in readable))})
        lacking = setting.telemetry.unavailable()
    if asked:
        parts.append({"unavailable": lacking})
    reasons = {name: why for part in parts for name, why in part.get("unavailable", {}).items()}
    found = {name: value for part in parts for name, value in part.items() if name != "unavailable"}
    return found | ({"unavailable": reasons} if reasons else {})
