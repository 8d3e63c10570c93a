"""Faults of a simulated device, as plain numbers, with the level and the noise that follow from them.

The same (faults, seed, class, time) always gives the same level, whoever asks and in whatever order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost._cached import cached_property
from hwcost._types import Floats

DROP_PERIOD = 50
"""Blocks from the beginning of one stretch at a lower clock to that of the next."""

GRID = 8192
"""Points of a level over the span; between them it is straight."""


@dataclass(frozen=True)
class Faults:
    """Faults of a device; all off by default. Shares are of 1, sizes are logarithmic unless said otherwise.

    Attributes:
        span_s: Seconds over which ramp and steps are laid out; the level stays as it is afterwards.
        ramp: Rise of the level from the first to the last second.
        steps: Number of jumps at random times.
        step_sd: Standard deviation of the level of each stretch between jumps.
        walk_sd: Standard deviation of an Ornstein-Uhlenbeck drift.
        walk_s: Time constant of that drift, in seconds.
        sensitivities: Share of the common level that each class of workloads feels.
        own: Whether every class has a level of its own, drawn independently.
        noise: Standard deviation of every block, that is, of every run of calls.
        chain_sd: Standard deviation of noise that is correlated from block to block.
        chain_rho: Correlation of that noise from one block to the next.
        process: Standard deviation of a factor that an item keeps through a round.
        tail: Degrees of freedom of Student's t for ``noise``; 0 for normal.
        spikes: Share of blocks that are hit by a spike.
        spike_size: Size of a spike.
        modes: Share of blocks in a second, slower state.
        mode_size: Slowing in that state.
        bands: Share of visits whose whole process is in that state.
        drops: Share of blocks at a lower clock; they come in stretches.
        drop_size: Share of the clock that is lost in them.
        warmup: Number of calls until a visit is as quick as it gets.
        warmup_size: Slowing of the first call.
        switch: Number of calls after another workload ran until one is as quick as in a loop.
        switch_size: Slowing of these calls.
        slowdown: Slowing per call, as a share, without an end.
        swing: Half the height of an oscillation.
        swing_calls: Period of that oscillation, in calls.
        neighbour: Share by which calls are longer while another process computes on the same core.
        busy_s: Mean seconds of its bursts.
        idle_s: Mean seconds between them.
        tick_s: Step of the clock; 0 for nanoseconds.
        recompile_at: The call of each visit at which something is compiled; 0 for none.
        steal: Share of the time that a hypervisor takes away; calls take that much longer.
        ignored: Whether all workloads cost the same, because their configuration is not applied.
    """

    span_s: float = 1600.0
    ramp: float = 0.0
    steps: int = 0
    step_sd: float = 0.08
    walk_sd: float = 0.0
    walk_s: float = 200.0
    sensitivities: tuple[float, ...] = (0.3, 0.6, 1.0)
    own: bool = False
    noise: float = 0.0
    chain_sd: float = 0.0
    chain_rho: float = 0.9
    process: float = 0.0
    tail: float = 0.0
    spikes: float = 0.0
    spike_size: float = 0.3
    modes: float = 0.0
    mode_size: float = 0.1
    bands: float = 0.0
    drops: float = 0.0
    drop_size: float = 0.3
    warmup: int = 0
    warmup_size: float = 1.0
    switch: int = 0
    switch_size: float = 0.5
    slowdown: float = 0.0
    swing: float = 0.0
    swing_calls: int = 40
    neighbour: float = 0.0
    busy_s: float = 1.75
    idle_s: float = 2.25
    tick_s: float = 0.0
    recompile_at: int = 0
    steal: float = 0.0
    ignored: bool = False


@dataclass(frozen=True)
class LevelPath:
    """The log level of one class of workloads over time.

    Attributes:
        faults: Drifts of the level.
        seed: Seed of the drift.
        group: Number of the class, from 0; classes beyond the last sensitivity feel as much as the last.
    """

    faults: Faults
    seed: int
    group: int = 0

    def __call__(self, times_s: Floats) -> Floats:
        """Returns the log level at any times; those beyond the span are as at its end."""
        return np.interp(times_s, self._times, self._values)

    @property
    def mean(self) -> float:
        """Mean over the span."""
        return float(self._values.mean())

    @cached_property
    def _times(self) -> Floats:
        return np.linspace(0.0, self.faults.span_s, GRID)

    @cached_property
    def _values(self) -> Floats:
        faults = self.faults
        felt = 1.0 if faults.own else faults.sensitivities[min(self.group, len(faults.sensitivities) - 1)]
        rng = np.random.default_rng([self.seed, self.group if faults.own else 0, 1])
        share = self._times / faults.span_s
        jumps = np.sort(rng.uniform(0.0, 1.0, faults.steps))
        stretches = faults.step_sd * rng.standard_normal(faults.steps + 1)
        values = faults.ramp * share + (stretches[np.searchsorted(jumps, share)] if faults.steps else 0.0)
        return np.asarray(felt * (values + (self._walk(rng) if faults.walk_sd else np.zeros(GRID))))

    def _walk(self, rng: np.random.Generator) -> Floats:
        from scipy.signal import lfilter

        kept = float(np.exp(-self.faults.span_s / (GRID - 1) / self.faults.walk_s))
        pushes = rng.standard_normal(GRID) * np.sqrt(1.0 - kept**2)
        pushes[0] /= np.sqrt(1.0 - kept**2)
        return np.asarray(self.faults.walk_sd * lfilter([1.0], [1.0, -kept], pushes))


@dataclass(frozen=True)
class BlockDraws:
    """Everything but law and level of some visits.

    Attributes:
        log: Log factor of each block, shape (visits, blocks).
        is_dropped: Whether it ran at a lower clock, shape (visits, blocks).
    """

    log: Floats
    is_dropped: NDArray[np.bool_]


def draw_blocks(faults: Faults, rng: np.random.Generator, shape: tuple[int, int]) -> BlockDraws:
    """Draws the noise of visits of equal numbers of blocks.

    Args:
        faults: Faults of the device.
        rng: Generator of the numbers.
        shape: Number of visits, and of blocks in each.
    """
    visits, _ = shape
    log = faults.noise * _standard(rng, faults.tail, shape) + faults.process * _standard(rng, faults.tail, (visits, 1))
    pushes = rng.standard_normal(shape)
    if faults.chain_sd:
        log = log + faults.chain_sd * _chain(pushes, faults.chain_rho)
    log = log + faults.spike_size * (rng.random(shape) < faults.spikes)
    log = log + faults.mode_size * ((rng.random(shape) < faults.modes) | (rng.random((visits, 1)) < faults.bands))
    place = (np.arange(shape[1]) + rng.integers(0, DROP_PERIOD, (visits, 1))) % DROP_PERIOD
    is_dropped = place < faults.drops * DROP_PERIOD
    return BlockDraws(np.asarray(log - np.log1p(-faults.drop_size) * is_dropped), is_dropped)


def _standard(rng: np.random.Generator, tail: float, shape: tuple[int, int]) -> Floats:
    """Draws numbers of unit variance, normal or with Student's tails."""
    if not tail:
        return rng.standard_normal(shape)
    return np.asarray(rng.standard_t(tail, shape) * np.sqrt((tail - 2.0) / tail))


