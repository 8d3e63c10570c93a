"""Cross-validation: which rows are left out together, and what is predicted for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.cost_models.groups import Groups

__all__ = ["folds", "out_of_fold"]


def folds(groups: Groups, count: int, seed: int = 0) -> Iterator[tuple[Indices, Indices]]:
    """Yields (kept, left out) row numbers; every row is left out once, with all others of its architecture.

    Args:
        groups: The architectures of the rows; they are left out in an order drawn from the seed.
        count: Folds; at most as many as architectures.
        seed: Equal seeds give equal folds.
    """
    order = np.random.default_rng(seed).permutation(len(groups))
    for part in np.array_split(order, min(count, len(groups))):
        is_chosen = np.zeros(len(groups), dtype=bool)
        is_chosen[part] = True
        is_left = is_chosen[groups.numbers]
        yield np.flatnonzero(~is_left), np.flatnonzero(is_left)


def out_of_fold(groups: Groups, count: int, predict: Callable[[Indices, Indices], Floats], seed: int = 0) -> Floats:
    """Predicts every row from a fit that has seen none of its architecture.

    Args:
        groups: The architectures of the n rows.
        count: Folds.
        predict: Takes kept and left-out rows, fits on the first and predicts the second.
        seed: Equal seeds give equal folds.

    Returns:
        Shape (n,).
    """
    predicted = np.empty(len(groups.numbers))
    for kept, left in folds(groups, count, seed):
        predicted[left] = predict(kept, left)
    return predicted
