"""Solves symmetric positive definite systems that are tridiagonal, and gives the entries of the inverse that variances need.

Elimination from both ends gives the diagonal of the inverse, so everything costs time in proportion to n.

Source: G. Meurant, A review on the inverse of symmetric tridiagonal and block tridiagonal matrices, SIAM J. Matrix Anal.
Appl. 13(3), 1992.
"""

from __future__ import annotations

from dataclasses import dataclass

from hwcost._types import Floats


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
    from scipy.linalg import lapack

    down, factor, _ = lapack.dpttrf(diagonal, beside)
    up = lapack.dpttrf(diagonal[::-1], beside[::-1])[0][::-1]
    variance = 1.0 / (down + up - diagonal)
    return Solution(lapack.dpttrs(down, factor, right)[0], variance, -factor * variance[1:])
