from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.cost_models.families.shrinkage import GRID, Problem, clearly_better, fit_ridge


def rows(n: int, k: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(n, k))
    return columns, 1 + columns @ rng.normal(size=k) + 0.1 * rng.normal(size=n), rng.uniform(0.5, 2, n)


@settings(max_examples=20, deadline=None)
@given(st.integers(6, 20), st.integers(1, 3), st.sampled_from([1e-4, 1e-1, 10.0]), st.integers(0, 99))
def test_leave_one_out_is_what_leaving_one_out_gives(n, k, penalty, seed):
    columns, target, weights = rows(n, k, seed)
    fit = fit_ridge([columns], target, weights, [penalty])
    for left in range(n):
        keep = np.arange(n) != left
        design = np.column_stack([np.ones(n - 1), columns[keep]])
        gram = design.T @ (design * weights[keep, None]) + np.diag([1e-10, *[penalty] * k])
        beta = np.linalg.solve(gram, design.T @ (weights[keep] * target[keep]))
        assert np.isclose(fit.left_out[left], beta[0] + columns[left] @ beta[1:], rtol=1e-6, atol=1e-8)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 40), st.lists(st.integers(1, 6), min_size=1, max_size=3), st.integers(0, 99))
def test_all_penalties_of_a_block_are_tried_as_one_by_one(n, widths, seed):
    """Also with a column that stands twice, where the smallest penalties leave few digits to either way."""
    columns, target, weights = rows(max(n, 3), sum(widths), seed)
    blocks = np.split(columns, np.cumsum(widths)[:-1], axis=1)
    blocks[-1][:, -1] = blocks[0][:, 0]
    problem, rng = Problem(blocks, target, weights), np.random.default_rng(seed)
    others = [float(one) for one in rng.choice(GRID[4:], len(widths))]
    for block in range(len(widths)):
        one_by_one = [problem.left_out([*others[:block], one, *others[block + 1 :]]) ** 2 for one in GRID]
        np.testing.assert_allclose(problem.squares(others, block), one_by_one, rtol=1e-3, atol=1e-9)


def test_a_block_of_noise_is_shrunk_away():
    columns, target, weights = rows(60, 2, 1)
    noise = np.random.default_rng(2).normal(size=(60, 20))
    fit = fit_ridge([columns, noise], target, weights)
    assert fit.penalties[1] == GRID[-1]
    assert np.abs(fit.coefficients[2:]).max() < 0.01


def test_a_wild_row_hardly_moves_the_fit():
    columns, target, weights = rows(80, 2, 3)
    wild = target.copy()
    wild[7] += 50
    calm, moved = (fit_ridge([columns], t, weights, [1e-3]).coefficients for t in (target, wild))
    np.testing.assert_allclose(calm, moved, atol=0.1)


def test_clearly_better_needs_more_than_luck():
    losses = np.random.default_rng(0).exponential(size=100)
    assert not clearly_better(losses, losses)
    assert not clearly_better(losses, losses[::-1])
    assert clearly_better(losses, 3 * losses)
    assert not clearly_better(3 * losses, losses)
