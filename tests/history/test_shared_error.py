"""What the values of a night may be off together is told from what each of them may be off by itself."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hwcost.history.shared_error import own_shares
from hwcost.history.weights import Z
from tests.history.histories import History

SLOWER = math.log1p(0.06)


def test_values_that_scatter_as_their_intervals_say_share_nothing() -> None:
    rng = np.random.default_rng(0)
    rest, half = rng.normal(0.0, 0.1, (400, 6)), np.full((400, 6), 0.1 * Z)
    assert own_shares(rest, half, np.zeros(rest.shape, dtype=bool)) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("own", [0.02, 0.05])
def test_what_each_is_off_by_itself_is_seen_beside_the_noise_of_nights(own: float) -> None:
    rng = np.random.default_rng(0)
    is_full = np.zeros((300, 10), dtype=bool)
    is_full[:, :5] = True
    noise = np.where(is_full, 0.02, math.hypot(0.02, own))
    rest, half = rng.normal(0.0, noise), np.where(is_full, 0.01, 0.2)
    shares = own_shares(rest, half, is_full)
    assert shares[:5] == pytest.approx(1.0)
    assert shares[5:] * 0.2 / Z == pytest.approx(own, rel=0.35)


def test_a_workload_in_five_that_changed_leaves_the_share_of_the_others() -> None:
    rng = np.random.default_rng(0)
    rest = rng.normal(0.0, 0.02, (200, 4))
    half, is_full = np.full(rest.shape, 0.2), np.zeros(rest.shape, dtype=bool)
    changed = rest.copy()
    changed[:40] += 0.5
    assert own_shares(changed, half, is_full) == pytest.approx(own_shares(rest, half, is_full), rel=0.8)


def test_too_few_values_are_taken_at_their_word() -> None:
    rest, half = np.zeros((3, 2)), np.full((3, 2), 0.2)
    assert own_shares(rest, half, np.zeros(rest.shape, dtype=bool)).tolist() == [1.0, 1.0]


def test_nights_of_few_vague_values_have_the_share_of_all_of_them() -> None:
    rng = np.random.default_rng(0)
    half = np.full((10, 40), 0.2)
    is_full = np.ones(half.shape, dtype=bool)
    is_full[:2] = False  # two vague values a night
    for own in (0.0, 0.05):
        rest = rng.normal(0.0, np.where(is_full, 0.01, math.hypot(0.01, own)))
        assert own_shares(rest, half, is_full) * 0.2 / Z == pytest.approx(own, abs=0.012)


def test_a_few_vague_values_are_judged_by_those_of_other_nights() -> None:
    rng = np.random.default_rng(0)
    half, is_full = np.full((8, 12), 0.2), np.zeros((8, 12), dtype=bool)
    is_full[1:, 11] = True
    shares = own_shares(rng.normal(0.0, np.where(is_full, 0.003, 0.03)), half, is_full)
    assert shares[11] * 0.2 / Z == pytest.approx(0.03, rel=0.3)


def test_a_slow_down_is_found_in_nights_that_are_all_off_by_as_much() -> None:
    rng = np.random.default_rng(1)
    history = History(n=10, nights=20, noise=0.01, vague=0.2)
    vague = [night for night in range(20) if night % 3]
    history.y[:, vague] += rng.normal(0.0, 0.1, len(vague))
    history.statuses = {(i, night): "unconfirmed" for i in range(10) for night in vague}
    history.y[4, 16:] += SLOWER
    found = history.judged()
    assert found["net004"].verdict == "regressed"
    assert found["net004"].ratio == pytest.approx(1.06, abs=0.02)
    assert [name for name, one in found.items() if one.verdict != "ok"] == ["net004"]


@pytest.mark.parametrize("seed", range(5))
def test_a_step_that_all_share_in_vague_nights_is_nobodys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    history = History(n=10, nights=30, noise=0.01, vague=0.2, seed=seed)
    history.statuses = {(i, night): "unconfirmed" for i in range(10) for night in range(14, 30)}
    history.y[:, 16:] += rng.normal(-0.1, 0.01, 14)
    assert {one.verdict for one in history.judged().values()} <= {"ok", "ambiguous"}
    history.y[4, 22:] += SLOWER
    assert history.judged()["net004"].verdict == "regressed"
