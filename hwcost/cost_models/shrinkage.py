"""Weighted least squares that is shrunk block by block, with penalties chosen by leave-one-out error.

Leave-one-out errors come in closed form from the leverages h: ``e_i = r_i / (1 - h_i)``. Blocks of columns have one
penalty each; they are chosen in turn, which is enough for the handful of blocks that a cost model has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost._stats import median_deviation
from hwcost._types import Floats

GRID = tuple(10.0**power for power in range(-8, 5))
"""Penalties tried, for columns of about unit size and targets of about 1."""

START = 1e-1
SWEEPS = 3
SCORED_ROWS = 1500
"""Leave-one-out errors are taken on at most so many rows, evenly spaced."""

FREE = 1e-10
"""Penalty of the intercept: nothing, but enough to keep the matrix regular."""

CLEAR = 2.0
"""Standard errors by which a later block must lower the squared error; otherwise it is shrunk away."""

OUTLIER = 4.0
"""Rows further off than this many robust standard deviations count less (Huber)."""


@dataclass(frozen=True)
class RidgeFit:
    """A fit.

    Attributes:
        intercept: The constant term.
        coefficients: Shape (columns,).
        penalties: Penalty of each block.
        left_out: Prediction for each of ``rows`` when it is left out, in units of the target.
        rows: Rows on which leave-one-out errors were taken, all of them when there are not too many.
    """

    intercept: float
    coefficients: Floats
    penalties: tuple[float, ...]
    left_out: Floats
    rows: NDArray[np.intp]


def fit_ridge(
    blocks: Sequence[Floats], target: Floats, weights: Floats, penalties: Sequence[float] | None = None
) -> RidgeFit:
    """Fits ``target = intercept + columns @ coefficients``.

    Args:
        blocks: Matrices (n, k) that share one penalty each.
        target: Wanted values, shape (n,).
        weights: Weights of the squared errors, shape (n,).
        penalties: Penalty of each block; None chooses them by leave-one-out error.
    """
    first = _Problem(blocks, target, weights)
    chosen = first.choose() if penalties is None else tuple(penalties)
    errors = first.left_out(chosen)
    limit = OUTLIER * median_deviation(errors)
    final = first
    if 0 < limit < float(np.abs(errors).max()):
        final = _Problem(blocks, target, weights * np.minimum(1.0, limit / np.maximum(first.residuals(chosen), limit)))
    beta = final.solve(chosen)
    left_out = (first.target[first.rows] - errors) / np.sqrt(weights[first.rows])
    return RidgeFit(float(beta[0]), beta[1:], chosen, left_out, first.rows)


class _Problem:
    """One weighted least-squares problem for many penalties."""

    def __init__(self, blocks: Sequence[Floats], target: Floats, weights: Floats) -> None:
        root = np.sqrt(weights)
        self.columns = np.column_stack([np.ones(len(target)), *blocks]) * root[:, None]
        self.target = target * root
        self.gram = self.columns.T @ self.columns
        self.moment = self.columns.T @ self.target
        self.widths = [block.shape[1] for block in blocks]
        step = max(1, -(-len(target) // SCORED_ROWS))
        self.rows: NDArray[np.intp] = np.arange(0, len(target), step)

    def _inverse(self, penalties: Sequence[float]) -> Floats:
        diagonal = np.repeat([FREE, *penalties], [1, *self.widths])
        return np.asarray(np.linalg.inv(self.gram + np.diag(diagonal)))

    def solve(self, penalties: Sequence[float]) -> Floats:
        return np.asarray(self._inverse(penalties) @ self.moment)

    def residuals(self, penalties: Sequence[float]) -> Floats:
        """Absolute weighted residuals of all rows."""
        return np.asarray(np.abs(self.target - self.columns @ self.solve(penalties)))

    def left_out(self, penalties: Sequence[float]) -> Floats:
        """Weighted leave-one-out errors of the scored rows."""
        inverse = self._inverse(penalties)
        rows = self.columns[self.rows]
        leverage = np.einsum("ij,ij->i", rows @ inverse, rows)
        residual = self.target[self.rows] - rows @ (inverse @ self.moment)
        return np.asarray(residual / np.maximum(1.0 - leverage, 1e-9))

    def choose(self) -> tuple[float, ...]:
        """Goes through the blocks in turn, the later ones shrunk away at first, until no penalty changes any more."""
        chosen = [GRID[-1]] * len(self.widths)
        for _ in range(SWEEPS):
            before = list(chosen)
            for block in range(len(chosen)):
                trials = [[*chosen[:block], penalty, *chosen[block + 1 :]] for penalty in GRID]
                squares = [self.left_out(trial) ** 2 for trial in trials]
                best = min(range(len(GRID)), key=lambda i: float(squares[i].mean()))
                is_needed = block == 0 or clearly_better(squares[best], squares[-1])
                chosen = trials[best if is_needed else -1]
            if chosen == before:
                break
        return tuple(chosen)


def clearly_better(losses: Floats, than: Floats, standard_errors: float = CLEAR) -> bool:
    """Whether losses are smaller on average by more than the standard error of the paired difference.

    Args:
        losses: Squared or absolute errors of the more flexible candidate, shape (n,).
        than: Errors of the simpler candidate on the same rows, shape (n,).
        standard_errors: Number of standard errors that count as clear.
    """
    gain = than - losses
    return float(gain.mean()) > standard_errors * float(gain.std()) / float(np.sqrt(len(gain)))
