"""Places of changes in noise that carries over from night to night: least squares by another way, and known truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.history.changes import find_changes
from hwcost.history.place import correlation_of, steps_of
from hwcost.history.stretch import Stretch
from tests.history.test_changes import noise


@settings(max_examples=20)
@given(st.integers(0, 50), st.integers(4, 20), st.floats(0.0, 0.8), st.booleans())
def test_steps_are_those_of_least_squares_on_whitened_values(seed: int, n: int, tie: float, is_vague: bool) -> None:
    rng = np.random.default_rng(seed)
    y, weight = noise(seed, n), rng.uniform(0.1, 1.0, n) if is_vague else np.ones(n)
    spread = tie ** np.abs(np.subtract.outer(np.arange(n), np.arange(n))) + np.diag(1 / weight - 1)
    whitener = np.linalg.inv(np.linalg.cholesky(spread))
    found = steps_of(Stretch(y, weight), tie)
    for place in (1, n // 2, n - 1):
        design = np.stack([np.ones(n), np.arange(n) >= place], axis=1)
        answer, rest, *_ = np.linalg.lstsq(whitener @ design, whitener @ y, rcond=None)
        assert found.pull[place - 1] / found.information[place - 1] == pytest.approx(answer[1], rel=1e-6, abs=1e-9)
        assert found.rest - found.gain[place - 1] == pytest.approx(float(rest[0]), rel=1e-6)


def test_the_correlation_of_nights_is_found_where_there_is_one() -> None:
    quiet, tied = ([noise(seed, tie=tie) for seed in range(200)] for tie in (0.0, 0.5))
    of_quiet, of_tied = ([correlation_of([Stretch(y, np.ones(len(y)))]) for y in some] for some in (quiet, tied))
    assert np.mean(np.array(of_quiet) > 0) <= 0.05
    assert np.median(of_tied) == pytest.approx(0.5, abs=0.05)
    assert np.mean(np.array(of_tied) > 0) >= 0.9


def test_vague_nights_hide_no_correlation_of_the_others() -> None:
    weight = np.where(np.arange(60) % 3 == 0, 0.2, 1.0)
    found = []
    for seed in range(200):
        error = np.random.default_rng([seed, 3]).normal(0.0, 0.02, 60) * np.sqrt(1 / weight - 1)
        found.append(correlation_of([Stretch(noise(seed, tie=0.6) + error, weight)]))
    assert np.median(found) == pytest.approx(0.6, abs=0.1)


def test_a_shift_in_noise_that_carries_over_is_found_where_it_is() -> None:
    hits, held = 0, 0
    for seed in range(200):
        y = noise(seed, tie=0.5)
        y[45:] += math.log1p(0.05)
        near = [one for one in find_changes(y) if abs(one.at - 45) <= 4 and one.log_ratio > 0]
        hits += bool(near)
        held += any(one.earliest <= 45 <= one.latest for one in near)
    assert hits >= 0.92 * 200
    assert held >= 0.95 * hits


def test_a_place_that_is_beyond_doubt_is_taken() -> None:
    y = noise(5, sd=0.001, tie=0.5)
    for at in (2, 30, 58):
        steps = steps_of(Stretch(np.where(np.arange(60) < at, y, y + 0.1), np.ones(60)), 0.5)
        allowed = np.ones(59, dtype=bool)
        assert steps.place(60.0, allowed) == at
        assert steps.region(at, 60.0) == (at, at)
        allowed[at - 1] = False
        assert steps.place(60.0, allowed) != at
