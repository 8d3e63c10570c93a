"""Incomplete rounds: an item's visits count as what they tell of it, and complete designs are as ever."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hwcost.campaign.estimates.design import fit_design, level_variance
from hwcost.campaign.estimates.effects import fit_effects, shared
from hwcost.campaign.estimates.time_model import TimeModel, VisitTable, fit_time_model

SD = 0.01
ROUND_SD = 0.03


def columns(rounds: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the item and the round of each visit of rounds that hold the given items."""
    return np.concatenate([np.array(one) for one in rounds]), np.repeat(np.arange(len(rounds)), [len(one) for one in rounds])


def table_of(rounds: list[list[int]], rng: np.random.Generator, weight: np.ndarray | None = None) -> VisitTable:
    """Draws visits of items whose log latency is zero, in rounds with levels of their own."""
    item, number = columns(rounds)
    n = len(item)
    weight = np.ones(n) if weight is None else weight
    y = rng.normal(0, ROUND_SD, len(rounds))[number] + rng.normal(0, SD, n) / np.sqrt(weight)
    everywhere = np.ones(n, dtype=bool)
    return VisitTable(y, item, number, np.zeros(n, dtype=int), np.arange(n, dtype=float), weight, everywhere)


def inside(model: TimeModel, item: int) -> bool:
    """Says whether an item's difference from the mean of the others lies within its half-width."""
    return bool(abs(model.item[item] - np.delete(model.item, item).mean()) <= model.half_width[item])


ALL = list(range(10))


@pytest.mark.parametrize(
    "further",
    [[[0]] * 8, [[0, 1]] * 8, [[0, 1, 2, 3]] * 4 + [[0]] * 4, [[0, 1, 2]] * 3 + [[0, 3, 4]] * 3],
)
def test_intervals_cover_also_where_further_rounds_hold_few_items(further: list[list[int]]) -> None:
    rng = np.random.default_rng(1)
    models = [fit_time_model(table_of([ALL] * 4 + further, rng), with_level=False) for _ in range(50)]
    assert np.mean([inside(one, 0) for one in models]) >= 0.9  # 95 %, less what 50 campaigns vary by
    assert np.mean([inside(one, 9) for one in models]) >= 0.9
    errors = np.std([one.item[0] - one.item[1:].mean() for one in models])
    told = np.mean([one.half_width[0] for one in models]) / 1.96
    assert 0.85 < told / errors < 1.25


def test_rounds_that_hold_one_item_leave_its_interval_as_it_is() -> None:
    rng = np.random.default_rng(2)
    drawn = table_of([ALL] * 4 + [[0]] * 8, rng)
    whole, before = fit_time_model(drawn, with_level=False), fit_time_model(drawn.part(np.arange(40)), with_level=False)
    assert whole.half_width == pytest.approx(before.half_width, rel=1e-6)
    assert np.ptp(whole.item - before.item) < 1e-6


