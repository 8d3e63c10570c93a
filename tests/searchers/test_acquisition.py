"""What the Bayesian searcher computes, against other people's code and against counting."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost import pareto
from hwcost.searchers.acquisition import hypervolume_improvement, improvement, log_dominates
from hwcost.searchers.gaussian_process import GaussianProcess

DRAWS = 200_000

FRONTS = {
    "empty": [],
    "a staircase": [[0.2, 0.9], [0.5, 0.6], [0.8, 0.1]],
    "with dominated points and points beyond the corner": [[0.3, 0.4], [0.6, 0.7], [0.1, 0.8], [1.4, 0.05], [0.05, 1.2]],
}
CORNER = np.array([1.0, 1.1])


@pytest.mark.parametrize("front", FRONTS.values(), ids=FRONTS.keys())
def test_the_expected_gain_of_hypervolume_is_the_mean_gain_of_drawn_points(front: list[list[float]]) -> None:
    """AutoDistill searches by it (section 3.5); means inside, at the edge of and beyond what the front leaves open."""
    rng, points = np.random.default_rng(0), np.array(front, dtype=np.float64).reshape(-1, 2)
    means = np.array([[0.4, 0.5], [0.9, 0.3], [0.15, 0.2], [1.2, 1.3]])
    deviations = np.array([[0.3, 0.2], [0.1, 0.4], [0.05, 0.05], [0.3, 0.3]])
    found = hypervolume_improvement(points, CORNER, means, deviations)
    for mean, deviation, one in zip(means, deviations, found, strict=True):
        gains = gained(points, rng.normal(mean, deviation, (DRAWS, 2)))
        assert one == pytest.approx(gains.mean(), abs=4 * gains.std() / np.sqrt(DRAWS) + 1e-6)


def gained(points: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """What each drawn point adds to the area that is dominated, by cells between the coordinates of the front."""
    inside = points[(points < CORNER).all(axis=1)]
    edges = [np.unique([*inside[:, axis], CORNER[axis]]) for axis in (0, 1)]
    found = np.zeros(len(drawn))
    lows = [np.concatenate([[-np.inf], one[:-1]]) for one in edges]
    for left, right in zip(lows[0], edges[0], strict=True):
        for low, high in zip(lows[1], edges[1], strict=True):
            if not ((inside[:, 0] <= left) & (inside[:, 1] <= low)).any():
                width = np.clip(right - np.maximum(left, drawn[:, 0]), 0, None)
                found += width * np.clip(high - np.maximum(low, drawn[:, 1]), 0, None)
    return found


def test_drawn_gains_are_differences_of_hypervolumes() -> None:
    points, drawn = np.array(FRONTS["a staircase"]), np.array([[0.4, 0.5], [0.1, 0.05], [0.9, 0.95], [2.0, 0.0]])
    for one, gain in zip(drawn, gained(points, drawn), strict=True):
        with_it = pareto.hypervolume([*points.tolist(), one.tolist()], CORNER)
        assert gain == pytest.approx(with_it - pareto.hypervolume(points, CORNER))


def test_what_is_known_gains_what_it_gains() -> None:
    points = np.array(FRONTS["a staircase"])
    means = np.array([[0.4, 0.5], [0.9, 0.95]])
    assert hypervolume_improvement(points, CORNER, means, np.zeros((2, 2))) == pytest.approx(gained(points, means))
    assert improvement(np.array(1.0), np.array([0.25, 2.0]), np.zeros(2)).tolist() == [0.75, 0.0]


def test_the_chance_to_dominate_is_the_share_of_drawn_points_that_do() -> None:
    rng, mean, deviation = np.random.default_rng(1), np.array([[0.4, 0.9]]), np.array([[0.3, 0.5]])
    drawn = rng.normal(mean, deviation, (DRAWS, 2))
    share = (drawn < np.array([0.5, 0.8])).all(axis=1).mean()
    assert np.exp(log_dominates(np.array([0.5, 0.8]), mean, deviation))[0] == pytest.approx(share, abs=0.005)


def test_the_kernel_is_scikit_learns_matern_with_a_scale_for_every_gene() -> None:
    kernels = pytest.importorskip("sklearn.gaussian_process.kernels")
    regressors = pytest.importorskip("sklearn.gaussian_process")
    rng, scales, signal, noise = np.random.default_rng(2), np.array([0.3, 1.0, 2.5]), 1.7, 0.01
    x, others = rng.random((12, 3)), rng.random((7, 3))
    y = np.sin(4 * x[:, 0]) + x[:, 1]
    own = GaussianProcess(3)
    own.parameters = np.log([*scales, signal, noise])
    matern = signal * kernels.Matern(scales, nu=2.5)
    np.testing.assert_allclose(own._kernel(x, others), matern(x, others), rtol=1e-10)
    known = regressors.GaussianProcessRegressor(matern, alpha=noise + 1e-10, optimizer=None).fit(x, y)
    mean, deviation = own.condition(x, y).predict(others)
    wanted, apart = known.predict(others, return_std=True)
    np.testing.assert_allclose(mean, wanted, rtol=1e-8)
    np.testing.assert_allclose(deviation, apart, rtol=1e-6)
