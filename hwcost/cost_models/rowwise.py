"""Arithmetic whose result for a row is the same whatever stands beside that row.

``cost(arch)`` and ``cost.predict(archs)`` agree bit for bit only where every operation on the way does. Sums and products of
two numbers do; a matrix product does not, because BLAS chooses its order of summation by the number of rows, nor does a
transcendental function whose last elements are computed by other code than the whole vector registers before them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import reduce

import numpy as np

from hwcost._types import Floats

LANES = 64
"""Arrays are filled up to a multiple of so many numbers, which is a multiple of the width of any vector register."""

BLOCK = 4096
"""Rows that are summed at a time, so that products stay in the cache."""


def exp(values: Floats) -> Floats:
    """Returns the exponential of each value; any shape."""
    return _by_whole_registers(np.exp, values)


class _Registers(threading.local):
    """Numbers that fill whole registers, before and after; each thread has its own."""

    def __init__(self) -> None:
        self.both = tuple(np.ones((2, LANES)))


_registers = _Registers()


def exp_of(value: float) -> float:
    """Returns the exponential of one number, with the bits that :func:`exp` gives it."""
    given, found = _registers.both
    given[0] = value
    np.exp(given, found)
    return found.item(0)


def log(values: Floats) -> Floats:
    """Returns the natural logarithm of each value; any shape."""
    return _by_whole_registers(np.log, values)


def dot(columns: Floats, weights: Floats) -> Floats:
    """Returns ``columns @ weights``, summed column by column in their order.

    Args:
        columns: Matrix of shape (n, k).
        weights: Vector of shape (k,).

    Returns:
        Shape (n,).
    """
    if not columns.shape[1]:
        return np.zeros(len(columns))
    totals = np.empty(len(columns))
    for start in range(0, len(columns), BLOCK):
        part = columns[start : start + BLOCK] * weights
        totals[start : start + BLOCK] = np.add.accumulate(part, axis=1)[:, -1]  # in order, by its definition
    return totals


def products(columns: Floats, factors: list[tuple[int, ...]]) -> Floats:
    """Returns products of columns, multiplied from left to right.

    Args:
        columns: Matrix of shape (n, k).
        factors: Columns of each of m products, equally many for each.

    Returns:
        Shape (n, m).
    """
    if not factors:
        return np.empty((len(columns), 0))
    return reduce(np.multiply, (columns[:, list(chosen)] for chosen in zip(*factors, strict=True)))


def _by_whole_registers(function: Callable[[Floats], Floats], values: Floats) -> Floats:
    filled = np.empty(-(-values.size // LANES) * LANES)
    filled[: values.size] = values.ravel()
    filled[values.size :] = 1.0
    return np.asarray(function(filled)[: values.size].reshape(values.shape))
