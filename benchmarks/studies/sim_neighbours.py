"""Campaigns of workloads measured in turn beside simulated neighbours: the blocks that they would give, drawn as arrays.

A neighbour works and pauses by turns, for times with an exponential distribution, and slows every workload while it works. A
block that meets part of a burst is slowed in part. Beneath, the level of the machine drifts slowly, and every process has a
layout of its own, for all workloads together and for each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.agent.timer import QUICK, QUICKEST
from hwcost.campaign.estimates.block_table import BlockTable

STEP_S = 0.002
"""Grid on which neighbours work and pause."""

WARMUP = 0.1
"""Seconds of the calls before a block, as a share of the block's."""

SPIKE = 0.05
"""Mean log size of a spike."""

WIDTHS = 0.4
"""Standard deviation of the log share of a layer in its net."""

LAYER_FEEL = 0.1
"""Standard deviation of how strongly layers of one net feel a neighbour, relative to the net."""

COMMON = 0.9
"""Part of a call's noise that its layers have in common."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another load of the machine.

    Attributes:
        factor: Factor by which it slows the usual workload while it works.
        duty: Share of the time in which it works.
        dwell_s: Mean of the seconds of a burst and of those of a pause.
        varies: Whether each burst slows by another share of the logarithm of the factor, as traffic of the caches does.
    """

    factor: float
    duty: float
    dwell_s: float
    varies: bool = False

    def lasts_s(self, rng: np.random.Generator, works: bool) -> float:
        """Draws the seconds of a burst or of a pause."""
        return float(rng.exponential(2 * self.dwell_s * (self.duty if works else 1 - self.duty)))


@dataclass(frozen=True, slots=True)
class Bursts:
    """Another load, whose bursts and pauses last any time between limits.

    Attributes:
        factor: Factor by which it slows the usual workload while it works.
        burst_s: Least and most seconds of a burst.
        pause_s: Least and most seconds of a pause.
        varies: Whether each burst slows by another share of the logarithm of the factor.
    """

    factor: float = 1.6
    burst_s: tuple[float, float] = (0.5, 3.0)
    pause_s: tuple[float, float] = (0.5, 4.0)
    varies: bool = False

    @property
    def duty(self) -> float:
        """Share of the time in which it works."""
        return sum(self.burst_s) / (sum(self.burst_s) + sum(self.pause_s))

    def lasts_s(self, rng: np.random.Generator, works: bool) -> float:
        """Draws the seconds of a burst or of a pause."""
        return float(rng.uniform(*(self.burst_s if works else self.pause_s)))


@dataclass(frozen=True, slots=True)
class Drawn:
    """The blocks of a campaign, and what they should lead to.

    Attributes:
        blocks: Blocks in the order they ran.
        truth: Uncontended log latency of each workload at the campaign's mean level, shape (items,).
        delay: Log delay of every block by neighbours, shape (n,).
        layers_s: Seconds of the layers of every block, shape (n, layers); None where they are not timed.
        quick: Log latency of every block's quick slices, shape (n,); None where blocks have no slices.
        quickest: The same of the quickest ones.
    """

    blocks: BlockTable
    truth: Floats
    delay: Floats
    layers_s: Floats | None = None
    quick: Floats | None = None
    quickest: Floats | None = None

    @property
    def slowed(self) -> float:
        """Share of the blocks that a neighbour slowed by more than 0.5 %."""
        return float((self.delay > 0.005).mean())


