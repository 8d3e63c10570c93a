"""Cross-validation: which rows are left out together, and what is predicted for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from hwcost.cost_models.tabulate import Floats

Rows = NDArray[np.intp]


def folds(n: int, count: int, seed: int = 0) -> Iterator[tuple[Rows, Rows]]:
    """Yields (kept, left out) row numbers; every row is left out once, in an order drawn from the seed.

    Args:
        n: Rows.
        count: Folds; at most n.
        seed: Equal seeds give equal folds.
    """
    order = np.random.default_rng(seed).permutation(n)
    for part in np.array_split(order, min(count, n)):
        is_left = np.zeros(n, dtype=bool)
        is_left[part] = True
        yield np.flatnonzero(~is_left), np.flatnonzero(is_left)


def out_of_fold(n: int, count: int, predict: Callable[[Rows, Rows], Floats], seed: int = 0) -> Floats:
    """Predicts every row from a fit without it.

    Args:
        n: Rows.
        count: Folds.
        predict: Takes kept and left-out rows, fits on the first and predicts the second.
        seed: Equal seeds give equal folds.

    Returns:
        Shape (n,).
    """
    predicted = np.empty(n)
    for kept, left in folds(n, count, seed):
        predicted[left] = predict(kept, left)
    return predicted