def dense(item: np.ndarray, number: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Returns the amounts by the pseudo-inverse of items x items."""
    table = np.zeros((item.max() + 1, number.max() + 1))
    np.add.at(table, (item, number), weight)
    information = np.diag(table.sum(axis=1)) - (table / table.sum(axis=0)) @ table.T
    share = np.diag(information) / np.trace(information)
    contrasts = np.eye(len(share)) - share
    variance = np.einsum("ij,jk,ik->i", contrasts, np.linalg.pinv(information, hermitian=True), contrasts)
    return np.asarray(np.minimum(table.sum(axis=1), (1 - share) ** 2 / ((1 - 1 / len(share)) * variance)))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.integers(2, 9), st.booleans())
def test_amounts_are_those_of_the_dense_pseudo_inverse(seed: int, n_items: int, n_rounds: int, is_weighted: bool) -> None:
    rng = np.random.default_rng(seed)
    rounds = [list(range(n_items)), *([i for i in range(n_items) if rng.random() < 0.4] for _ in range(n_rounds))]
    item, number = columns([one for one in rounds if one] + [[0]])
    weight = rng.uniform(0.05, 1.0, len(item)) if is_weighted else np.ones(len(item))
    found = fit_design(item, number, weight)
    assert not found.is_complete
    assert not found.apart.any()
    assert found.amount == pytest.approx(dense(item, number, weight), rel=1e-6)


def test_where_all_items_tell_as_much_the_amount_follows_from_the_diagonal_of_the_pseudo_inverse() -> None:
    pairs = [[a, b] for a in range(5) for b in range(a)]
    item, number = columns(pairs)
    information = np.diag(np.full(5, 4.0)) - (np.full((5, 5), 0.5) + np.diag(np.full(5, 1.5)))
    wanted = (1 - 1 / 5) / np.diag(np.linalg.pinv(information))
    assert fit_design(item, number, np.ones(20)).amount == pytest.approx(wanted)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 30), st.integers(2, 8))
def test_complete_rounds_have_the_interval_of_before_bit_by_bit(seed: int, n_items: int, n_rounds: int) -> None:
    rng = np.random.default_rng(seed)
    drawn = table_of([list(rng.permutation(n_items)) for _ in range(n_rounds)], rng, rng.uniform(0.5, 1, n_items * n_rounds))
    model = fit_time_model(drawn, with_level=False)
    (fit,) = model.classes.values()
    amount = np.bincount(drawn.item, drawn.weight)
    free = np.maximum(amount - 1, 0).sum()
    assert fit.dof == free - (n_rounds - 1) or math.isnan(fit.sd)
    assert (model.amount == amount).all()
    if fit.dof >= 1:
        wide = float(stats.t.ppf(0.975, fit.dof)) * math.sqrt(fit.squared)
        assert fit.widening == 1.0 + (n_rounds - 1) / max(1.0, free)
        assert (model.half_width == wide / np.sqrt(amount)).all()


def test_a_visit_that_failed_costs_about_one_visit() -> None:
    rounds = [list(range(30)) for _ in range(4)]
    rounds[2].remove(7)
    amount = fit_design(*columns(rounds), np.ones(119)).amount
    assert amount[7] == pytest.approx(3, rel=0.01)
    assert np.delete(amount, 7) == pytest.approx(4, rel=0.01)


def test_an_item_of_which_little_was_seen_does_not_widen_the_others() -> None:
    item, number = columns([ALL] * 4 + [ALL[1:]])
    weight = np.where(item == 0, 1e-6, 1.0)
    amount = fit_design(item, number, weight).amount
    assert amount[0] == pytest.approx(4e-6, rel=0.01)
    assert amount[1:] == pytest.approx(5, rel=0.02)


def test_items_that_share_no_round_with_the_others_have_the_error_of_their_rounds_mean_level() -> None:
    rounds = [ALL] * 4 + [[10, 11]] * 3 + [[12]] * 3
    found = fit_design(*columns(rounds), np.ones(49))
    assert found.amount == pytest.approx([4] * 10 + [3] * 3)
    assert found.apart == pytest.approx([0] * 10 + [1 / 3 + 1 / 4] * 3)
    rng = np.random.default_rng(3)
    models = [fit_time_model(table_of(rounds, rng), with_level=False) for _ in range(50)]
    for item in (10, 12):
        assert np.mean([abs(one.item[item] - one.item[:10].mean()) <= one.half_width[item] for one in models]) >= 0.9


def test_a_visit_of_hardly_any_weight_ties_an_item_to_no_round() -> None:
    item, number = columns([ALL] * 4 + [[0]] * 3)
    weight = np.where((item == 0) & (number < 4), 1e-6, 1.0)
    found = fit_design(item, number, weight)
    assert found.amount[0] == pytest.approx(3, rel=1e-5)
    assert found.apart == pytest.approx([1 / 3 + 1 / 4] + [0] * 9)


def test_the_levels_of_rounds_vary_about_the_mean_of_their_part() -> None:
    level, part = np.array([1.0, 3.0, 11.0, 13.0, 50.0]), np.array([0, 0, 1, 1, 2])
    assert level_variance(level, np.full(5, 7.0), part) == pytest.approx((2.0, 2.0))
    assert level_variance(level, np.full(5, 7.0), np.arange(5)) == (0.0, 0.0)


def test_what_is_left_of_a_lone_visit_is_no_noise() -> None:
    rng = np.random.default_rng(4)
    drawn = table_of([ALL] * 4 + [[0]] * 8, rng)
    few, all_ = (fit_effects(drawn.y[:n], drawn.item[:n], drawn.round[:n]) for n in (40, 48))
    assert (few.dof, few.sd) == pytest.approx((all_.dof, all_.sd), rel=0.02)
    assert shared(drawn.round).sum() == 40
    assert shared(np.arange(3)).all()


@pytest.mark.parametrize(("noise", "least", "most"), [((0.01, 0.003, 0.003), 0.88, 1.0), ((0.005, 0.005, 0.005), 0.9, 0.98)])
def test_a_class_that_is_clearly_noisier_has_noise_of_its_own(
    noise: tuple[float, ...], least: float, most: float
) -> None:
    """Small nets beside large ones, in too few visits for classes to be estimated each by itself."""
    rng, inside = np.random.default_rng(5), []
    group = np.arange(12) // 4
    for _ in range(40):
        drawn = table_of([list(range(12))] * 4, rng)
        y = ROUND_SD * rng.normal(size=4)[drawn.round] + np.array(noise)[group[drawn.item]] * rng.normal(size=48)
        model = fit_time_model(replace(drawn, y=y, group=group[drawn.item]), with_level=False)
        first, half = model.item[:4], model.half_width[:4]
        inside += [abs(first[i] - first[j]) <= math.hypot(half[i], half[j]) for i in range(4) for j in range(i)]
    assert least <= np.mean(inside) <= most
