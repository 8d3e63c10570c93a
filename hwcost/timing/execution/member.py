"""A workload that is prepared in this process, and its blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hwcost.agent import warmup
from hwcost.agent.rules import CHEAP, LEAST_GROUP
from hwcost.devices import device_kind
from hwcost.devices.telemetry import BlockReading
from hwcost.errors import UsageError
from hwcost.registry import is_own
from hwcost.timing import timer
from hwcost.timing.arrival import Arrival
from hwcost.timing.execution import visit_end
from hwcost.timing.guards import cache, work
from hwcost.timing.visits.accepted import uncontended, with_counters
from hwcost.timing.visits.pass_block import PassBlock, Role

if TYPE_CHECKING:
    from hwcost.backends.base import BlockTiming, Runner
    from hwcost.timing.setting import Setting
    from hwcost.workloads.base import Workload


class Member:
    """A prepared workload.

    Args:
        setting: Device, runtime and protocol of the process.
        workload: The workload.
        position: Its number in the round's order.
        prepare_s: Seconds that preparing it took.
        runner: The workload, ready to run.

    Attributes:
        quantities: Facts that quantities are worked out from, found once a round.
    """

    def __init__(self, setting: Setting, workload: Workload, position: int, prepare_s: float, runner: Runner) -> None:
        self.workload, self.position, self.runner, self.prepare_s = workload, position, runner, prepare_s
        self.key = workload.key
        self.clock = timer.clock_of(runner)
        self.first_run_s = timer.time_block(runner.time_block, 1).seconds
        self.timed: list[PassBlock] = []
        self.quantities: dict[str, Any] = {}
        self.warmup_calls = 0
        self._setting, self._protocol = setting, setting.protocol
        self._read, self._started_s = BlockReading(), 0.0
        self._cache_bytes = cache.last_cache_bytes(setting.handle.profile)
        self._steady_from: int | None = None
        self._pause = self._pauses()
        compiled = runner.compile_events()
        self.loop = self._loop()
        self.calls = self.loop.calls
        if self.calls == 1 and self.loop.seconds >= warmup.LONG_S and not self._protocol.times_single_calls:
            runner.time_layers()
        elif self.calls > 1 and self._returns_done():
            runner.time_slices()
        self.checks: dict[str, Any] = self._checks()
        self.checks["compiled"] = runner.compile_events() - compiled

    def pilot(self) -> PassBlock:
        """Times the calls right after a switch and a block after them, and finds how many calls warm the next ones up."""
        if self._protocol.times_single_calls:
            return self._block(0, "warm-up")
        if self.calls == 1 and self.loop.seconds >= warmup.LONG_S:
            made = self._block(0, "warm-up")
            return replace(made, first_s=made.block.seconds)
        size = warmup.chunk(self.calls)
        compiled = self.runner.compile_events()
        parts = [timer.time_block(self.runner.time_block, size).per_call_s for _ in range(warmup.looks(self.calls))]
        made = self._block(0, "warm-up")
        self.warmup_calls = warmup.warmup_calls(parts, made.block.per_call_s, self.calls)
        compiled = self.runner.compile_events() - compiled
        return replace(made, first_s=parts[0], warmup_calls=size * len(parts), compiled=compiled)

    def block(self, number: int) -> PassBlock:
        """Times the block of a pass, after the calls that warm it up."""
        compiled, first_s = self.runner.compile_events(), None
        if self.warmup_calls:
            first_s = timer.time_block(self.runner.time_block, 1).seconds
        if self.warmup_calls > 1:
            self.runner.run(self.warmup_calls - 1)
        made = self._block(number, "timed")
        compiled = self.runner.compile_events() - compiled
        made = replace(made, first_s=first_s, warmup_calls=self.warmup_calls, compiled=compiled)
        self.timed.append(made)
        return made

    def is_finished(self, size: int) -> bool:
        """Says whether the workload has what its protocol asks for, in a group of so many workloads.

        Blocks that are spread over a large group need no window that is steady: they are judged beside the others' later.
        """
        blocks, protocol = [made.block for made in self.timed], self._protocol
        samples, spent_s = [block.per_call_s for block in blocks], sum(made.spent_s for made in self.timed)
        steady_from = 0 if size >= LEAST_GROUP else self._steady_from
        decision = visit_end.decide(samples, spent_s, protocol, steady_from)
        if self._steady_from is None and decision.warmup < len(blocks):
            self._steady_from = decision.warmup
        if not decision.finished or self._steady_from is None or protocol.has_pauses:
            return decision.finished
        count = len(blocks) - self._steady_from
        enough = count >= protocol.max_blocks or uncontended(blocks[self._steady_from :]) >= protocol.min_blocks
        return enough or spent_s >= protocol.cap_s(spent_s / len(blocks))

    def uninterrupted(self, least_s: float) -> dict[str, Any]:
        """Runs blocks one after another, and returns their calls and seconds with what telemetry says of them.

        Args:
            least_s: Least seconds of all blocks.
        """
        telemetry, calls, seconds = self._setting.telemetry, 0, 0.0
        telemetry.begin()
        while seconds < least_s:
            telemetry.before_block()
            seconds += self.runner.time_block(self.calls).host_s
            telemetry.after_block()
            calls += self.calls
        seen = {name: value for name, value in telemetry.end().items() if value is not None}
        return {"calls": calls, "seconds": seconds, **seen}

    def prepared(self, group: int) -> dict[str, Any]:
        """Returns the event that tells of the workload."""
        return {
            "event": "prepared",
            "workload_key": self.key,
            "name": self.workload.name,
            "round": self._setting.round,
            "group": group,
            "position": self.position,
            "prepare_s": self.prepare_s,
            "first_run_s": self.first_run_s,
            "loop_s": self.loop.per_call_s,
            "calls": self.calls,
            "facts": self.runner.facts,
            "checks": self.checks,
            "quantities": self.quantities,
        }

    def close(self) -> None:
        """Frees the workload."""
        self.runner.close()

    def _loop(self) -> timer.Block:
        """Finds the calls of a block, and returns the first one of so many."""
        if self._protocol.times_single_calls:
            return timer.single_block(self._timing, self.clock)
        return timer.first_block(self._timing, self._protocol.min_block_s, self.clock)

    def _returns_done(self) -> bool:
        """Says whether it is certain that every call has returned only when the device is done with it."""
        setting = self._setting
        is_on_host = setting.backend.uses_processor and device_kind(setting.handle.kind).is_host
        return is_on_host and is_own(type(self.runner))

    def _block(self, number: int, role: Role) -> PassBlock:
        idle_s = self._pause()
        block = with_counters(timer.time_block(self._counted, self.calls), self._read)
        return PassBlock(self.key, number, self._started_s, replace(block, idle_s=idle_s), role)

    def _timing(self, calls: int) -> BlockTiming:
        """Times a number of calls of a block before the passes, when no counters are read."""
        self._empty_caches()
        return self.runner.time_block(calls)

    def _counted(self, calls: int) -> BlockTiming:
        """Times a number of calls, with the counters read around them."""
        self._empty_caches()
        telemetry = self._setting.telemetry
        telemetry.before_block()
        self._started_s = self.clock.now_s()
        timing = self.runner.time_block(calls)
        self._read = telemetry.after_block()
        return timing

    def _empty_caches(self) -> None:
        """Empties the device's caches where the protocol asks for that."""
        if self._protocol.cache == "cold" and not self.runner.empty_caches(self._cache_bytes):
            raise UsageError("the caches of this device cannot be emptied with this backend; measure with the policy 'hot'")

    def _pauses(self) -> Callable[[], float | None]:
        """Returns a function that waits until the next call is due, and returns the pause; it returns None for no pauses."""
        if not self._protocol.has_pauses:
            return lambda: None
        due = Arrival.parse(self._protocol.arrival).due(f"{self.key}/{self._setting.round}")

        def pause() -> float:
            ended_s = self.clock.now_s()
            wait_s = due(ended_s) - ended_s
            if wait_s > 0:
                self.runner.idle(wait_s)
            return self.clock.now_s() - ended_s

        return pause

    def _checks(self) -> dict[str, Any]:
        """Returns what is found once a round: whether the work is really done, and whether the caches alone served it."""
        setting, is_first = self._setting, not self._setting.round
        bound_s = work.bound_s(self.workload, setting.handle.profile, setting.backend.threads)
        found: dict[str, Any] = {"bound_s": bound_s, "repeat_ratio": self._repeat_ratio(is_first)}
        if self._protocol.cache == "cold":
            return found
        hot = cache.fits_cache(self.workload, setting.handle.profile)
        if hot and is_first:
            hot["cold_s"] = cache.cold_call_s(self.runner, hot["cache_bytes"])
        return found | {"hot_cache": hot} if hot else found

    def _repeat_ratio(self, is_first: bool) -> float | None:
        """Times twice the calls of a block in the first round, and wherever that is cheap.

        Where every call is timed by itself, that is checked on calls back to back: two of them may cost less than one that
        comes after a pause, or finds the caches empty.
        """
        block, visit_s = self.loop, self._protocol.visit_s(self.loop.per_call_s)
        if not is_first and 2 * max(block.seconds, self._protocol.min_block_s) > CHEAP * visit_s:
            return None
        if self._protocol.times_single_calls:
            block = timer.first_block(self.runner.time_block, self._protocol.min_block_s, self.clock)
        return work.repeat_ratio(self.runner.time_block, block.calls, block.seconds)