def _chain(pushes: Floats, rho: float) -> Floats:
    """Returns stationary first-order autoregressive noise of unit variance along the blocks of each visit.

    Args:
        pushes: Independent standard normal numbers, shape (n_visits, n_blocks).
        rho: Correlation of neighbouring blocks.
    """
    from scipy.signal import lfilter

    pushes = pushes * np.sqrt(1.0 - rho**2)
    pushes[:, 0] /= np.sqrt(1.0 - rho**2)
    return np.asarray(lfilter([1.0], [1.0, -rho], pushes, axis=1))


DRIFTS = {
    "no drift": Faults(),
    "ramp 12 %": Faults(ramp=0.12),
    "5 steps, sd 8 %": Faults(steps=5),
    "slow drift, sd 5 %": Faults(walk_sd=0.05),
    "fast drift, sd 3 %": Faults(walk_sd=0.03, walk_s=20.0),
    "ramp, steps and drift": Faults(ramp=0.12, steps=3, step_sd=0.05, walk_sd=0.03),
    "own drift of each class": Faults(walk_sd=0.05, steps=2, step_sd=0.05, own=True),
}
"""Movements of a machine's level; times are in seconds, for visits of one second."""

NOISES = {
    "chained blocks (rho 0.9), process 1 %": Faults(chain_sd=0.02, process=0.01, spikes=0.02),
    "spikes in 5 % of blocks": Faults(noise=0.02, process=0.005, spikes=0.05),
    "second mode in 10 % of blocks": Faults(noise=0.02, process=0.005, modes=0.1),
    "second mode in 10 % of processes": Faults(noise=0.02, process=0.005, bands=0.1),
    "heavy tails (t, 3 degrees)": Faults(noise=0.02, process=0.01, tail=3.0),
}
"""Noise that is not white."""
