"""What is known of a cost model's errors on candidates: what they share, what is their own, what measurements tell."""

from __future__ import annotations

import numpy as np

from hwcost.searchers.operators import unit
from hwcost.spaces.candidates import Candidates
from hwcost.study.error_model import ErrorModel, LeftOut, shared_features
from tests.study.machines import SPACE, fitted, machine

NONE = np.zeros((40, 0))
SIZES = np.array([len(gene.choices) for gene in SPACE.genes])


def features(n: int, seed: int = 0):
    return shared_features(unit(Candidates.of(SPACE, SPACE.sample(n, seed=seed)).codes, SIZES))


def left_out(shared: float, own: float, noise: float, n: int = 200, seed: int = 0) -> LeftOut:
    """Returns errors of rows whose shared, own and noise parts have given standard deviations."""
    rng, of_rows = np.random.default_rng(seed), features(n, seed=9)
    of_rows = of_rows - of_rows.mean(axis=0)
    values, directions = np.linalg.eigh(of_rows @ of_rows.T)
    errors = shared * of_rows @ rng.standard_normal(of_rows.shape[1]) + np.hypot(own, noise) * rng.standard_normal(n)
    return LeftOut((directions.T @ errors) ** 2, np.maximum(values, 0.0))


def sizes(model: ErrorModel):
    """Returns the expected standard deviations of the shared error, of candidates' own, and of a row's noise."""
    return model.chances @ np.sqrt(model.variances)


def test_nets_share_errors_as_far_as_they_share_genes() -> None:
    first = SPACE.sample(1, seed=0)[0]
    choices = list(SPACE.genes[0].choices)
    place = choices.index(first.genes[0])
    near = SPACE.architecture([choices[place + 1 if place == 0 else place - 1], *first.genes[1:]])
    codes = Candidates.of(SPACE, [first, near, *SPACE.sample(200, seed=1)]).codes
    shares = (found := shared_features(unit(codes, SIZES))) @ found.T
    np.testing.assert_allclose(np.diag(shares), 1.0)
    assert 0.8 < shares[0, 1] < 1.0
    assert np.median(shares[0, 2:]) < shares[0, 1] - 0.2
    assert shared_features(np.zeros((3, 2))).tolist() == [[1.0]] * 3


def test_parts_of_the_errors_are_told_apart() -> None:
    rng, mine, noises = np.random.default_rng(1), features(40), np.full(24, 0.002)
    for shared, own, noise in ((0.05, 0.0, 0.002), (0.0, 0.05, 0.002), (0.0, 0.0, 0.05)):
        true = shared * mine @ rng.standard_normal(mine.shape[1]) + own * rng.standard_normal(40)
        residuals = true[:24] + noises * rng.standard_normal(24) + 0.3
        found = sizes(ErrorModel.of(left_out(shared, own, noise), mine, NONE, residuals, noises))
        assert found.argmax() == np.argmax([shared, own, noise])
        assert 0.02 < found.max() < 0.09


def test_measured_candidates_are_drawn_at_their_measurements_and_tell_of_those_like_them() -> None:
    rng, mine = np.random.default_rng(2), features(40)
    true = 0.2 + 0.05 * mine @ rng.standard_normal(mine.shape[1])
    model = ErrorModel.of(left_out(0.05, 0.0, 0.001), mine, NONE, true[:30], np.full(30, 1e-4))
    drawn = model.draw(np.random.default_rng(0), 2000)
    assert np.abs(drawn[:, :30].mean(axis=0) - true[:30]).max() < 1e-3
    missed = drawn[:, 30:].mean(axis=0) - true[30:]
    assert missed.std() < 0.6 * true[30:].std()
    assert (np.abs(missed) < 3.5 * drawn[:, 30:].std(axis=0) + 1e-3).all()


def test_a_level_of_all_measurements_is_that_of_all_candidates() -> None:
    rng, mine = np.random.default_rng(3), features(40)
    residuals = 0.01 * rng.standard_normal(6)
    one, other = (
        ErrorModel.of(left_out(0.01, 0.01, 0.01), mine, NONE, residuals + level, np.full(6, 0.01)).draw(
            np.random.default_rng(0), 50
        ) - level
        for level in (0.0, 0.7)
    )  # fmt: skip
    np.testing.assert_allclose(one, other, atol=1e-9)


def test_draws_beforehand_have_the_size_that_left_out_errors_tell() -> None:
    model = ErrorModel.of(left_out(0.04, 0.0, 0.001), features(40), NONE, np.zeros(0), np.zeros(0))
    drawn = model.draw(np.random.default_rng(0), 4000)
    between = np.sqrt(((drawn - drawn.mean(axis=1, keepdims=True)) ** 2).mean())
    assert 0.6 * 0.04 * np.sqrt(0.6) < between < 1.8 * 0.04 * np.sqrt(0.6)


def test_a_model_of_one_row_tells_nothing() -> None:
    model = fitted(machine(0), 0)
    assert len(LeftOut.of(model).squares) == 24
    model.measured_ = dict(list(model.measured_.items())[:1])
    assert len(LeftOut.of(model).squares) == 0


def test_rows_without_errors_are_not_believed_where_candidates_err() -> None:
    """Three candidates lie 3 % about their level, as beyond the region of the rows."""
    mine, residuals = features(40), np.array([0.03, -0.03, 0.0])
    exact, near = left_out(1e-6, 1e-6, 1e-6), left_out(0.0, 0.02, 0.01)
    drawn = ErrorModel.of(exact, mine, NONE, residuals, np.full(3, 0.002)).draw(np.random.default_rng(0), 2000)
    assert np.median(np.abs(drawn[:, 3:] - np.median(drawn[:, 3:], axis=1, keepdims=True))) > 0.01
    kept = ErrorModel.of(near, mine, NONE, residuals, np.full(3, 0.002))
    assert np.sqrt(kept.variances).max() < 0.15
