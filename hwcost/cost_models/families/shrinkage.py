"""Weighted least squares that is shrunk block by block, with penalties chosen by leave-one-out error.

Leave-one-out errors come in closed form from the leverages h: ``e_i = r_i / (1 - h_i)``. Blocks of columns have one
penalty each; they are chosen in turn, which is enough for the handful of blocks that a cost model has. All penalties of a
block are tried by one factorisation: with the inverse A of the normal equations at one penalty, and the eigenvectors Q and
eigenvalues k of its part that belongs to the block, another penalty that is larger by d subtracts
``A[:, block] Q diag(d / (1 + d k)) Q' A[block, :]`` (Woodbury's identity).
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

MIDDLE = GRID[len(GRID) // 2]
"""Penalty at which a block is factorised; the others differ from it by the fewest orders of magnitude."""

ROOM = 1e-4
"""Least distance of a leverage from 1 with which all penalties are tried by one factorisation: nearer to it, what is left of
a difference of large numbers decides."""

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
    first = Problem(blocks, target, weights)
    chosen = first.choose() if penalties is None else tuple(penalties)
    errors = first.left_out(chosen)
    limit = OUTLIER * median_deviation(errors)
    final = first
    if 0 < limit < float(np.abs(errors).max()):
        final = Problem(blocks, target, weights * np.minimum(1.0, limit / np.maximum(first.residuals(chosen), limit)))
    beta = final.solve(chosen)
    left_out = (first.target[first.rows] - errors) / np.sqrt(weights[first.rows])
    return RidgeFit(float(beta[0]), beta[1:], chosen, left_out, first.rows)


class Problem:
    """One weighted least-squares problem for many penalties."""

    def __init__(self, blocks: Sequence[Floats], target: Floats, weights: Floats) -> None:
        root = np.sqrt(weights)
        self.widths = [block.shape[1] for block in blocks]
        self.columns = np.empty((len(target), 1 + sum(self.widths)))
        self.columns[:, 0] = root
        start = 1
        for block, width in zip(blocks, self.widths, strict=True):
            np.multiply(block, root[:, None], out=self.columns[:, start : start + width])
            start += width
        self.target = target * root
        self.gram = self.columns.T @ self.columns
        self.moment = self.columns.T @ self.target
        self._latest: tuple[tuple[float, ...], Floats] | None = None
        step = max(1, -(-len(target) // SCORED_ROWS))
        self.rows: NDArray[np.intp] = np.arange(0, len(target), step)
        self._scored, self._scored_target = self.columns[::step], self.target[::step]

    def _inverse(self, penalties: Sequence[float]) -> Floats:
        """Inverse of the normal equations; the latest one is remembered."""
        key = tuple(penalties)
        if self._latest is None or self._latest[0] != key:
            diagonal = np.repeat([FREE, *key], [1, *self.widths])
            self._latest = key, np.linalg.inv(self.gram + np.diag(diagonal))
        return self._latest[1]

    def solve(self, penalties: Sequence[float]) -> Floats:
        """Intercept and coefficients."""
        return np.asarray(self._inverse(penalties) @ self.moment)

    def residuals(self, penalties: Sequence[float]) -> Floats:
        """Absolute weighted residuals of all rows."""
        return np.asarray(np.abs(self.target - self.columns @ self.solve(penalties)))

    def left_out(self, penalties: Sequence[float]) -> Floats:
        """Weighted leave-one-out errors of the scored rows."""
        inverse = self._inverse(penalties)
        rows = self._scored
        leverage = np.einsum("ij,ij->i", rows @ inverse, rows)
        residual = self._scored_target - rows @ (inverse @ self.moment)
        return np.asarray(residual / np.maximum(1.0 - leverage, 1e-9))

    def squares(self, penalties: Sequence[float], block: int) -> Floats:
        """Squares of the leave-one-out errors for every penalty of a block, shape (len(GRID), scored rows).

        Args:
            penalties: Penalty of each block, of which that of ``block`` does not count.
            block: Number of the block.
        """
        if len(self.target) > self.columns.shape[1]:
            errors, least_room = self.path(penalties, block)
            if least_room > ROOM:
                return errors**2
        return np.stack([self.left_out([*penalties[:block], one, *penalties[block + 1 :]]) ** 2 for one in GRID])

    def path(self, penalties: Sequence[float], block: int) -> tuple[Floats, float]:
        """Returns leave-one-out errors for all penalties of a block from one factorisation, and 1 less the top leverage."""
        start = 1 + sum(self.widths[:block])
        part = slice(start, start + self.widths[block])
        inverse = self._inverse([*penalties[:block], MIDDLE, *penalties[block + 1 :]])
        rows, solution = self._scored, inverse @ self.moment
        eigenvalues, vectors = np.linalg.eigh(inverse[part, part])
        eigenvalues = np.minimum(eigenvalues, 1.0 / MIDDLE)  # their bound, which rounding may pass
        turned = inverse[:, part] @ vectors
        effects = rows @ turned
        larger = np.array(GRID)[:, None] - MIDDLE
        gains = larger / (1.0 + larger * eigenvalues)
        room = 1.0 - np.einsum("ij,ij->i", rows @ inverse, rows) + gains @ (effects**2).T
        residual = self._scored_target - rows @ solution + (gains * (self.moment @ turned)) @ effects.T
        return np.asarray(residual / np.maximum(room, 1e-9)), float(room.min())

    def choose(self) -> tuple[float, ...]:
        """Goes through the blocks in turn, the later ones shrunk away at first, until no penalty changes any more."""
        chosen = [GRID[-1]] * len(self.widths)
        for _ in range(SWEEPS):
            before = list(chosen)
            for block in range(len(chosen)):
                squares = self.squares(chosen, block)
                best = int(np.argmin(squares.mean(axis=1)))
                is_needed = block == 0 or clearly_better(squares[best], squares[-1])
                chosen[block] = GRID[best if is_needed else -1]
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
