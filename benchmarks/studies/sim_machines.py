"""Campaigns on machines that disturb in ways of their own, as the events of their processes, drawn without running any.

What is drawn goes the way of real events: visits with their steady blocks and guards, then the fit of the campaign. So both
the intervals and the flags are those that a user gets. Nothing else is known of such a machine: no counter tells of steal,
waits or clocks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hwcost._types import Floats
from hwcost.agent.blocks import PassBlock
from hwcost.campaign.estimates.estimate import CampaignFit, fit_campaign
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.timing.measurement import Visit
from hwcost.timing.protocol import protocol
from hwcost.timing.timer import Block
from hwcost.timing.visits.assemble import assembled_group
from hwcost.workloads import SyntheticWorkload

STEP_S = 0.002
"""Seconds for which a disturbance is taken to stand."""

START_S = 3.0
"""Seconds that a process takes to start."""

WARMUP = 0.1
"""Seconds of the calls before a block, as a share of the block's."""

SMALLEST_S, LARGEST_S = 0.0005, 0.02
"""Seconds of a call of the smallest workload and of the largest one, uncontended."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a disturbance may depend on.

    Attributes:
        time_s: Seconds since the campaign began.
        share: Share of the campaign's passes that were made before this one.
        pass_s: Seconds since the pass began.
        size: Size of the workload, from 0 for the smallest to 1 for the largest.
    """

    time_s: float
    share: float
    pass_s: float
    size: float


Slowing = Callable[[Moment], float]
"""Function that returns by how much everything is slower at a moment, on the log scale."""


@dataclass(frozen=True)
class Machine:
    """A machine, and what is special about it.

    Attributes:
        slowing: Function that draws, for the random numbers of a campaign, the slowing over time.
        pause_every_s: Mean seconds between two halts of the whole machine; 0 for none.
        pause_s: Least and most seconds of a halt.
        heavy: Share of the workloads, the largest ones, after which the clock stays low.
        low_clock: Log slowing by the low clock.
        low_clock_s: Seconds for which the clock stays low.
        paths: Log difference of two code paths of the middle workload, one of which each process takes.
        warmup_calls: Calls of the middle workload until it is warm.
        cold: Log slowing of its first call.
        tail: Degrees of freedom of the noise of a block; infinite for normal noise.
        noise: Scale of that noise.
        layout: Standard deviation of what a process does to a single workload.
        process: Standard deviation of what a process does to all workloads.
    """

    slowing: Callable[[np.random.Generator], Slowing] = field(default=lambda rng: lambda moment: 0.0)
    pause_every_s: float = 0.0
    pause_s: tuple[float, float] = (0.1, 3.0)
    heavy: float = 0.0
    low_clock: float = 0.0
    low_clock_s: float = 0.0
    paths: float = 0.0
    warmup_calls: int = 0
    cold: float = 0.0
    tail: float = math.inf
    noise: float = 0.01
    layout: float = 0.005
    process: float = 0.003


@dataclass(frozen=True)
class Seen:
    """What a campaign says beside the truth.

    Attributes:
        fit: The campaign's estimates and flags.
        truth: Log latency of each workload on the uncontended machine, shape (items,).
        level: Mean log slowing of the campaign's blocks.
    """

    fit: CampaignFit
    truth: Floats
    level: float


