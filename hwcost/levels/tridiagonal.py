"""Solves symmetric positive definite systems that are tridiagonal, and gives the entries of the inverse that variances need.

Every second unknown is taken out of all equations at once, which leaves a tridiagonal system of half the size; its solution,
and the entries of its inverse, give those of the unknowns that were taken out. Everything costs time in proportion to n, in
a few steps over whole arrays.

Sources: R. W. Hockney, A fast direct solution of Poisson's equation using Fourier analysis, J. ACM 12(1), 1965 (odd-even
reduction); S. Li, S. Ahmed, G. Klimeck and E. Darve, Computing entries of the inverse of a sparse matrix using the FIND
algorithm, J. Comput. Phys. 227, 2008 (the inverse of what is left is a part of the whole inverse).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwcost._types import Floats


@dataclass(frozen=True, slots=True)
class Solution:
    """The solutions of systems, and a part of the inverse of their matrices.

    Attributes:
        values: Solution, shape (..., n).
        variance: Diagonal of the inverse, shape (..., n).
        covariance: Entries of the inverse beside its diagonal, shape (..., n - 1).
    """

    values: Floats
    variance: Floats
    covariance: Floats


def solve(diagonal: Floats, beside: Floats, right: Floats) -> Solution:
    """Solves one system, or several of one size side by side.

    Args:
        diagonal: Diagonal of the matrix, shape (..., n).
        beside: Entries beside the diagonal, shape (..., n - 1).
        right: Right side, shape (..., n).
    """
    if diagonal.shape[-1] == 1:
        return Solution(right / diagonal, 1.0 / diagonal, beside)
    out, wanted = diagonal[..., 1::2], right[..., 1::2]  # of the unknowns 1, 3, 5, ..., which are taken out
    before = beside[..., ::2] / out
    after = _filled(beside[..., 1::2], out) / out
    count = out.shape[-1]
    others = (diagonal.shape[-1] - 1) // 2  # of the unknowns that stay, those behind the first
    kept, left = diagonal[..., ::2].copy(), right[..., ::2].copy()
    kept[..., :count] -= before * beside[..., ::2]
    kept[..., 1:] -= after[..., :others] * beside[..., 1::2]
    left[..., :count] -= before * wanted
    left[..., 1:] -= (after * wanted)[..., :others]
    half = solve(kept, -before[..., :others] * beside[..., 1::2], left)

    next_values, next_variance = (_filled(one[..., 1:], out) for one in (half.values, half.variance))
    between = _filled(half.covariance, out)
    with_last = -(before * half.variance[..., :count] + after * between)
    with_next = -(before * between + after * next_variance)
    values = wanted / out - before * half.values[..., :count] - after * next_values
    variance = 1.0 / out - before * with_last - after * with_next
    return Solution(
        _alternating(half.values, values),
        _alternating(half.variance, variance),
        _alternating(with_last, with_next[..., :others]),
    )


def _filled(entries: Floats, like: Floats) -> Floats:
    """Returns entries for every unknown that is taken out; 0 for the last one, where no unknown stands behind it."""
    found = np.zeros(like.shape)
    found[..., : entries.shape[-1]] = entries
    return found


def _alternating(first: Floats, second: Floats) -> Floats:
    """Puts the last axes of two arrays together, one entry of each in turn."""
    found = np.empty((*first.shape[:-1], first.shape[-1] + second.shape[-1]))
    found[..., ::2], found[..., 1::2] = first, second
    return found
