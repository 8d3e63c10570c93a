"""A Gaussian process with a Matérn 5/2 kernel and a length scale for every gene; numpy and scipy only.

Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning", equations 2.25, 2.26, 4.17 and 5.9. Length scales
and noise have log-normal priors, which keep a handful of points from being over-interpreted.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize

from hwcost._types import Floats

SCALE_PRIOR = (np.log(0.7), 0.8)
"""Mean and deviation of the log length scale; genes reach from 0 to 1."""
NOISE_PRIOR = (np.log(1e-3), 1.5)
"""Prior of the log noise variance; values have variance 1."""
SIGNAL_PRIOR = (0.0, 1.0)
"""Prior of the log signal variance."""
BOUNDS = {"scale": (np.log(0.05), np.log(20.0)), "noise": (np.log(1e-6), 0.0), "signal": (np.log(0.05), np.log(20.0))}
JITTER = 1e-10
STEPS = 40
"""Most steps of the optimiser; fits begin where the last one ended."""


class GaussianProcess:
    """Regression of a standardised value over genes between 0 and 1.

    Args:
        dimensions: Genes.

    Attributes:
        parameters: Logarithms of length scales, signal variance and noise variance.
    """

    def __init__(self, dimensions: int) -> None:
        self.parameters = np.array([SCALE_PRIOR[0]] * dimensions + [SIGNAL_PRIOR[0], NOISE_PRIOR[0]])
        priors = [SCALE_PRIOR] * dimensions + [SIGNAL_PRIOR, NOISE_PRIOR]
        self._means, self._deviations = np.array(priors).T
        self._bounds = [BOUNDS["scale"]] * dimensions + [BOUNDS["signal"], BOUNDS["noise"]]

    def fit(self, x: Floats, y: Floats) -> GaussianProcess:
        """Finds the parameters of the highest posterior density.

        Args:
            x: Shape (n, dimensions).
            y: Shape (n,), of mean 0 and variance about 1.
        """
        squares = (x[:, None, :] - x[None, :, :]) ** 2
        found = minimize(
            self._loss, self.parameters, (squares, y), "L-BFGS-B", jac=True, bounds=self._bounds, options={"maxiter": STEPS}
        )
        self.parameters = np.asarray(found.x)
        return self

    def condition(self, x: Floats, y: Floats) -> GaussianProcess:
        """Learns points with the parameters as they are."""
        self._x = x
        self._factor = cholesky(self._kernel(x, x) + self._noise * np.eye(len(x)), lower=True)
        self._weights = cho_solve((self._factor, True), y)
        return self

    def predict(self, x: Floats) -> tuple[Floats, Floats]:
        """Returns mean and standard deviation, without noise, at points (m, dimensions); each of shape (m,)."""
        cross = self._kernel(x, self._x)
        solved = solve_triangular(self._factor, cross.T, lower=True)
        variance = np.exp(self.parameters[-2]) - (solved**2).sum(axis=0)
        return cross @ self._weights, np.sqrt(np.maximum(variance, 1e-12))

    @property
    def _noise(self) -> float:
        return float(np.exp(self.parameters[-1])) + JITTER

    def _kernel(self, one: Floats, other: Floats) -> Floats:
        scales = np.exp(self.parameters[:-2])
        a, b = one / scales, other / scales
        square = np.maximum((a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T, 0.0)
        return np.asarray(np.exp(self.parameters[-2]) * _matern(square))

    def _loss(self, parameters: Floats, squares: Floats, y: Floats) -> tuple[float, Floats]:
        """Returns the negative log posterior and its gradient."""
        inverse = np.exp(-2 * parameters[:-2])
        square = squares @ inverse
        signal, noise = np.exp(parameters[-2]), np.exp(parameters[-1])
        kernel = signal * _matern(square)
        n = len(y)
        factor = cholesky(kernel + (noise + JITTER) * np.eye(n), lower=True, check_finite=False)
        inverted = cho_solve((factor, True), np.eye(n), check_finite=False)
        weights = inverted @ y
        apart = (parameters - self._means) / self._deviations
        loss = 0.5 * float(y @ weights) + float(np.log(np.diag(factor)).sum()) + 0.5 * float(apart @ apart)
        outer = inverted - np.outer(weights, weights)
        root = np.sqrt(5 * square)
        common = outer * (signal * (5 / 3) * (1 + root) * np.exp(-root))
        slopes = 0.5 * np.einsum("ij,ijk->k", common, squares) * inverse
        gradient = np.concatenate([slopes, [0.5 * (outer * kernel).sum(), 0.5 * noise * np.trace(outer)]])
        return loss, gradient + apart / self._deviations


def _matern(square: Floats) -> Floats:
    """The kernel of variance 1 at squared scaled distances."""
    root = np.sqrt(5 * square)
    return np.asarray((1 + root + 5 * square / 3) * np.exp(-root))


class Scaled:
    """A Gaussian process of values in their own units; positive values are modelled by their logarithm.

    Args:
        dimensions: Genes.
    """

    def __init__(self, dimensions: int) -> None:
        self.process = GaussianProcess(dimensions)
        self._is_log, self._mean, self._spread = False, 0.0, 1.0

    def learn(self, x: Floats, y: Floats, anew: bool) -> Scaled:
        """Learns points (n, dimensions) and values (n,); finds parameters anew, or keeps those of before."""
        self._is_log = bool((y > 0).all())
        values = np.log(y) if self._is_log else y
        self._mean, self._spread = float(values.mean()), float(values.std()) or 1.0
        scaled = self.scale(y)
        if anew:
            self.process.fit(x, scaled)
        self.process.condition(x, scaled)
        return self

    def scale(self, y: Floats) -> Floats:
        """Turns values into what is modelled, in the same order."""
        values = np.log(np.maximum(y, 1e-300)) if self._is_log else np.asarray(y)
        return np.asarray((values - self._mean) / self._spread)

    def predict(self, x: Floats) -> tuple[Floats, Floats]:
        """Returns mean and standard deviation of what is modelled."""
        return self.process.predict(x)
