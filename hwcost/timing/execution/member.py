"""A workload of a campaign that is prepared in this process, and its blocks; see :mod:`hwcost.agent.member`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hwcost.agent import member, warmup
from hwcost.agent.blocks import Block
from hwcost.devices import device_kind
from hwcost.errors import UsageError
from hwcost.registry import is_own
from hwcost.timing import timer
from hwcost.timing.guards import cache, work

if TYPE_CHECKING:
    from hwcost.backends.base import Runner
    from hwcost.timing.execution.groups import Process
    from hwcost.workloads.base import Workload


class Member(member.Member):
    """A prepared workload of a campaign.

    Args:
        process: Process that measures.
        workload: The workload.
        position: Its number in the round's order.
        prepare_s: Seconds that preparing it took.
        runner: The workload, ready to run.

    Attributes:
        quantities: Facts that quantities are worked out from, found once a round.
    """

    cold_error = UsageError
    process: Process
    workload: Workload
    runner: Runner

    def __init__(self, process: Process, workload: Workload, position: int, prepare_s: float, runner: Runner) -> None:
        super().__init__(process, workload, position, prepare_s, runner)
        self.quantities: dict[str, Any] = {}

    @property
    def key(self) -> str:
        """See the base class."""
        return self.workload.key

    @property
    def name(self) -> str:
        """See the base class."""
        return self.workload.name

    def prepared(self, group: int) -> dict[str, Any]:
        """See the base class."""
        return super().prepared(group) | {"quantities": self.quantities}

    def uninterrupted(self, least_s: float) -> dict[str, Any]:
        """Runs blocks one after another, and returns their calls and seconds with what telemetry says of them.

        Args:
            least_s: Least seconds of all blocks.
        """
        telemetry, calls, seconds = self.process.counters, 0, 0.0
        telemetry.begin()
        while seconds < least_s:
            telemetry.before_block()
            seconds += self.runner.time_block(self.calls).host_s
            telemetry.after_block()
            calls += self.calls
        seen = {name: value for name, value in telemetry.end().items() if value is not None}
        return {"calls": calls, "seconds": seconds, **seen}

    def _clock(self) -> timer.Clock:
        return timer.clock_of(self.runner)

    def _compilations(self) -> int:
        return self.runner.compile_events()

    def _bound_s(self) -> float | None:
        setting = self.process.setting
        return work.bound_s(self.workload, setting.handle.profile, setting.backend.threads)

    def _hot_cache(self) -> dict[str, Any]:
        return cache.fits_cache(self.workload, self.process.setting.handle.profile)

    def _loop(self) -> Block:
        loop = super()._loop()
        if loop.calls == 1 and loop.seconds >= warmup.LONG_S and not self.process.protocol.times_single_calls:
            self.runner.time_layers()
        elif loop.calls > 1 and self._returns_done():
            self.runner.time_slices()
        return loop

    def _returns_done(self) -> bool:
        """Says whether it is certain that every call has returned only when the device is done with it."""
        setting = self.process.setting
        is_on_host = setting.backend.uses_processor and device_kind(setting.handle.kind).is_host
        return is_on_host and is_own(type(self.runner))
