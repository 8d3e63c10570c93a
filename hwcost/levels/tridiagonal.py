"""Solves symmetric positive definite systems that are tridiagonal, and gives the entries of the inverse that variances need.

Every second unknown is eliminated at once, which leaves a tridiagonal system of the others (cyclic reduction), until one
unknown is left; on the way back the entries of the inverse follow from those of the smaller system. Everything costs time in
proportion to n, in a few operations on arrays: many systems of equal size are solved together.

Sources: R. W. Hockney, A fast direct solution of Poisson's equation using Fourier analysis, J. ACM 12(1), 1965 (the
reduction); K. Takahashi, J. Fagan and M. Chin, Formation of a sparse bus impedance matrix, PICA 1973 (the entries of the
inverse).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwcost._types import Floats


@dataclass(frozen=True, slots=True)
class Solution:
    """The solutions of some systems, and a part of the inverses of their matrices.

    Attributes:
        values: Solutions, shape (..., n).
        variance: Diagonals of the inverses, shape (..., n).
        covariance: Entries of the inverses beside their diagonals, shape (..., n - 1).
    """

    values: Floats
    variance: Floats
    covariance: Floats


def solve(diagonal: Floats, beside: Floats, right: Floats) -> Solution:
    """Solves systems of one size.

    Args:
        diagonal: Diagonals of the matrices, shape (..., n), n from 1.
        beside: Entries beside the diagonals, shape (..., n - 1).
        right: Right sides, shape (..., n).
    """
    n = diagonal.shape[-1]
    if n == 1:
        return Solution(right / diagonal, 1.0 / diagonal, beside)
    own, toward = diagonal[..., 1::2], right[..., 1::2]  # of the unknowns that are eliminated
    before, after = beside[..., 0::2], beside[..., 1::2]  # their entries beside the one before and the one after them
    k, m = before.shape[-1], after.shape[-1]  # the last one may have none after it
    by_before, by_after = before / own, after / own[..., :m]
    less, rest = diagonal[..., 0::2].copy(), right[..., 0::2].copy()
    less[..., :k] -= before * by_before
    less[..., 1 : m + 1] -= after * by_after
    rest[..., :k] -= by_before * toward
    rest[..., 1 : m + 1] -= by_after * toward[..., :m]
    others = solve(less, -by_before[..., :m] * after, rest)
    return _with_eliminated(others, own, toward, by_before, by_after)


def _with_eliminated(others: Solution, own: Floats, toward: Floats, by_before: Floats, by_after: Floats) -> Solution:
    """Returns the solution of all unknowns from that of every second one, the first included.

    Args:
        others: Solution without the k unknowns that were eliminated.
        own: Their entries of the diagonal, shape (..., k).
        toward: Their right sides, shape (..., k).
        by_before: Their entries beside the unknown before, over their own, shape (..., k).
        by_after: The same for the unknown after, shape (..., m): k, or k - 1 where none follows the last.
    """
    k, m = by_before.shape[-1], by_after.shape[-1]
    values, variance = toward / own, 1.0 / own
    to_before, to_after = by_before * others.variance[..., :k], by_after * others.variance[..., 1 : m + 1]
    to_before[..., :m] += by_after * others.covariance
    to_after += by_before[..., :m] * others.covariance
    values -= by_before * others.values[..., :k]
    values[..., :m] -= by_after * others.values[..., 1 : m + 1]
    variance += by_before * to_before
    variance[..., :m] += by_after * to_after
    return Solution(
        _in_turn(others.values, values), _in_turn(others.variance, variance), _in_turn(-to_before, -to_after)
    )


def _in_turn(first: Floats, second: Floats) -> Floats:
    """Returns numbers of two arrays in turn, beginning with the first one's; the second may be shorter by one."""
    found = np.empty((*first.shape[:-1], first.shape[-1] + second.shape[-1]))
    found[..., 0::2], found[..., 1::2] = first, second
    return found
