"""Effects of measuring runs: told by what other rows share, and none where hardly any rows share a run."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost.levels.level import fit_level
from hwcost.levels.runs import LEAST_SHARED, are_shared, run_effects

RNG = np.random.default_rng(0)


def test_runs_of_one_row_have_no_effects() -> None:
    errors, alone = RNG.standard_normal(40), np.arange(40)
    found = run_effects(errors, alone)
    assert found.effects == {}
    assert not found.left_out.any()
    pairs = np.arange(40)
    pairs[: 2 * LEAST_SHARED : 2] = pairs[1 : 2 * LEAST_SHARED : 2]
    assert are_shared(pairs)
    pairs[0] = 99
    assert not are_shared(pairs)


@pytest.mark.parametrize("rows", [2, 3, 8])
def test_a_row_says_nothing_of_the_effect_that_it_is_left_out_of(rows: int) -> None:
    runs = np.append(np.repeat(np.arange(60), rows), 99)
    errors = 0.1 * RNG.standard_normal(61)[np.append(np.repeat(np.arange(60), rows), 60)]
    errors = errors + 0.02 * RNG.standard_normal(len(runs))
    found = run_effects(errors, runs)
    assert found.left_out[-1] == 0.0
    moved = errors.copy()
    moved[0] += 0.01  # within its run, and too little for a median over all rows
    again = run_effects(moved, runs)
    assert again.left_out[0] == pytest.approx(found.left_out[0], abs=1e-3)
    assert again.left_out[1] > found.left_out[1] or rows > 2
    rest = errors - found.left_out
    assert np.std(rest[:-1]) == pytest.approx(0.02 * np.sqrt(1 + 1.2 / (rows - 1)), rel=0.2)


def test_without_effects_of_runs_small_ones_are_drawn_to_nothing() -> None:
    errors = 0.05 * RNG.standard_normal(400)
    found = run_effects(errors, np.repeat(np.arange(200), 2))
    assert np.std(list(found.effects.values())) < 0.01
    assert np.std(errors - found.left_out) == pytest.approx(np.std(errors), rel=0.03)


def test_others_tell_the_effect_as_a_plain_loop_does() -> None:
    errors, runs = RNG.standard_normal(90), RNG.integers(0, 9, 90)
    found = run_effects(errors, runs)
    others = [np.median(errors[(runs == runs[i]) & (np.arange(90) != i)]) - np.median(errors) for i in range(90)]
    assert found.left_out == pytest.approx(np.array(others), abs=2.0)
    for name in range(9):
        own, told = found.left_out[runs == name], np.array(others)[runs == name]
        slope = np.ptp(own) / max(np.ptp(told), 1e-12)
        assert own - own.mean() == pytest.approx(slope * (told - told.mean()))


def test_a_level_that_may_jump_at_every_row_is_none() -> None:
    times, values = np.arange(60.0), RNG.standard_normal(60)
    assert fit_level(times, values, cuts=tuple(times[1:])).kind == "none"
