"""The blocks of one visit: timed until they are steady and precise, then sorted into those that count and the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hwcost._cached import cached_property
from hwcost.devices import processors
from hwcost.devices.telemetry import BlockReading
from hwcost.errors import UsageError
from hwcost.timing import guards, progress, timer
from hwcost.timing.arrival import Arrival
from hwcost.timing.protocol import Protocol

if TYPE_CHECKING:
    from hwcost.backends.base import BlockTiming, Runner
    from hwcost.devices.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class AcceptedBlocks:
    """The steady blocks of a visit, in seconds per call.

    Attributes:
        samples: Seconds per call of the blocks that count.
        device_samples: Seconds per call of the same blocks on the device's own clock; None where it has none.
        left_out: Seconds per call of the others, by reason: ``disturbed`` or ``throttled``.
        disturbed: Number of counted blocks that lost the processor; they count because too few others would be left.
        wait_fraction: Share of the time of counted blocks in which the process had no CPU; None where it is unknown.
        cpu_fraction: CPU seconds over wall seconds of counted blocks; None where CPU time is not read.
    """

    samples: list[float]
    device_samples: list[float] | None
    left_out: dict[str, list[float]]
    disturbed: int = 0
    wait_fraction: float | None = None
    cpu_fraction: float | None = None


@dataclass
class Blocks:
    """A visit's blocks as they come.

    Attributes:
        runner: Workload that is timed; its clock is that of the visit.
        clock: Clock of the visit.
        protocol: Arrival of calls, limits and stopping criterion.
        telemetry: Provider of the counters that are read around every block.
        seed: Seed of arrivals at random.
        cache_bytes: Size of the last cache, for the cache policy ``cold``.
        timed: All blocks, warm-up first.
        steady_from: Index of the first steady block; None while there is none.
    """

    runner: Runner
    clock: timer.Clock
    protocol: Protocol
    telemetry: Telemetry
    seed: str = ""
    cache_bytes: int = 0
    timed: list[timer.Block] = field(default_factory=list)
    steady_from: int | None = None
    _read: BlockReading = field(default_factory=BlockReading, init=False, repr=False)

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
        """The blocks since the steady state was reached."""
        return [] if self.steady_from is None else self.timed[self.steady_from :]

    @cached_property
    def arrival(self) -> Arrival:
        """Arrival of the calls."""
        return Arrival.parse(self.protocol.arrival)

    def time(self) -> None:
        """Times blocks until the visit is steady and precise, and has enough blocks in which it kept the processor."""
        pause = self._pauses()
        idle_s = pause()
        self.timed.append(replace(self._first(), idle_s=idle_s))
        while True:
            idle_s = pause()
            self.timed.append(replace(self._next(), idle_s=idle_s))
            decision = progress.decide(self.per_call_s, self.spent_s, self.protocol, self.steady_from)
            if self.steady_from is None and decision.warmup < len(self.timed):
                self.steady_from = decision.warmup
            if decision.finished and (self._has_enough() or self.spent_s >= self.cap_s):
                return

    def accepted(self) -> AcceptedBlocks:
        """Sorts the steady blocks.

        Blocks that ran at a low clock are left out, and so are those that lost the processor, unless less than half a visit
        would be left. Of calls that come with pauses none is left out: a low clock is what pauses do.
        """
        blocks = self.steady
        if self.arrival.has_pauses:
            samples = [block.per_call_s for block in blocks]
            return AcceptedBlocks(samples, _device_samples(blocks), {}, wait_fraction=guards.wait_fraction(blocks))
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
        return AcceptedBlocks(left_out.pop("", []), _device_samples(counting), left_out, put_back, *shares)

    def _first(self) -> timer.Block:
        """Times the first block: as many calls as it takes, or a single one that is timed by itself."""
        if self.protocol.times_single_calls:
            block = timer.single_block(self._timing, self.clock)
        else:
            block = timer.first_block(self._timing, self.protocol.min_block_s, self.clock)
        return with_counters(block, self._read)

    def _next(self) -> timer.Block:
        """Times a block of as many calls as the first."""
        return with_counters(timer.time_block(self._timing, self.calls), self._read)

    def _timing(self, calls: int) -> BlockTiming:
        """Times a number of calls, with the counters read around them."""
        self._apply_cache_policy()
        self.telemetry.before_block()
        timing = self.runner.time_block(calls)
        self._read = self.telemetry.after_block()
        return timing

    def _apply_cache_policy(self) -> None:
        if self.protocol.cache == "cold" and not self.runner.empty_caches(self.cache_bytes):
            raise UsageError("the caches of this device cannot be emptied with this backend; measure with the policy 'hot'")

    def _pauses(self) -> Callable[[], float | None]:
        """Returns a function that waits until the next call is due, and returns the pause; it returns None for no pauses."""
        if not self.arrival.has_pauses:
            return lambda: None
        due = self.arrival.due(self.seed)

        def pause() -> float:
            ended_s = self.clock.now_s()
            wait_s = due(ended_s) - ended_s
            if wait_s > 0:
                self.runner.idle(wait_s)
            return self.clock.now_s() - ended_s

        return pause

    def _has_enough(self) -> bool:
        blocks = self.steady
        if self.arrival.has_pauses:
            return True
        clean = sum(not (s or d) for s, d in zip(guards.slowed(blocks), guards.disturbed(blocks), strict=True))
        return not blocks or clean >= self.protocol.min_blocks or len(blocks) >= self.protocol.max_blocks


def with_counters(block: timer.Block, read: BlockReading) -> timer.Block:
    """Returns a block with its counters.

    Threads that wait for one another on CPUs that are all the process's own lost nothing to others, so of the seconds
    without a CPU no more count than the process left unused of its CPUs.
    """
    wait_s = None
    if read.wait_s is not None and read.cpu_s is not None:
        unused_s = len(processors.allowed()) * block.seconds - read.cpu_s
        wait_s = max(0.0, min(read.wait_s, unused_s))
    return replace(block, cpu_s=read.cpu_s, clock_hz=read.clock_hz, wait_s=wait_s)


def _device_samples(blocks: list[timer.Block]) -> list[float] | None:
    """Returns the device's seconds per call of every block; None where a block has none."""
    known = [block.device_s / block.calls for block in blocks if block.device_s is not None]
    return known if known and len(known) == len(blocks) else None
