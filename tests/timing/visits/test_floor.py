"""Blocks of a small group: bursts of a neighbour do not make them unsteady, and a trend does."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost.testing.faults import Faults
from hwcost.testing.sim_device import SimDevice
from hwcost.timing.measurement import Visit
from hwcost.timing.protocol import protocol
from hwcost.timing.setting import Limits
from hwcost.timing.visits import floor
from tests.timing.execution.test_groups import told, visits, works

TOLERANCE = 0.01


def level(curve: np.ndarray, noise: float, seed: int) -> bool:
    rng = np.random.default_rng(seed)
    return floor.is_level((curve * np.exp(rng.normal(0.0, noise, len(curve)))).tolist(), TOLERANCE)


def bursts(n: int, seed: int) -> np.ndarray:
    """Calls of 0.3 s beside bursts of 1.75 s and pauses of 2.25 s: each is slowed in proportion to its overlap."""
    rng = np.random.default_rng([seed, 1])
    lengths = rng.exponential([2.25, 1.75], (n, 2)).ravel()
    edges = np.concatenate([[0.0], np.cumsum(lengths)])
    time = np.arange(0.0, 0.3 * n, 0.01)
    busy = (np.searchsorted(edges, time + rng.uniform(0, 4), "right") - 1) % 2
    return 1.0 + 0.6 * busy[: 30 * n].reshape(n, 30).mean(axis=1)


@pytest.mark.parametrize("n", [12, 20, 60])
def test_bursts_leave_a_level_floor(n: int) -> None:
    assert np.mean([level(bursts(n, seed), 0.005, seed) for seed in range(200)]) > 0.75


@pytest.mark.parametrize("n", [12, 20, 60])
@pytest.mark.parametrize("rise", [0.05, 0.3])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_trend_moves_the_floor(n: int, rise: float, sign: int) -> None:
    curve = (1.0 + rise * np.linspace(0, 1, n))[::sign]
    assert np.mean([level(curve, 0.003, seed) for seed in range(200)]) < 0.1


@pytest.mark.parametrize("period", [15, 20, 40, 60])
def test_a_swing_has_no_floor(period: int) -> None:
    assert not level(1 + 0.2 * np.sin(2 * np.pi * np.arange(200) / period), 0.0, 0)


def visited(size: int, **faults: float) -> list[Visit]:
    """Visits of long calls of a group that is too small to tell what slowed all."""
    found = []
    for seed in range(4):
        device = SimDevice(options={"seed": seed}, faults=Faults(noise=0.005, **faults))
        how = protocol("standard")
        found += list(visits(told(device, works(size, 3 * 10**10), how, Limits(passes=15)), how))
    return found


@pytest.mark.parametrize("size", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_long_calls_beside_bursts_are_usable_and_those_that_get_slower_are_not(size: int) -> None:
    burst = visited(size, neighbour=0.6, busy_s=1.75, idle_s=2.25)
    assert np.mean([seen.is_usable for seen in burst]) > 0.9
    assert not any(seen.is_usable for seen in visited(size, slowdown=0.02))
