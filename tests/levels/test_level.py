"""The level of a machine over time: found where it moved, left alone where it did not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.levels.change_points import change_points
from hwcost.levels.level import fit_level
from hwcost.levels.random_walk import smooth
from hwcost.levels.von_neumann import critical, von_neumann

NOISE = 0.02


def noise(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(n) * NOISE


def test_steps_are_found_at_their_rows() -> None:
    rows = np.arange(2000)
    level = fit_level(rows, noise(2000) + np.where((rows >= 1263) & (rows < 1500), 0.2, 0.0))
    assert level.kind == "steps"
    assert np.abs(np.array(level.cuts) - [1263, 1500]).max() <= 3
    assert level.range == pytest.approx(np.expm1(0.2), abs=0.01)
    assert [segment.first for segment in level.segments] == [0, *level.cuts]


@pytest.mark.parametrize("seed", range(3))
def test_a_ramp_and_a_random_walk_are_followed_and_noise_is_left_alone(seed: int) -> None:
    n = 1500
    rng = np.random.default_rng(100 + seed)
    for truth, error in ((np.linspace(0, 0.12, n), 0.15), (np.cumsum(rng.standard_normal(n) * 0.002), 0.25)):
        level = fit_level(np.arange(n), noise(n, seed) + truth)
        assert level.kind != "none"
        left = level.values - (truth - truth.mean())
        assert np.sqrt(np.mean(left**2)) < error * NOISE + 0.1 * truth.std()


@pytest.mark.parametrize("n", [30, 100, 1000])
def test_no_level_is_made_of_noise(n: int) -> None:
    kinds = [fit_level(np.arange(n), noise(n, seed)).kind for seed in range(60)]
    heavy = [fit_level(np.arange(n), np.random.default_rng(s).standard_t(3, n)).kind for s in range(60)]
    assert kinds.count("none") >= 57
    assert heavy.count("none") >= 57


def test_outliers_neither_make_nor_hide_a_level() -> None:
    rng = np.random.default_rng(1)
    values = noise(800)
    values[rng.choice(800, 40, replace=False)] += 3.0
    assert fit_level(np.arange(800), values).kind == "none"
    values[400:] += 0.1
    level = fit_level(np.arange(800), values)
    assert level.cuts
    assert min(abs(cut - 400) for cut in level.cuts) <= 5
    assert level.range == pytest.approx(np.expm1(0.1), abs=0.02)


def test_known_cuts_let_the_level_jump_where_two_runs_meet() -> None:
    values = noise(200)
    values[100:] += 0.03
    level = fit_level(np.arange(200), values, cuts=(100.0,))
    assert 100 in level.cuts
    assert float(level(np.array([99.0]))[0]) < 0 < float(level(np.array([100.0]))[0])


@given(st.integers(5, 40), st.integers(0, 1000), st.sampled_from([1.0, 4.0, 32.0]))
def test_left_out_errors_are_what_a_fit_without_the_value_gives(n: int, seed: int, memory: float) -> None:
    rng = np.random.default_rng(seed)
    values, weights = rng.standard_normal(n), rng.uniform(0.5, 2.0, n)
    times = np.cumsum(rng.uniform(0.2, 2.0, n))
    quick = smooth(values, weights, np.diff(times), np.array([memory])).left_out(values)[0]
    which = int(rng.integers(n))
    light = weights.copy()
    light[which] = 1e-9
    slow = values[which] - smooth(values, light, np.diff(times), np.array([memory])).fitted[0, which]
    assert quick[which] == pytest.approx(slow, rel=1e-5, abs=1e-7)


@given(st.integers(2, 60), st.integers(0, 1000))
def test_smoothing_solves_the_normal_equations(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, weights, gaps = rng.standard_normal(n), rng.uniform(0.5, 2.0, n), rng.uniform(0.2, 2.0, n - 1)
    fit = smooth(values, weights, gaps, np.array([3.0]))
    steps = np.diff(np.eye(n), axis=0)
    system = np.diag(weights) + steps.T @ np.diag(9.0 / gaps) @ steps
    assert fit.fitted[0] == pytest.approx(np.linalg.solve(system, weights * values), abs=1e-9)
    assert fit.leverage[0] == pytest.approx(np.diag(np.linalg.inv(system)) * weights, abs=1e-9)


def test_the_von_neumann_ratio_tells_noise_from_drift() -> None:
    below = sum(von_neumann(noise(300, seed)) < critical(300) for seed in range(300))
    assert below <= 10  # 1 % of 300, and what chance allows
    assert von_neumann(np.cumsum(noise(300))) < 0.2
    assert von_neumann(np.ones(50)) == 1.0


def test_long_series_are_cut_at_single_rows() -> None:
    values = noise(20_000)
    values[12_345:] += 0.1
    assert change_points(values) == [pytest.approx(12_345, abs=3)]


def test_a_creep_that_noise_hides_from_smoothers_is_found_by_its_slope_and_noise_has_none() -> None:
    n = 120
    times, creep = np.arange(n), np.linspace(0, 0.1, n)
    found = [fit_level(times, 3 * noise(n, seed) + creep, may_creep=True) for seed in range(40)]
    smooth_only = [fit_level(times, 3 * noise(n, seed) + creep) for seed in range(40)]
    assert sum(level.kind != "none" for level in found) >= 25 > 15 >= sum(level.kind != "none" for level in smooth_only)
    lines = [level for level in found if level.memory is None and level.kind == "drift"]
    assert np.mean([level.range for level in lines]) == pytest.approx(np.expm1(0.1), abs=0.03)
    assert all(np.ptp(np.diff(level.values)) < 1e-12 for level in lines)
    still = [fit_level(times, noise(n, seed), may_creep=True).kind for seed in range(100)]
    assert still.count("none") >= 97
