"""Cross-validation: which rows are left out together, and what is predicted for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.cost_models.groups import Groups

__all__ = ["folds", "out_of_fold", "side_by_side"]

THREADS_FROM = 300
"""Rows from which folds run side by side: fits of fewer are over before a thread pays."""

THREADS_UP_TO = 10_000
"""Rows up to which they do: the libraries of boosters take several threads themselves from there on."""


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
    parts = list(folds(groups, count, seed))
    for (_, left), answer in zip(parts, side_by_side(predict, parts), strict=True):
        predicted[left] = answer
    return predicted


def side_by_side(
    compute: Callable[[Indices, Indices], Floats], parts: Sequence[tuple[Indices, Indices]]
) -> list[Floats]:
    """Computes every fold, in as many threads as there are cores where that pays; each gives the same in any thread.

    Args:
        compute: Takes kept and left-out rows.
        parts: Kept and left-out rows of each fold.
    """
    rows = len(parts[0][0]) + len(parts[0][1])
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    if cores == 1 or not THREADS_FROM <= rows < THREADS_UP_TO:
        return [compute(*part) for part in parts]
    with ThreadPoolExecutor(min(cores, len(parts))) as pool:
        return list(pool.map(lambda part: compute(*part), parts))