@dataclass(frozen=True)
class SimNeighbours:
    """A campaign beside neighbours.

    Attributes:
        seed: Seed of everything.
        items: Number of workloads.
        passes: Passes in each process.
        neighbours: Other loads.
        processes: Number of processes.
        block_s: Usual seconds of an uncontended block.
        call_s: Least and most seconds of an uncontended call, where every block is a single one; None for quick calls.
        layers: Number of layers of each net whose times are drawn too, where every block is a single call; 0 for none.
        slices: Number of slices of each block that are timed by themselves, where blocks have many calls; 0 for none.
        start_s: Seconds that a process takes to start, in which nothing is timed.
        noise: Standard deviation of a block's log latency.
        spikes: Share of the blocks that have a spike.
        layout: Standard deviation of what a process does to a single workload.
        process: Standard deviation of what a process does to all workloads.
        drift: Standard deviation of the slow level.
        drift_s: Seconds in which the slow level forgets its value.
        sensitivity: Standard deviation of how strongly workloads feel a neighbour, relative to the usual one.
        nets: Seed of the workloads, which campaigns with the same one share; None for those of ``seed``.
    """

    seed: int
    items: int = 12
    passes: int = 60
    neighbours: tuple[Neighbour | Bursts, ...] = ()
    processes: int = 4
    block_s: float = 0.022
    call_s: tuple[float, float] | None = None
    layers: int = 0
    slices: int = 0
    start_s: float = 3.0
    noise: float = 0.01
    spikes: float = 0.05
    layout: float = 0.005
    process: float = 0.003
    drift: float = 0.01
    drift_s: float = 120.0
    sensitivity: float = 0.15
    nets: int | None = None

    @classmethod
    def random(cls, seed: int, passes: int) -> SimNeighbours:
        """Draws 12 to 40 workloads and one or two neighbours: factors 1.05 to 1.8, duties 0.1 to 0.7, dwells 0.1 to 10 s."""
        rng = np.random.default_rng([seed, 77])
        count = int(rng.integers(1, 3))
        neighbours = tuple(
            Neighbour(
                float(rng.uniform(1.05, 1.8)),
                float(rng.uniform(0.1, 0.7)),
                _between(rng, 0.1, 10.0),
            )
            for _ in range(count)
        )
        return cls(seed, items=int(rng.integers(12, 41)), passes=passes, neighbours=neighbours)

    @classmethod
    def busy(cls, seed: int, passes: int) -> SimNeighbours:
        """Draws 8 to 29 workloads beside a neighbour that works 80 to 99 % of the time; half of them have another."""
        rng = np.random.default_rng([seed, 79])
        first = Neighbour(float(rng.uniform(1.05, 1.8)), float(rng.uniform(0.8, 0.99)), _between(rng, 0.1, 10.0))
        second = Neighbour(float(rng.uniform(1.05, 1.3)), float(rng.uniform(0.1, 0.7)), _between(rng, 0.05, 3.0))
        neighbours = (first, second) if rng.random() < 0.5 else (first,)
        return cls(seed, items=int(rng.integers(8, 30)), passes=passes, neighbours=neighbours)

    @classmethod
    def crowded(cls, seed: int, passes: int) -> SimNeighbours:
        """Draws 8 to 29 workloads beside three to eight neighbours, all of which pause 0.5 to 20 % of the time."""
        rng = np.random.default_rng([seed, 78])
        shares = rng.dirichlet(np.ones(int(rng.integers(3, 9))))
        works = 1.0 - _between(rng, 0.005, 0.2) ** shares
        neighbours = tuple(Neighbour(float(rng.uniform(1.05, 1.5)), float(one), _between(rng, 0.03, 5.0)) for one in works)
        return cls(seed, items=int(rng.integers(8, 30)), passes=passes, neighbours=neighbours)

    @classmethod
    def host(cls, seed: int, passes: int) -> SimNeighbours:
        """Draws 8 to 29 workloads beside a neighbour that comes and goes within blocks; half of them have another."""
        rng = np.random.default_rng([seed, 80])
        first = Neighbour(float(rng.uniform(1.2, 1.8)), float(rng.uniform(0.2, 0.9)), _between(rng, 0.004, 0.05))
        second = Neighbour(float(rng.uniform(1.05, 1.5)), float(rng.uniform(0.1, 0.7)), _between(rng, 0.1, 10.0))
        neighbours = (first, second) if rng.random() < 0.5 else (first,)
        return cls(seed, items=int(rng.integers(8, 30)), passes=passes, neighbours=neighbours)

    @classmethod
    def shared(cls, seed: int, passes: int) -> SimNeighbours:
        """Draws 8 to 29 workloads on a host that others share.

        One neighbour takes bandwidth of the caches most of the time, as much as it happens to need. Half of the hosts have
        another one that computes on the same core, for seconds to a minute.
        """
        rng = np.random.default_rng([seed, 81])
        first = Neighbour(float(rng.uniform(1.1, 1.4)), float(rng.uniform(0.8, 0.99)), _between(rng, 0.3, 10.0), varies=True)
        second = Neighbour(float(rng.uniform(1.4, 1.9)), float(rng.uniform(0.1, 0.6)), _between(rng, 3.0, 30.0))
        neighbours = (first, second) if rng.random() < 0.5 else (first,)
        return cls(seed, items=int(rng.integers(8, 30)), passes=passes, neighbours=neighbours)

    @property
    def duty(self) -> float:
        """Share of the time in which any neighbour works."""
        return 1 - math.prod(1 - one.duty for one in self.neighbours)

    @cached_property
    def slowness(self) -> Floats:
        """Log slowness of the usual workload on a grid of ``STEP_S`` seconds."""
        rng = np.random.default_rng([self.seed, 12])
        worst = math.prod(one.factor for one in self.neighbours)
        longest_s = self.block_s * (1 + WARMUP) * 1.1 if self.call_s is None else self.call_s[1]
        busy_s = self.items * self.passes * longest_s * worst**1.6
        steps = int(self.processes * (self.start_s + busy_s) / STEP_S) + 1
        found = np.zeros(steps)
        for one in self.neighbours:
            found += math.log(one.factor) * _works(rng, one, steps)
        return found

    @cached_property
    def level(self) -> Floats:
        """Slow log level at every second."""
        rng = np.random.default_rng([self.seed, 13])
        keep = math.exp(-1.0 / self.drift_s)
        steps = rng.normal(0.0, self.drift, int(len(self.slowness) * STEP_S) + 2)
        found = [float(steps[0])]
        for step in steps[1:].tolist():
            found.append(keep * found[-1] + math.sqrt(1 - keep**2) * step)
        return np.array(found)

    def draw(self) -> Drawn:
        """Draws the blocks."""
        rng = np.random.default_rng([self.seed, 11])
        own = rng if self.nets is None else np.random.default_rng([self.nets, 15])
        law = own.normal(-6.0, 0.6, self.items) if self.call_s is None else np.log(own.uniform(*self.call_s, self.items))
        feel = np.clip(own.normal(1.0, self.sensitivity, self.items), 0.4, 1.6)
        offset = rng.normal(0.0, self.layout, (self.items, self.processes)) + rng.normal(0.0, self.process, self.processes)
        item, round = self._order(rng)
        work_s = np.exp(law[item]) if self.call_s else self.block_s * rng.uniform(0.9, 1.1, len(item))
        if self.layers:
            return self._in_layers(law, feel, offset, item, round)
        if self.slices:
            return self._in_slices(law, feel, offset, item, round)
        time, slowed = self._times(work_s[:, None], item, round, feel[:, None])
        slowed = np.log(slowed.sum(axis=1) / work_s)
        spike = np.where(rng.random(len(item)) < self.spikes, rng.exponential(SPIKE, len(item)), 0.0)
        level = np.interp(time, np.arange(len(self.level)), self.level)
        y = law[item] + offset[item, round] + level + slowed + spike + rng.normal(0.0, self.noise, len(item))
        truth = law + self.level[: int(time[-1]) + 1].mean()
        return Drawn(BlockTable(y, item, round, time), truth, slowed)

    def _in_layers(self, law: Floats, feel: Floats, offset: Floats, item: Indices, round: Indices) -> Drawn:
        """Draws calls layer by layer; a call is as noisy as one that is drawn as a whole.

        Args:
            law: Uncontended log latency of each workload, shape (items,).
            feel: Sensitivity of each workload to neighbours, shape (items,).
            offset: Log deviation of each workload in each process, shape (items, processes).
            item: Index of each block's workload, shape (n,).
            round: Index of its process, shape (n,).
        """
        rng, shape = np.random.default_rng([self.seed, 14]), (self.items, self.layers)
        share = np.exp(rng.normal(0.0, WIDTHS, shape))
        share *= np.exp(law)[:, None] / share.sum(axis=1, keepdims=True)
        felt = feel[:, None] * np.clip(rng.normal(1.0, LAYER_FEEL, shape), 0.5, 1.5)
        layout = rng.normal(0.0, self.layout, (*shape, self.processes))
        time, slowed_s = self._times(share[item], item, round, felt)
        n, own = len(item), math.sqrt((1 - COMMON**2) * self.layers) * self.noise
        noise = COMMON * rng.normal(0.0, self.noise, (n, 1)) + rng.normal(0.0, own, (n, self.layers))
        level = np.interp(time, np.arange(len(self.level)), self.level) + offset[item, round]
        layers_s = slowed_s * np.exp(noise + level[:, None] + layout[item, :, round])
        self._add_spikes(layers_s, rng)
        blocks = BlockTable(np.log(layers_s.sum(axis=1)), item, round, time)
        truth = law + self.level[: int(time[-1]) + 1].mean()
        return Drawn(blocks, truth, np.log(slowed_s.sum(axis=1)) - law[item], layers_s)

    def _in_slices(self, law: Floats, feel: Floats, offset: Floats, item: Indices, round: Indices) -> Drawn:
        """Draws blocks slice by slice; a block is as noisy as one that is drawn as a whole.

        Args:
            law: Uncontended log latency of each workload, shape (items,).
            feel: Sensitivity of each workload to neighbours, shape (items,).
            offset: Log deviation of each workload in each process, shape (items, processes).
            item: Index of each block's workload, shape (n,).
            round: Index of its process, shape (n,).
        """
        rng, n, count = np.random.default_rng([self.seed, 16]), len(item), self.slices
        work_s = np.repeat(self.block_s * rng.uniform(0.9, 1.1, (n, 1)) / count, count, axis=1)
        time, slowed_s = self._times(work_s, item, round, np.repeat(feel[:, None], count, axis=1))
        own = math.sqrt((1 - COMMON**2) * count) * self.noise
        ratio = slowed_s / work_s * np.exp(COMMON * rng.normal(0.0, self.noise, (n, 1)) + rng.normal(0.0, own, (n, count)))
        self._add_spikes(ratio, rng)
        counts = [ratio <= most * ratio.min(axis=1, keepdims=True) for most in (QUICK, QUICKEST)]
        quick, quickest = (np.log((ratio * one).sum(axis=1) / one.sum(axis=1)) for one in counts)
        level = np.interp(time, np.arange(len(self.level)), self.level)
        base, truth = law[item] + offset[item, round] + level, law + self.level[: int(time[-1]) + 1].mean()
        delay = np.log(slowed_s.sum(axis=1) / work_s.sum(axis=1))
        blocks = BlockTable(base + np.log(ratio.mean(axis=1)), item, round, time)
        return Drawn(blocks, truth, delay, quick=base + quick, quickest=base + quickest)

    def _add_spikes(self, parts: Floats, rng: np.random.Generator) -> None:
        """Makes one part of some blocks longer, in place; parts have the shape (n, parts)."""
        n, count = parts.shape
        spike = np.where(rng.random(n) < self.spikes, np.expm1(rng.exponential(SPIKE, n)), 0.0)
        parts[np.arange(n), rng.integers(0, count, n)] += spike * parts.sum(axis=1)

    def _order(self, rng: np.random.Generator) -> tuple[Indices, Indices]:
        """Draws the order of workloads in every pass; returns the workload and the process of every block."""
        passes = [rng.permutation(self.items) for _ in range(self.processes * self.passes)]
        return np.concatenate(passes), np.repeat(np.arange(self.processes), self.passes * self.items)

    def _times(self, work_s: Floats, item: Indices, round: Indices, feel: Floats) -> tuple[Floats, Floats]:
        """Returns when every block began, and the seconds that its parts took beside neighbours, shape (n, parts).

        Args:
            work_s: Uncontended seconds of the parts of each block, shape (n, parts).
            item: Index of its workload, shape (n,).
            round: Index of its process, shape (n,).
            feel: Sensitivity of the parts of each workload to neighbours, shape (items, parts).
        """
        warmup = WARMUP if self.call_s is None else 0.0
        time, took_s, now = np.empty(len(item)), np.empty(work_s.shape), 0.0
        for k in range(len(item)):
            now += self.start_s if not k or round[k] != round[k - 1] else 0.0
            now += warmup * float(work_s[k].sum())
            time[k] = now
            for part, (seconds, felt) in enumerate(zip(work_s[k].tolist(), feel[item[k]].tolist(), strict=True)):
                took_s[k, part] = self._seconds(now, seconds, felt)
                now += float(took_s[k, part])
        return time, took_s

    def _seconds(self, start_s: float, work_s: float, feel: float) -> float:
        """Returns the seconds that work takes whose uncontended seconds are known."""
        k, now, done = int(start_s / STEP_S), start_s, 0.0
        while True:
            rate = math.exp(-feel * self.slowness[min(k, len(self.slowness) - 1)])
            step = ((k + 1) * STEP_S - now) * rate
            if done + step >= work_s:
                return now + (work_s - done) / rate - start_s
            done, now, k = done + step, (k + 1) * STEP_S, k + 1


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    """Draws a number whose logarithm has a uniform distribution."""
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def _works(rng: np.random.Generator, neighbour: Neighbour | Bursts, steps: int) -> Floats:
    """Draws how strongly a neighbour works, from 0 to 1 for every step of the grid."""
    found, at, works = np.zeros(steps), 0, rng.random() < neighbour.duty
    while at < steps:
        count = max(1, int(neighbour.lasts_s(rng, works) / STEP_S))
        found[at : at + count] = works * (rng.random() if works and neighbour.varies else 1.0)
        at, works = at + count, not works
    return found
