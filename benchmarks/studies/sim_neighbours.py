"""Interleaved campaigns beside simulated neighbours: what the blocks of every workload would give, drawn as arrays.

A neighbour is at work and pauses by turns, for times with an exponential distribution, and slows every workload while it is
at work. A block that meets part of a burst is slowed in part. Below it all the machine drifts slowly, and every process has a
layout of its own, for all workloads and for each.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hwcost._types import Floats, Indices

STEP_S = 0.002
"""Grid on which the neighbours' states are drawn."""


@dataclass(frozen=True)
class Neighbour:
    """Another load of the machine.

    Attributes:
        factor: Factor by which it slows the usual workload while it is at work.
        duty: Share of the time in which it is at work.
        dwell_s: Mean seconds of a burst and of a pause together, halved.
    """

    factor: float
    duty: float
    dwell_s: float


@dataclass(frozen=True)
class SimInterleaved:
    """An interleaved campaign.

    Attributes:
        seed: Seed of everything.
        items: Number of workloads.
        passes: Passes in each process.
        neighbours: Other loads.
        processes: Number of processes.
        block_s: Seconds of an undisturbed block.
        start_s: Seconds that a process takes to start, in which nothing is timed.
        noise: Standard deviation of a block's log latency.
        spikes: Share of the blocks with a spike, which has a mean of 5 %.
        layout: Standard deviation of what a process does to a single workload.
        process: Standard deviation of what a process does to all workloads.
        drift: Standard deviation of the slow level.
        drift_s: Seconds in which the slow level forgets itself.
        spread: Standard deviation of how strongly workloads feel a neighbour, relative to the usual one.
    """

    seed: int
    items: int = 12
    passes: int = 60
    neighbours: tuple[Neighbour, ...] = ()
    processes: int = 4
    block_s: float = 0.022
    start_s: float = 3.0
    noise: float = 0.01
    spikes: float = 0.05
    layout: float = 0.005
    process: float = 0.003
    drift: float = 0.01
    drift_s: float = 120.0
    spread: float = 0.15
    rng: np.random.Generator = field(init=False, repr=False, compare=False)

    def draw(self) -> Blocks:
        """Draws the blocks of the campaign."""
        rng = np.random.default_rng([self.seed, 11])
        truth = rng.normal(-6.0, 0.6, self.items)
        feel = np.clip(rng.normal(1.0, self.spread, self.items), 0.4, 1.6)
        span_s = self.processes * (self.start_s + 3.0 * self.items * self.passes * self.block_s)
        slow = self._slowness(rng, int(span_s / STEP_S) + 1)
        level = self._level(rng, int(span_s) + 2)
        layout = rng.normal(0.0, self.layout, (self.items, self.processes))
        process = rng.normal(0.0, self.process, self.processes)
        y, item, round_, time, passes, felt = [], [], [], [], [], []
        now = 0.0
        for p in range(self.processes):
            now += self.start_s
            for k in range(self.passes):
                for i in rng.permutation(self.items):
                    work = self.block_s * rng.uniform(0.9, 1.1)
                    own = truth[i] + layout[i, p] + process[p] + rng.normal(0.0, self.noise)
                    own += rng.exponential(0.05) if rng.random() < self.spikes else 0.0
                    g = float(np.interp(now, np.arange(len(level)), level))
                    now += 0.1 * work  # warm-up calls
                    took = _elapsed(slow, now, work * np.exp(g), feel[i])
                    y.append(own + np.log(took / work))
                    felt.append(np.log(took / work) - g)
                    item.append(i), round_.append(p), time.append(now), passes.append(k)
                    now += took
        end = int(now) + 1
        return Blocks(np.array(y), np.array(item), np.array(round_), np.array(time), np.array(passes), truth + level[:end].mean(), np.array(felt))

    def _slowness(self, rng: np.random.Generator, n: int) -> Floats:
        """Log slowness of the usual workload on the grid, shape (n,)."""
        total = np.zeros(n)
        for one in self.neighbours:
            on_s, off_s = 2 * one.dwell_s * one.duty, 2 * one.dwell_s * (1 - one.duty)
            at, busy = 0, rng.random() < one.duty
            state = np.zeros(n, dtype=bool)
            while at < n:
                steps = max(1, int(rng.exponential(on_s if busy else off_s) / STEP_S))
                state[at : at + steps] = busy
                at, busy = at + steps, not busy
            total += np.log(one.factor) * state
        return total

    def _level(self, rng: np.random.Generator, n: int) -> Floats:
        keep = np.exp(-1.0 / self.drift_s)
        found = np.empty(n)
        found[0] = rng.normal(0.0, self.drift)
        for k in range(1, n):
            found[k] = keep * found[k - 1] + np.sqrt(1 - keep**2) * rng.normal(0.0, self.drift)
        return found


@dataclass(frozen=True)
class Blocks:
    """The blocks of a campaign in the order they ran.

    Attributes:
        y: Log latency, shape (n,).
        item: Its workload, shape (n,).
        round: Its process, shape (n,).
        time: Seconds at which it began, shape (n,).
        number: Its pass, shape (n,).
        truth: Undisturbed log latency of each workload at the campaign's mean level, shape (items,).
        felt: Log slowness that each block met, shape (n,).
    """

    y: Floats
    item: Indices
    round: Indices
    time: Floats
    number: Indices
    truth: Floats
    felt: Floats


def _elapsed(slow: Floats, start: float, work: float, feel: float) -> float:
    """Seconds until work that takes so many undisturbed seconds is done."""
    k = int(start / STEP_S)
    done, now = 0.0, start
    while True:
        rate = np.exp(-feel * slow[min(k, len(slow) - 1)])
        until = (k + 1) * STEP_S
        step = (until - now) * rate
        if done + step >= work:
            return now + (work - done) / rate - start
        done, now, k = done + step, until, k + 1
