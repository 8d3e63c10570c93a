"""Changes of a history: found where they are, quiet where there are none, whatever the level and the scale."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.errors import UsageError
from hwcost.history.changes import LEAST, Change, find_changes

NIGHTS = 60


def noise(seed: int, n: int = NIGHTS, sd: float = 0.02, tie: float = 0.0) -> np.ndarray:
    """Draws a quiet history whose neighbouring nights correlate by ``tie``."""
    draws = np.random.default_rng(seed).normal(0.0, sd, n)
    for night in range(1, n):
        draws[night] = tie * draws[night - 1] + math.sqrt(1 - tie**2) * draws[night]
    return draws


def test_quiet_histories_have_few_changes_and_on_both_sides() -> None:
    found = [change for seed in range(300) for change in find_changes(noise(seed))]
    assert len({change.log_ratio > 0 for change in found}) == 2
    alarmed = sum(bool(find_changes(noise(seed))) for seed in range(300))
    assert alarmed <= 0.05 * 300


@pytest.mark.parametrize("size", [0.05, -0.05, 0.10])
def test_a_shift_is_found_where_it_is(size: float) -> None:
    hits, held = 0, 0
    for seed in range(200):
        y = noise(seed)
        y[45:] += math.log1p(size)
        near = [one for one in find_changes(y) if abs(one.at - 45) <= 4 and one.log_ratio * size > 0]
        hits += bool(near)
        held += any(one.earliest <= 45 <= one.latest for one in near)
    assert hits >= 0.95 * 200
    assert held >= 0.93 * hits


def test_a_shift_is_told_by_the_fourth_night() -> None:
    told = 0
    for seed in range(200):
        y = noise(seed)[:49]
        y[45:] += math.log1p(0.05)
        told += any(one.at >= 41 and one.log_ratio > 0 for last in range(46, 50) for one in find_changes(y[:last]))
    assert told >= 0.93 * 200


def test_two_changes_and_what_lies_between() -> None:
    y = noise(3)
    y[20:40] += 0.10
    up, down = find_changes(y)
    assert (up.at, down.at) == (20, 40)
    assert up.ratio == pytest.approx(math.exp(0.10), rel=0.02)
    assert down.log_ratio == pytest.approx(-0.10, abs=0.02)


def test_a_single_slow_night_is_no_change() -> None:
    y = noise(4, sd=0.005)
    y[30] += 0.5
    assert find_changes(y) == ()


def test_a_change_below_the_minimum_effect_does_not_count() -> None:
    y = noise(5, sd=0.001)
    y[30:] += 0.02
    assert find_changes(y) == ()
    (found,) = find_changes(y, least=0.01)
    assert found.at == 30


@given(st.integers(0, 50), st.floats(-20, 20), st.integers(4, 80))
def test_the_level_does_not_matter(seed: int, level: float, n: int) -> None:
    y = noise(seed, n)
    y[n // 2 :] += 0.08
    moved = find_changes(y + level)
    assert [(one.at, one.earliest, one.latest) for one in find_changes(y)] == [
        (one.at, one.earliest, one.latest) for one in moved
    ]


@given(st.integers(0, 50))
def test_backwards_the_changes_are_the_same(seed: int) -> None:
    y = noise(seed)
    y[25:] += 0.10
    forth, back = find_changes(y), find_changes(y[::-1])
    assert sorted(NIGHTS - one.at for one in back) == [one.at for one in forth]


@pytest.mark.parametrize("n", range(4))
def test_too_short_histories_have_none(n: int) -> None:
    assert find_changes(np.arange(n, dtype=float)) == ()


def test_exact_steps_without_noise() -> None:
    (found,) = find_changes(np.repeat([0.0, 0.2], 5))
    assert (found.at, found.earliest, found.latest, found.p) == (5, 5, 5, 0.0)
    assert find_changes(np.zeros(10)) == ()
    assert found.log_ratio > LEAST


def test_a_night_without_a_latency_is_refused() -> None:
    with pytest.raises(UsageError, match="value 1 of the history is nan: leave nights without a latency out"):
        find_changes(np.array([1.0, math.nan, 1.0, 1.0]))


# -- values that count less than in full ------------------------------------------------------------------------------


@given(st.integers(0, 50), st.integers(4, 60))
def test_full_weights_are_none(seed: int, n: int) -> None:
    y = noise(seed, n)
    y[n // 2 :] += 0.08
    assert find_changes(y, np.ones(n)) == find_changes(y)


def test_vague_values_raise_an_alarm_where_they_are_off_by_far_more_than_they_say() -> None:
    y, weight = noise(6, 40, sd=0.01), np.ones(40)
    y[35:] += 0.10
    weight[35:] = 0.3
    (found,) = find_changes(y, weight)
    assert found.at == 35
    weight[35:] = 0.01 / 2  # each may be off by 14 %
    assert find_changes(y, weight) == ()


def test_one_value_among_far_vaguer_ones_makes_no_change() -> None:
    y, weight = noise(6, 40, sd=0.01), np.ones(40)
    y[36:] += 0.10
    weight[36:] = 0.01
    weight[39] = 1.0
    assert find_changes(y, weight) == ()
    weight[38] = 1.0
    assert [one.at for one in find_changes(y, weight)] != []


def test_one_value_and_vague_ones_that_would_be_significant_by_themselves_make_a_change() -> None:
    y, weight = noise(6, 40, sd=0.01), np.ones(40)
    y[38:] += 0.10
    weight[38] = 0.2  # 4.5 standard deviations
    (found,) = find_changes(y, weight)
    assert found.at == 38
    y[38] -= 0.08
    assert find_changes(y, weight) == ()


def test_few_full_values_are_judged_with_all_others_as_they_are() -> None:
    y = np.array([-0.009, 0.007, -0.002, 0.002, -0.013, 0.005, -0.013, 0.005, 0.103, 0.085])
    weight = np.array([0.3, 0.2, 0.3, 1.0, 0.4, 1.0, 1.0, 1.0, 0.5, 1.0])
    (found,) = find_changes(y, weight)
    assert found.at == 8
    assert found.p < 1e-3


def test_vague_values_that_deviate_hide_no_change_of_the_others() -> None:
    y, weight = noise(7, 60, sd=0.01), np.ones(60)
    y[20:] += 0.05
    y[57:] += 0.3
    weight[57:] = 0.1
    first, *others = find_changes(y, weight)
    assert abs(first.at - 20) <= 1
    assert [one.at for one in others] in ([], [57])


def test_nights_that_are_vaguer_than_others_are_no_change_by_themselves_and_hide_none() -> None:
    false, hits = 0, 0
    for seed in range(150):
        rng = np.random.default_rng([seed, 1])
        weight = np.where(np.arange(NIGHTS) < 25, 1.0, 0.25)
        y = rng.normal(0, 0.01, NIGHTS) / np.sqrt(weight)
        false += bool(find_changes(y, weight))
        y[45:] += math.log1p(0.05)
        hits += any(abs(one.at - 45) <= 4 and one.log_ratio > 0 for one in find_changes(y, weight))
    assert false <= 0.05 * 150
    assert hits >= 0.9 * 150


def test_intervals_that_say_too_much_make_the_others_no_surer() -> None:
    false = 0
    for seed in range(300):
        y, vague = noise(seed), np.random.default_rng([seed, 2]).random(NIGHTS) < 0.6
        y[vague] *= 0.1  # far closer together than they say
        false += bool(find_changes(y, np.where(vague, 0.05, 1.0)))
    assert false <= 0.05 * 300


def test_values_that_are_all_as_vague_are_placed_as_full_ones() -> None:
    y = noise(8, 30, sd=0.01)
    y[22:] += 0.05
    (full,), (vague,) = find_changes(y), find_changes(y, np.full(30, 0.2))
    assert (vague.at, vague.earliest, vague.latest) == (full.at, full.earliest, full.latest)
    assert vague.p == pytest.approx(full.p)


@pytest.mark.parametrize("weights", [[1.0] * 5, [1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.5]])
def test_weights_out_of_bounds_are_refused(weights: list[float]) -> None:
    with pytest.raises(UsageError, match="expected 4 weights above 0 and at most 1"):
        find_changes(np.zeros(4), np.array(weights))


def _vague(tail: list[float], weights: list[float]) -> tuple[Change, ...]:
    """Finds the changes of nights with a third of the usual weight that end in some others."""
    quiet = np.random.default_rng(3).normal(0.0, 0.01, 20)
    return find_changes(np.append(quiet, tail), np.append(np.full(20, 0.3), weights))


def test_two_vague_values_make_a_change_unless_one_tells_nearly_all() -> None:
    assert [one.at for one in _vague([0.1, 0.1], [0.3, 0.2])] == [20]
    assert _vague([0.1, 0.1], [0.3, 0.01]) == ()


def test_a_cut_that_leaves_too_little_gives_way_to_the_best_that_leaves_enough() -> None:
    (found,) = _vague([0.03, 0.1, 0.1], [0.3, 0.3, 0.01])
    assert found.earliest <= found.at == 20 <= found.latest
    assert found.log_ratio > 0.05