class SimMachine:
    """A campaign on such a machine.

    Args:
        machine: The machine.
        seed: Seed of everything.
        items: Number of workloads.
        passes: Passes in each process, beside the pilot pass.
        processes: Number of processes.
        block_s: Seconds of a block.
    """

    def __init__(
        self, machine: Machine, seed: int, items: int = 12, passes: int = 30, processes: int = 4, block_s: float = 0.022
    ) -> None:
        self.machine, self.items, self.passes, self.processes, self.block_s = machine, items, passes, processes, block_s
        self._rng = np.random.default_rng([seed, 21])
        self._slowing = machine.slowing(np.random.default_rng([seed, 22]))
        self.size = np.linspace(0.0, 1.0, items)
        self.call_s = SMALLEST_S * (LARGEST_S / SMALLEST_S) ** self.size
        self.calls = np.maximum(1, np.ceil(block_s / self.call_s)).astype(int)
        workloads = (SyntheticWorkload(f"w{i}", flops=1e6 * one) for i, one in enumerate(self.call_s.tolist()))
        self.plan = Plan(tuple(Item(one) for one in workloads), "cpu", "null", protocol("standard"))
        self._now_s, self._low_until_s, self._slowings = 0.0, -1.0, list[float]()
        self._pauses, self._next_s = self._halts(), math.nan

    def seen(self) -> Seen:
        """Draws the campaign and fits it."""
        visits = [visit for number in range(self.processes) for visit in self._round(number)]
        fit = fit_campaign(self.plan, visits)
        return Seen(fit, np.log(self.call_s), float(np.mean(self._slowings)))

    def _halts(self) -> Iterator[float]:
        """Yields when the machine halts."""
        at = 0.0
        while True:
            at += self._rng.exponential(self.machine.pause_every_s) if self.machine.pause_every_s else math.inf
            yield at

    def _round(self, number: int) -> list[Visit]:
        """Returns the visits of a process."""
        self._now_s += START_S
        layout = self._rng.normal(0.0, self.machine.layout, self.items) + self._rng.normal(0.0, self.machine.process)
        middle = self.items // 2
        layout[middle] += self.machine.paths * (self._rng.random() < 0.5)
        done = np.zeros(self.items, dtype=int)
        passes = [self._pass(number, k, layout, done) for k in range(self.passes + 1)]
        prepared = [self._prepared(number, i) for i in range(self.items)]
        return assembled_group(prepared, passes, self.plan.protocol)

    def _prepared(self, number: int, i: int) -> dict[str, Any]:
        workload, call_s = self.plan.items[i].workload, float(self.call_s[i])
        checks = {"compiled": 0, "bound_s": None, "repeat_ratio": None}
        return {
            "event": "prepared", "workload_key": workload.key, "name": workload.name, "round": number, "position": i,
            "group": 0, "prepare_s": 0.1, "first_run_s": call_s, "calls": int(self.calls[i]), "facts": {}, "checks": checks,
            "loop_s": call_s,
        }  # fmt: skip

    def _pass(self, number: int, k: int, layout: Floats, done: Any) -> dict[str, Any]:
        """Returns the event of a pass."""
        begun_s, share = self._now_s, (number + k / (self.passes + 1)) / self.processes
        blocks = []
        for i in self._rng.permutation(self.items).tolist():
            self._now_s += WARMUP * self.block_s
            started_s = self._now_s
            work_s = self.calls[i] * self.call_s[i] * math.exp(layout[i] + self._noise() + self._cold(i, done))
            self._now_s = self._end(started_s, work_s, Moment(started_s, share, started_s - begun_s, float(self.size[i])))
            if self.size[i] > 1 - self.machine.heavy:
                self._low_until_s = self._now_s + self.machine.low_clock_s
            block = Block(self._now_s - started_s, int(self.calls[i]))
            role = "timed" if k else "warm-up"
            blocks.append(PassBlock(self.plan.items[i].workload.key, k, started_s, block, role).to_dict())
        return {
            "event": "pass", "group": 0, "pass": k, "size": self.items, "blocks": blocks, "conditions": {},
            "seconds": self._now_s - begun_s, "begun_s": begun_s,
        }  # fmt: skip

    def _noise(self) -> float:
        tail = self.machine.tail
        drawn = self._rng.normal() if math.isinf(tail) else self._rng.standard_t(tail)
        return float(self.machine.noise * drawn)

    def _cold(self, i: int, done: Any) -> float:
        """Returns by how much the calls of a block are slower since the workload is not warm yet, and counts them."""
        if i != self.items // 2 or not self.machine.warmup_calls:
            return 0.0
        first = int(done[i])
        done[i] += self.calls[i]
        calls = np.arange(first, first + self.calls[i])
        return float(np.log(np.mean(1 + np.expm1(self.machine.cold) * np.clip(1 - calls / self.machine.warmup_calls, 0, 1))))

    def _end(self, start_s: float, work_s: float, moment: Moment) -> float:
        """Returns when work is done that takes so many seconds uncontended."""
        now, done, is_heavy = start_s, 0.0, moment.size > 1 - self.machine.heavy
        self._slowings.append(self._slowing(moment))
        while done < work_s:
            at = Moment(now, moment.share, moment.pass_s + now - start_s, moment.size)
            slowing = self._slowing(at)
            if not is_heavy and now < self._low_until_s:
                slowing += self.machine.low_clock
            rate = math.exp(-slowing)
            step = min(STEP_S, (work_s - done) / rate)
            done, now = done + step * rate + 1e-15, now + step
        return self._halted(start_s, now)

    def _halted(self, start_s: float, end_s: float) -> float:
        """Returns when work ends if the machine halts meanwhile."""
        if not self.machine.pause_every_s:
            return end_s
        if math.isnan(self._next_s):
            self._next_s = next(self._pauses)
        while self._next_s < end_s:
            if self._next_s >= start_s:
                end_s += float(self._rng.uniform(*self.machine.pause_s))
            self._next_s = next(self._pauses)
        return end_s
