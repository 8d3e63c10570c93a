"""Cross-validation: which rows are left out together, and what is predicted for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.cost_models.features.groups import Groups
from hwcost.cost_models.training.steps import Step, following, tell
from hwcost.cost_models.workers import THREADS_FROM, in_threads

__all__ = ["folds", "out_of_fold", "side_by_side"]

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


def out_of_fold(
    groups: Groups,
    count: int,
    predict: Callable[[Indices, Indices], Floats],
    of: str = "",
    threads_from: int = THREADS_FROM,
) -> Floats:
    """Predicts every row from a fit that has seen none of its architecture.

    Args:
        groups: The architectures of the n rows.
        count: Folds.
        predict: Takes kept and left-out rows, fits on the first and predicts the second.
        of: Name of the model that is fitted, for whoever follows the work.
        threads_from: Rows from which folds run side by side.

    Returns:
        Shape (n,).
    """
    predicted = np.empty(len(groups.numbers))
    parts = list(folds(groups, count))
    for (_, left), answer in zip(parts, side_by_side(predict, parts, of, threads_from), strict=True):
        predicted[left] = answer
    return predicted


def side_by_side(
    compute: Callable[[Indices, Indices], Floats],
    parts: Sequence[tuple[Indices, Indices]],
    of: str = "",
    threads_from: int = THREADS_FROM,
) -> list[Floats]:
    """Computes every fold, in as many threads as there are cores where that pays; each gives the same in any thread.

    Args:
        compute: Takes kept and left-out rows.
        parts: Kept and left-out rows of each fold.
        of: Name of the model that is fitted, for whoever follows the work.
        threads_from: Rows from which folds run side by side.
    """

    def computed(part: tuple[Indices, Indices]) -> Floats:
        with following(None):  # of folds in folds nobody hears
            return compute(*part)

    rows = len(parts[0][0]) + len(parts[0][1])
    return in_threads(
        computed,
        parts,
        is_worth=threads_from <= rows < THREADS_UP_TO,
        arrived=lambda done: tell(Step(of, done, len(parts))),
    )
