"""A workload that is prepared in a process, and its blocks.

Workloads of hwcost's own campaigns are measured by it too: see ``hwcost.timing.execution.member`` for what they add.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Dict, List, Optional, Type

from . import checks, timer, warmup
from .blocks import Block, BlockReading, BlockTiming, PassBlock, Role
from .contention import uncontended, with_counters
from .errors import MeasurementError
from .rules import LEAST_GROUP


class Member:
    """A prepared workload.

    Args:
        process: Process that measures; a :class:`~.groups.Process`.
        workload: The workload, as the job describes it.
        position: Its number in the round's order.
        prepare_s: Seconds that preparing it took.
        runner: The workload, ready to run.

    Attributes:
        cold_error: Class of the error that says that the device's caches cannot be emptied.
        needs_pilot: Whether a pilot block finds its warm-up; calls that are long enough need none after a switch.
    """

    cold_error: Type[Exception] = MeasurementError

    def __init__(self, process: Any, workload: Any, position: int, prepare_s: float, runner: Any) -> None:
        self.process, self.workload, self.position = process, workload, position
        self.prepare_s, self.runner = prepare_s, runner
        self.clock = self._clock()
        first_run_s: Optional[float] = getattr(runner, "first_run_s", None)
        self.first_run_s = timer.time_block(runner.time_block, 1).seconds if first_run_s is None else first_run_s
        self.timed: List[PassBlock] = []
        self.warmup_calls = 0
        self._rules, self._read, self._started_s = process.protocol, BlockReading(), 0.0
        self._steady_from: Optional[int] = None
        self._pause = self._pauses()
        compiled = self._compilations()
        self.loop = self._loop()
        self.calls = self.loop.calls
        self.needs_pilot = self._rules.times_single_calls or self.calls > 1 or self.loop.seconds < warmup.LONG_S
        self.checks: Dict[str, Any] = self._checks()
        self.checks["compiled"] = self._compilations() - compiled

    @property
    def key(self) -> str:
        """Key of the workload."""
        return self.workload["key"]

    @property
    def name(self) -> str:
        """Name of the workload."""
        return self.workload["name"]

    def pilot(self) -> PassBlock:
        """Times the calls right after a switch and a block after them, and finds how many calls warm the next ones up."""
        if self._rules.times_single_calls:
            return self._block(0, "warm-up")
        size = warmup.chunk(self.calls)
        compiled = self._compilations()
        parts = [timer.time_block(self.runner.time_block, size).per_call_s for _ in range(warmup.looks(self.calls))]
        made = self._block(0, "warm-up")
        self.warmup_calls = warmup.warmup_calls(parts, made.block.per_call_s, self.calls)
        compiled = self._compilations() - compiled
        return replace(made, first_s=parts[0], warmup_calls=size * len(parts), compiled=compiled)

    def block(self, number: int) -> PassBlock:
        """Times the block of a pass, after the calls that warm it up."""
        compiled, first_s = self._compilations(), None
        if self.warmup_calls:
            first_s = timer.time_block(self.runner.time_block, 1).seconds
        if self.warmup_calls > 1:
            self.runner.run(self.warmup_calls - 1)
        made = self._block(number, "timed")
        if not self.needs_pilot:  # its only call is the first one after the switch
            first_s = made.block.seconds
        compiled = self._compilations() - compiled
        made = replace(made, first_s=first_s, warmup_calls=self.warmup_calls, compiled=compiled)
        self.timed.append(made)
        return made

    def is_finished(self, size: int) -> bool:
        """Says whether the workload has what its protocol asks for, in a group of so many workloads.

        Blocks that are spread over a large group need no window that is steady: they are judged beside the others' later.
        """
        blocks, rules = [made.block for made in self.timed], self._rules
        samples, spent_s = [block.per_call_s for block in blocks], sum(made.spent_s for made in self.timed)
        steady_from = 0 if size >= LEAST_GROUP else self._steady_from
        is_over, start = rules.decide(samples, spent_s, steady_from)
        if self._steady_from is None and start < len(blocks):
            self._steady_from = start
        if not is_over or self._steady_from is None or rules.has_pauses:
            return is_over
        counting = blocks[self._steady_from :]
        enough = len(counting) >= rules.max_blocks or uncontended(counting) >= rules.min_blocks
        return enough or spent_s >= rules.cap_s(spent_s / len(blocks))

    def prepared(self, group: int) -> Dict[str, Any]:
        """Returns the event that tells of the workload."""
        return {
            "event": "prepared", "workload_key": self.key, "name": self.name, "round": self.process.round, "group": group,
            "position": self.position, "prepare_s": self.prepare_s, "first_run_s": self.first_run_s,
            "loop_s": self.loop.per_call_s, "calls": self.calls, "facts": self.runner.facts, "checks": self.checks,
        }  # fmt: skip

    def close(self) -> None:
        """Frees the workload."""
        self.runner.close()

    def _clock(self) -> timer.Clock:
        """Returns the clock of the runner."""
        return timer.Clock(self.runner.read_ns)

    def _compilations(self) -> int:
        """Returns how often something was compiled so far, as far as that is known."""
        return 0

    def _bound_s(self) -> Optional[float]:
        """Returns the least seconds in which the device can do the workload's matrix products; None where unknown."""
        return self.workload["bound_s"]

    def _hot_cache(self) -> Dict[str, Any]:
        """Returns the sizes of a component's working set and of the cache that it fits into; nothing for others."""
        return dict(self.workload["hot_cache"])

    def _loop(self) -> Block:
        """Finds the calls of a block, and returns the first one of so many."""
        if self._rules.times_single_calls:
            return timer.single_block(self._timing, self.clock)
        return timer.first_block(self._timing, self._rules.min_block_s, self.clock)

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
        counters = self.process.counters
        counters.before_block()
        self._started_s = self.clock.now_s()
        timing = self.runner.time_block(calls)
        self._read = counters.after_block()
        return timing

    def _empty_caches(self) -> None:
        """Empties the device's caches where the protocol asks for that."""
        if self._rules.cache == "cold" and not self.runner.empty_caches(self.process.cache_bytes):
            text = "the caches of this device cannot be emptied with this backend; measure with the policy 'hot'"
            raise self.cold_error(text)

    def _pauses(self) -> Callable[[], Optional[float]]:
        """Returns a function that waits until the next call is due, and returns the pause; it returns None for no pauses."""
        if not self._rules.has_pauses:
            return lambda: None
        due = self._rules.calls.due("%s/%d" % (self.key, self.process.round))

        def pause() -> float:
            ended_s = self.clock.now_s()
            wait_s = due(ended_s) - ended_s
            if wait_s > 0:
                getattr(self.runner, "idle", timer.sleep)(wait_s)
            return self.clock.now_s() - ended_s

        return pause

    def _checks(self) -> Dict[str, Any]:
        """Returns what is found once a round: whether the work is really done, and whether the caches alone served it."""
        is_first = not self.process.round
        found: Dict[str, Any] = {"bound_s": self._bound_s(), "repeat_ratio": self._repeat_ratio(is_first)}
        if self._rules.cache == "cold":
            return found
        hot = self._hot_cache()
        if hot and is_first:
            hot["cold_s"] = checks.cold_call_s(self.runner, hot["cache_bytes"])
        return {**found, "hot_cache": hot} if hot else found

    def _repeat_ratio(self, is_first: bool) -> Optional[float]:
        """Times twice the calls of a block in the first round, and wherever that is cheap.

        Where every call is timed by itself, that is checked on calls back to back: two of them may cost less than one that
        comes after a pause, or finds the caches empty.
        """
        block, rules = self.loop, self._rules
        if not is_first and 2 * max(block.seconds, rules.min_block_s) > checks.CHEAP * rules.visit_s(block.per_call_s):
            return None
        if rules.times_single_calls:
            block = timer.first_block(self.runner.time_block, rules.min_block_s, self.clock)
        return checks.repeat_ratio(self.runner.time_block, block.calls, block.seconds)
