"""A workload that is prepared in this process, and its blocks; see ``hwcost.timing.execution.member``."""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import Any, Callable

from . import arrival, contention, rules, timer, warmup
from .blocks import Block, BlockReading, BlockTiming, PassBlock, Role
from .errors import MeasurementError
from .rules import CHEAP, COLD_CALLS, LEAST_RATIO, TRIES


class Member:
    """A prepared workload.

    Args:
        setting: Everything that the workloads of a process share.
        workload: The workload, as the job describes it.
        position: Its number in the round's order.
    """

    def __init__(self, setting: Any, workload: dict[str, Any], position: int) -> None:
        preparing = timer.stopwatch()
        self._runner = setting.runtime.prepare(workload)
        try:
            self._begin(setting, workload, position, preparing())
        except BaseException:
            self._runner.close()
            raise

    def _begin(self, setting: Any, workload: dict[str, Any], position: int, prepare_s: float) -> None:
        self.setting, self.workload, self.position, self.key = setting, workload, position, workload["key"]
        self._protocol = setting.protocol
        self._alone = self._protocol["cache"] == "cold" or rules.has_pauses(self._protocol)
        self._clock = timer.Clock(self._runner.read_ns)
        self._prepare_s = prepare_s
        self._first_run_s = timer.time_block(self._runner.time_block, 1).seconds
        self._timed: list[PassBlock] = []
        self._warmup_calls, self._steady_from = 0, None
        self._read, self._started_s = BlockReading(), 0.0
        self._pause = self._pauses()
        self._loop = self._found_loop()
        self._calls = self._loop.calls
        self._checks = self._checked()

    def pilot(self) -> PassBlock:
        """Times the calls right after a switch and a block after them, and finds how many warm the next ones up."""
        if self._alone:
            return self._block(0, "warm-up")
        if self._calls == 1 and self._loop.seconds >= warmup.LONG_S:
            made = self._block(0, "warm-up")
            return replace(made, first_s=made.block.seconds)
        size = warmup.chunk(self._calls)
        parts = []
        for _ in range(warmup.looks(self._calls)):
            parts.append(timer.time_block(self._runner.time_block, size).per_call_s)
        made = self._block(0, "warm-up")
        self._warmup_calls = warmup.warmup_calls(parts, made.block.per_call_s, self._calls)
        return replace(made, first_s=parts[0], warmup_calls=size * len(parts))

    def block(self, number: int) -> PassBlock:
        """Times the block of a pass, after the calls that warm it up."""
        first_s = None
        if self._warmup_calls:
            first_s = timer.time_block(self._runner.time_block, 1).seconds
        if self._warmup_calls > 1:
            self._runner.run(self._warmup_calls - 1)
        made = replace(self._block(number, "timed"), first_s=first_s, warmup_calls=self._warmup_calls)
        self._timed.append(made)
        return made

    def is_finished(self, size: int) -> bool:
        """Says whether the workload has what its protocol asks for, in a group of so many workloads."""
        blocks, protocol = [made.block for made in self._timed], self._protocol
        samples, spent_s = [block.per_call_s for block in blocks], sum(made.spent_s for made in self._timed)
        steady_from = 0 if size >= rules.LEAST_GROUP else self._steady_from
        is_over, start = rules.decide(samples, spent_s, protocol, steady_from)
        if self._steady_from is None and start < len(blocks):
            self._steady_from = start
        if not is_over or self._steady_from is None or rules.has_pauses(protocol):
            return is_over
        counting = blocks[self._steady_from :]
        enough = len(counting) >= protocol["max_blocks"] or contention.uncontended(counting) >= protocol["min_blocks"]
        return enough or spent_s >= rules.cap_s(protocol, spent_s / len(blocks))

    def prepared(self, group: int) -> dict[str, Any]:
        """Returns the event that tells of the workload."""
        return {
            "event": "prepared", "workload_key": self.key, "name": self.workload["name"], "round": self.setting.round,
            "group": group, "position": self.position, "prepare_s": self._prepare_s, "first_run_s": self._first_run_s,
            "loop_s": self._loop.per_call_s, "calls": self._calls, "facts": self._runner.facts,
            "checks": self._checks,
        }  # fmt: skip

    def close(self) -> None:
        """Frees the workload."""
        self._runner.close()

    def _found_loop(self) -> Block:
        if self._alone:
            return timer.single_block(self._timing, self._clock)
        return timer.first_block(self._timing, self._protocol["min_block_s"], self._clock)

    def _block(self, number: int, role: Role) -> PassBlock:
        idle_s = self._pause()
        block = contention.with_counters(timer.time_block(self._counted, self._calls), self._read)
        return PassBlock(self.key, number, self._started_s, replace(block, idle_s=idle_s), role)

    def _timing(self, calls: int) -> BlockTiming:
        self._empty_caches()
        times: BlockTiming = self._runner.time_block(calls)
        return times

    def _counted(self, calls: int) -> BlockTiming:
        """Times a number of calls, with the counters read around them."""
        self._empty_caches()
        self.setting.counters.before_block()
        self._started_s = self._clock.now_s()
        times: BlockTiming = self._runner.time_block(calls)
        self._read = self.setting.counters.after_block()
        return times

    def _empty_caches(self) -> None:
        if self._protocol["cache"] == "cold" and not self._runner.empty_caches(self.setting.cache_bytes):
            raise MeasurementError("the caches of this device cannot be emptied with this runtime; measure with 'hot'")

    def _pauses(self) -> Callable[[], float | None]:
        if not rules.has_pauses(self._protocol):
            return lambda: None
        due = arrival.due(self.setting.arrival, "%s/%d" % (self.key, self.setting.round))

        def pause() -> float:
            ended_s = self._clock.now_s()
            wait_s = due(ended_s) - ended_s
            if wait_s > 0:
                getattr(self._runner, "idle", timer.sleep)(wait_s)
            return self._clock.now_s() - ended_s

        return pause

    def _checked(self) -> dict[str, Any]:
        """Returns what is found once a round: whether the work is really done, and whether the caches alone served it."""
        is_first = not self.setting.round
        found: dict[str, Any] = {"bound_s": self.workload["bound_s"], "repeat_ratio": self._repeat_ratio(is_first)}
        found["compiled"] = 0
        hot = dict(self.workload["hot_cache"])
        if self._protocol["cache"] == "cold" or not hot:
            return found
        if is_first:
            hot["cold_s"] = self._cold_call_s(hot["cache_bytes"])
        return {**found, "hot_cache": hot}

    def _cold_call_s(self, cache_bytes: int) -> float | None:
        found = []
        for _ in range(COLD_CALLS):
            if not self._runner.empty_caches(cache_bytes):
                return None
            found.append(timer.time_block(self._runner.time_block, 1).seconds)
        return statistics.median(found)

    def _repeat_ratio(self, is_first: bool) -> float | None:
        """Times twice the calls of a block in the first round, and wherever that is cheap."""
        block, protocol = self._loop, self._protocol
        call_s = block.per_call_s
        visit_s = rules.visit_s(protocol, call_s, arrival.wall_s(self.setting.arrival, call_s))
        if not is_first and 2 * max(block.seconds, protocol["min_block_s"]) > CHEAP * visit_s:
            return None
        timing = self._runner.time_block
        if self._alone:
            block = timer.first_block(timing, protocol["min_block_s"], self._clock)
        block_s, calls = block.seconds, block.calls
        twice_s = timer.time_block(timing, 2 * calls).seconds
        for _ in range(TRIES - 1):
            if twice_s >= LEAST_RATIO * block_s:
                break
            block_s = min(block_s, timer.time_block(timing, calls).seconds)
            twice_s = max(twice_s, timer.time_block(timing, 2 * calls).seconds)
        return float(twice_s / block_s)
