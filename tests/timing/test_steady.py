from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.timing import steady


def noisy(values: np.ndarray, sd: float, seed: int = 0) -> list[float]:
    return list(values * np.exp(np.random.default_rng(seed).normal(0, sd, len(values))))


def settled_at(blocks: list[float], tolerance: float = 0.01) -> int | None:
    for n in range(steady.WINDOW, len(blocks) + 1):
        found = steady.first_steady(blocks[:n], tolerance)
        if found is not None:
            return found
    return None


def test_a_constant_is_steady_from_the_start() -> None:
    assert settled_at([0.1] * 10) == 0


@pytest.mark.parametrize(("warmup", "left"), [(3, 0.005), (30, 0.01), (200, 0.08)])
def test_a_warm_up_is_left_out(warmup: int, left: float) -> None:
    """The slower the decay, the more of it is below the tolerance over one window."""
    curve = 1 + np.exp(-np.arange(warmup + 60) / (warmup / 4))
    blocks = noisy(curve, 0.001)
    start = settled_at(blocks)
    assert start is not None
    assert np.median(blocks[start : start + steady.WINDOW]) == pytest.approx(1.0, rel=left)
    assert steady.classify(blocks[:start], blocks[start:], 0.01) == "warm-up"


def test_noise_alone_is_no_trend() -> None:
    hits = sum(settled_at(noisy(np.ones(20), 0.05, seed)) is not None for seed in range(100))
    assert hits >= 95


def test_a_steep_ramp_never_settles() -> None:
    assert settled_at(noisy(1 + 0.05 * np.arange(60), 0.002)) is None


def test_an_oscillation_of_window_length_never_settles() -> None:
    blocks = noisy(1 + 0.2 * np.sign(np.sin(2 * np.pi * np.arange(80) / 10)), 0.001)
    start = settled_at(blocks[:9])
    assert start is None


def test_getting_slower_has_its_name() -> None:
    assert steady.classify([1.0] * 10, [1.3] * 10, 0.01) == "slowdown"
    assert steady.classify([1.0] * 10, [], 0.01) == "none"
    assert steady.classify([], [1.0] * 10, 0.01) == "flat"


@given(st.floats(-1, 1), st.floats(0.1, 10), st.integers(4, 20))
def test_the_slope_of_a_line_is_exact(slope: float, start: float, n: int) -> None:
    assert steady.slope([start + slope * i for i in range(n)]) == pytest.approx(slope, abs=1e-9)


def test_the_error_of_the_median_is_that_of_many_repeats() -> None:
    rng = np.random.default_rng(0)
    medians, errors = [], []
    for _ in range(400):
        sample = rng.normal(1, 0.02, 40)
        medians.append(np.median(sample))
        errors.append(steady.relative_error(list(sample)))
    assert np.mean(errors) == pytest.approx(np.std(medians), rel=0.15)


def test_a_jump_between_two_states_is_not_a_trend_and_a_slow_rise_is_one() -> None:
    rng = np.random.default_rng(0)
    for count in (3, 6, 12, 40):
        states = [rng.normal(0, 0.01, count) + 0.5 * (rng.random(count) < 0.4) for _ in range(200)]
        assert sum(steady.trendless_from(logs.tolist(), 0.01) != 0 for logs in states) <= 2
    rising = [0.02 * i + float(rng.normal(0, 0.002)) for i in range(20)]
    assert steady.trend(rising) == pytest.approx(0.28, abs=0.03)
    assert steady.trendless_from(rising, 0.01) is None
    assert steady.trendless_from([*rising[11::-1], *[0.0] * 20], 0.01) == 8
