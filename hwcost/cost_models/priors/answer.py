"""What remains of a mixture of Gaussians over coefficients: one mean, one covariance, and the shape of its errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from scipy.special import gammaincinv

from hwcost._types import Floats
from hwcost.cost_models import rowwise
from hwcost.cost_models.priors.experts import Posterior
from hwcost.cost_models.priors.noise import FREEDOM
from hwcost.cost_models.training.conformal import LEVEL

SHAPED = 12
"""Anchors over which the shape of the errors is taken."""

NODES = 8
"""Points by which each Gaussian of the mixture is represented."""

KEPT = 199
"""Quantiles that are kept of the errors."""

PARTS = 6
"""Normal distributions by which noise with heavy tails is represented."""

_HALF = FREEDOM / 2.0
_TAILS = _HALF / gammaincinv(_HALF, (np.arange(PARTS) + 0.5) / PARTS)
"""Variances of equal probability of a row with heavy-tailed noise, in squares of its scale."""


@dataclass(frozen=True)
class Answer:
    """A new device's coefficients.

    Attributes:
        mean: Coefficients of the columns, shape (columns,).
        spread: A root of their covariance, ``spread @ spread.T``, shape (columns, columns).
        noise: Relative noise of one row, a standard deviation.
        width: Half-width of the 90 % interval in standard deviations; more than a normal distribution's 1.645 where it is
            not known how much the device deviates.
        errors: Typical errors of the logarithm, ascending, evenly spread over their distribution.
        half_width: Typical half-width of the 90 % interval of the logarithm.
    """

    mean: Floats
    spread: Floats
    noise: float
    width: float
    errors: Floats
    half_width: float

    def half_widths(self, columns: Floats, floor: float) -> Floats:
        """Returns half-widths of the 90 % interval of the logarithm for columns (n, columns); shape (n,)."""
        value = np.maximum(rowwise.dot(columns, self.mean), floor)
        squares = sum(rowwise.dot(columns, column) ** 2 for column in self.spread.T)
        return np.asarray(self.width * np.sqrt(squares / value**2 + self.noise**2))

    def times(self, factor: float) -> Answer:
        """Returns the answer whose coefficients are multiplied by a factor; relative errors stay as they are."""
        return replace(self, mean=factor * self.mean, spread=factor * self.spread)

    def as_dict(self) -> dict[str, Any]:
        """Returns plain JSON."""
        arrays = {"mean": self.mean.tolist(), "spread": self.spread.tolist(), "errors": self.errors.tolist()}
        return {**arrays, "noise": self.noise, "width": self.width, "half_width": self.half_width}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Answer:
        """Reads what :meth:`as_dict` returned."""
        mean, spread = np.array(state["mean"], dtype=np.float64), np.array(state["spread"], dtype=np.float64)
        if spread.ndim != 2 or mean.shape != (len(spread),):
            raise ValueError("the coefficients of a prior do not fit their covariance")
        errors = np.array(state["errors"], dtype=np.float64)
        return cls(mean, spread, float(state["noise"]), float(state["width"]), errors, float(state["half_width"]))


def answer(found: Sequence[Posterior], columns: Floats) -> Answer:
    """Merges a mixture.

    Args:
        found: Gaussians with weights that sum to 1.
        columns: Columns of the anchors, shape (n, columns).
    """
    shares = np.array([one.weight for one in found])
    means = np.stack([one.mean for one in found])
    chosen = columns[np.linspace(0, len(columns) - 1, min(SHAPED, len(columns))).astype(int)]
    mean = _middle(found, shares @ means, means, chosen)
    off = means - mean
    own = np.tensordot(shares, np.stack([one.covariance for one in found]), axes=1)
    covariance = own + (off.T * shares) @ off
    noise = float(np.sqrt(shares @ np.array([one.noise**2 * _variances(one).mean() for one in found])))
    eigenvalues, vectors = np.linalg.eigh(covariance)
    spread = vectors * np.sqrt(np.maximum(eigenvalues, 0.0))
    value = _positive(chosen @ mean)
    total = np.sqrt(((chosen @ spread) ** 2).sum(axis=1) / value**2 + noise**2)
    errors, weights = _errors(found, off, chosen, value)
    nodes = (errors / total).ravel()
    width = float(_quantiles(np.abs(nodes), weights, np.array([LEVEL]))[0])
    places = (np.arange(KEPT) + 0.5) / KEPT
    typical = float(np.median(total))
    return Answer(mean, spread, noise, width, typical * _quantiles(nodes, weights, places), width * typical)


def _middle(found: Sequence[Posterior], mean: Floats, means: Floats, columns: Floats) -> Floats:
    """Scales the mean of a mixture, so that half of the probability lies above its predictions.

    Of all factors the median makes the expected absolute error least (Berger 1985, Statistical Decision Theory and Bayesian
    Analysis, section 2.4.2), which is what relative errors are judged by; a mean follows the least likely of scales.
    """
    errors, weights = _errors(found, means - mean, columns, _positive(columns @ mean))
    return mean * (1.0 + float(_quantiles(errors.ravel(), weights, np.array([0.5]))[0]))


def _positive(values: Floats) -> Floats:
    return np.maximum(values, 1e-3 * float(values.max()))


def _errors(found: Sequence[Posterior], off: Floats, columns: Floats, value: Floats) -> tuple[Floats, Floats]:
    """Represents the relative errors of all anchors by weighted points, shapes (points, anchors) and (points * anchors,)."""
    points, masses = hermegauss(NODES)
    covariances = np.stack([one.covariance for one in found])
    centres = (off @ columns.T) / value
    known = ((columns @ covariances) * columns).sum(axis=2).clip(0.0) / value**2
    nodes, weights = [], []
    for one, centre, square in zip(found, centres, known, strict=True):
        own = np.sqrt(square + one.noise**2 * _variances(one)[:, None])
        nodes.append((centre + own[:, None, :] * points[:, None]).reshape(-1, len(columns)))
        weights.append(np.tile(one.weight / len(own) * masses, len(own)))
    return np.concatenate(nodes), np.repeat(np.concatenate(weights), len(columns))


def _variances(one: Posterior) -> Floats:
    """Equally probable variances of a row, in squares of the noise."""
    return np.asarray(_TAILS if one.freedom else np.ones(1), dtype=np.float64)


def _quantiles(nodes: Floats, weights: Floats, places: Floats) -> Floats:
    order = np.argsort(nodes, kind="stable")
    reached = np.cumsum(weights[order])
    middle = (reached - 0.5 * weights[order]) / reached[-1]
    return np.interp(places, middle, nodes[order])
