"""The blocks of one visit: timed until they are steady and precise, then sorted into those that count and the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hwcost.timing import conditions, guards, processors, stopping, timer
from hwcost.timing.arrival import Arrival
from hwcost.timing.protocol import Protocol

if TYPE_CHECKING:
    from hwcost.backends.base import Runner


@dataclass(frozen=True, slots=True)
class AcceptedBlocks:
    """The steady blocks of a visit, in seconds per call.

    Attributes:
        samples: Seconds per call of the blocks that count.
        left_out: Seconds per call of the others, by reason: ``disturbed`` or ``throttled``.
        disturbed: Number of counted blocks that lost the processor; they count because too few others would be left.
        wait_fraction: Share of the time of counted blocks in which the process had no CPU; None where it is unknown.
        cpu_fraction: CPU seconds over wall seconds of counted blocks; None on a virtual clock.
    """

    samples: list[float]
    left_out: dict[str, list[float]]
    disturbed: int = 0
    wait_fraction: float | None = None
    cpu_fraction: float | None = None


@dataclass(slots=True)
class Blocks:
    """A visit's blocks as they come.

    Attributes:
        runner: What is timed.
        clock: The visit's clock.
        protocol: When calls arrive, and when to stop.
        seed: Seed of arrivals at random.
        timed: All blocks, warm-up first.
        settled: Index of the first steady one; None while there is none.
    """

    runner: Runner
    clock: timer.Clock
    protocol: Protocol
    seed: str = ""
    timed: list[timer.Block] = field(default_factory=list)
    settled: int | None = None

    @property
    def calls(self) -> int:
        """Calls in a block."""
        return self.timed[0].calls

    @property
    def per_call_s(self) -> list[float]:
        """Seconds per call of every block."""
        return [block.per_call_s for block in self.timed]

    @property
    def spent_s(self) -> float:
        """Seconds so far, pauses between calls included."""
        return sum((block.idle_s or 0.0) + block.seconds for block in self.timed)

    @property
    def cap_s(self) -> float:
        """Seconds after which the visit is given up when it is not steady."""
        return self.protocol.cap_s(self.spent_s / len(self.timed))

    @property
    def steady(self) -> list[timer.Block]:
        """The blocks since it settled."""
        return [] if self.settled is None else self.timed[self.settled :]

    def time(self) -> None:
        """Times blocks until the visit is steady and precise, and has enough blocks in which it kept the processor."""
        clock_hz, pause = self._clock_reader(), self._pauses()
        waited_s = (lambda: None) if self.clock.is_virtual else conditions.run_queue_wait_s
        self.timed.append(self._first(pause()))
        while True:
            idle_s = pause()
            before, waited_before_s = clock_hz(), waited_s()
            block = timer.time_block(self.runner.run, self.calls, self.clock)
            wait_s = _lost_s(block, waited_before_s, waited_s())
            self.timed.append(replace(block, clock_hz=_mean(before, clock_hz()), idle_s=idle_s, wait_s=wait_s))
            verdict = stopping.judge(self.per_call_s, self.spent_s, self.protocol, self.settled)
            if self.settled is None and verdict.warmup < len(self.timed):
                self.settled = verdict.warmup
            if verdict.finished and (self._has_enough() or self.spent_s >= self.cap_s):
                return

    def accepted(self) -> AcceptedBlocks:
        """Sorts the steady blocks.

        Blocks that ran at a low clock are left out, and so are those that lost the processor, unless less than half a visit
        would be left. Of calls that come with pauses none is left out: a low clock is what pauses do.
        """
        blocks = self.steady
        if Arrival.parse(self.protocol.arrival).has_pauses:
            return AcceptedBlocks([block.per_call_s for block in blocks], {}, wait_fraction=guards.wait_fraction(blocks))
        slow, lost = guards.slowed(blocks), guards.disturbed(blocks)
        reasons = ["throttled" if s else "disturbed" if d else "" for s, d in zip(slow, lost, strict=True)]
        if reasons.count("") < self.protocol.min_blocks / 2:
            reasons = ["throttled" if s else "" for s in slow]
        left_out: dict[str, list[float]] = {}
        for block, reason in zip(blocks, reasons, strict=True):
            left_out.setdefault(reason, []).append(block.per_call_s)
        counting = [block for block, reason in zip(blocks, reasons, strict=True) if not reason]
        put_back = sum(d for d, reason in zip(lost, reasons, strict=True) if not reason)
        shares = guards.wait_fraction(counting), guards.cpu_fraction(counting)
        return AcceptedBlocks(left_out.pop("", []), left_out, put_back, *shares)

    def _pauses(self) -> Callable[[], float | None]:
        """Returns a function that waits until the next call is due, and returns the pause; it returns None for no pauses."""
        arrival = Arrival.parse(self.protocol.arrival)
        if not arrival.has_pauses:
            return lambda: None
        due = arrival.due(self.seed)

        def pause() -> float:
            ended_s = self.clock.now_s()
            wait_s = due(ended_s) - ended_s
            if wait_s > 0:
                self.runner.idle(wait_s)
            return self.clock.now_s() - ended_s

        return pause

    def _first(self, idle_s: float | None) -> timer.Block:
        """Times the first block: as many calls as it takes, or the one that came after a pause."""
        if idle_s is None:
            return timer.first_block(self.runner.run, self.protocol.min_block_s, self.clock)
        return replace(timer.single_block(self.runner.run, self.clock), idle_s=idle_s)

    def _has_enough(self) -> bool:
        blocks = self.steady
        if Arrival.parse(self.protocol.arrival).has_pauses:
            return True
        clean = sum(not (s or d) for s, d in zip(guards.slowed(blocks), guards.disturbed(blocks), strict=True))
        return not blocks or clean >= self.protocol.min_blocks or len(blocks) >= self.protocol.max_blocks

    def _clock_reader(self) -> Callable[[], float | None]:
        """Returns what tells the processor's clock between blocks: the backend where it can, else the CPU's own files."""
        if "clock_hz" in self.runner.state():
            return lambda: _number(self.runner.state().get("clock_hz"))
        return (lambda: None) if self.clock.is_virtual else conditions.clock_reader()


def _lost_s(block: timer.Block, before_s: float | None, after_s: float | None) -> float | None:
    """Returns the seconds of a block in which the process had to wait for a CPU.

    Threads that wait for one another on CPUs that are all the process's own lost nothing to others.
    """
    if before_s is None or after_s is None or block.cpu_s is None:
        return None
    unused_s = len(processors.allowed()) * block.seconds - block.cpu_s
    return max(0.0, min(after_s - before_s, unused_s))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _mean(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else (one + other) / 2
