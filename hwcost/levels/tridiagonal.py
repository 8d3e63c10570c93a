"""Solves symmetric positive definite systems that are tridiagonal, and gives the entries of the inverse that variances need.

Elimination from both ends gives the diagonal of the inverse, so everything costs time in proportion to n.

Source: G. Meurant, A review on the inverse of symmetric tridiagonal and block tridiagonal matrices, SIAM J. Matrix Anal.
Appl. 13(3), 1992.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hwcost._types import Floats

LIBRARY = "scipy.linalg"
"""Module that LAPACK is called by."""

SHORT = 3000
"""Unknowns up to which the elimination in plain Python takes less time than the import of that module."""


@dataclass(frozen=True, slots=True)
class Solution:
    """The solution of a system, and a part of the inverse of its matrix.

    Attributes:
        values: Solution, shape (n,).
        variance: Diagonal of the inverse, shape (n,).
        covariance: Entries of the inverse beside its diagonal, shape (n - 1,).
    """

    values: Floats
    variance: Floats
    covariance: Floats


def solve(diagonal: Floats, beside: Floats, right: Floats) -> Solution:
    """Solves a system.

    Args:
        diagonal: Diagonal of the matrix, shape (n,).
        beside: Entries beside the diagonal, shape (n - 1,).
        right: Right side, shape (n,).
    """
    is_worth = LIBRARY in sys.modules or len(diagonal) > SHORT
    factorised, solved = _lapack() if is_worth else (_factorised, _solved)
    down, factor = factorised(diagonal, beside)
    up = factorised(diagonal[::-1], beside[::-1])[0][::-1]
    variance = 1.0 / (down + up - diagonal)
    return Solution(solved(down, factor, right), variance, -factor * variance[1:])


def _lapack() -> tuple[Callable[[Floats, Floats], tuple[Floats, Floats]], Callable[[Floats, Floats, Floats], Floats]]:
    """Returns the two functions below as LAPACK has them, with the same bits."""
    from scipy.linalg import lapack

    def solved(pivots: Floats, factor: Floats, right: Floats) -> Floats:
        return np.asarray(lapack.dpttrs(pivots, factor, right)[0])

    return lambda diagonal, beside: lapack.dpttrf(diagonal, beside)[:2], solved


def _factorised(diagonal: Floats, beside: Floats) -> tuple[Floats, Floats]:
    """Returns the pivots (n,) of the elimination from the first row on, and the factors (n - 1,) of the rows taken away."""
    pivots, factors = diagonal.tolist(), []
    pivot = pivots[0]
    for i, entry in enumerate(beside.tolist(), 1):
        factor = entry / pivot
        pivots[i] = pivot = pivots[i] - factor * entry
        factors.append(factor)
    return np.array(pivots), np.array(factors, dtype=np.float64)


def _solved(pivots: Floats, factor: Floats, right: Floats) -> Floats:
    """Returns the solution (n,) for a right side (n,)."""
    factors, found = factor.tolist(), right.tolist()
    for i, one in enumerate(factors):
        found[i + 1] -= found[i] * one
    divided = (np.array(found) / pivots).tolist()
    for i in range(len(factors) - 1, -1, -1):
        divided[i] -= divided[i + 1] * factors[i]
    return np.array(divided)
