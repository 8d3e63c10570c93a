"""Which rows of a table are fitted on and which tested on: no architecture stands on both sides."""

from __future__ import annotations

from typing import Literal

import numpy as np

from hwcost._types import Indices
from hwcost.cost_models.data import Data
from hwcost.cost_models.features.extractor import shared_features
from hwcost.cost_models.features.groups import Groups
from hwcost.errors import UsageError

__all__ = ["SPLITS", "Split", "groups_of", "split_rows", "train_rows", "unseen"]

Split = Literal["random", "ordered"]
SPLITS = ("random", "ordered")


def groups_of(data: Data) -> Groups:
    """Groups the rows of a table or a campaign by architecture."""
    return Groups.of_architectures(shared_features(data.space, **data.shape), data.genes)


def train_rows(n: int, train: float) -> int:
    """Turns a share or a number into a number of rows.

    Raises:
        UsageError: When it is neither, or leaves fewer than two rows on either side.
    """
    is_share, is_count = 0 < train < 1, train >= 2 and float(train).is_integer()
    if not (is_share or is_count):
        raise UsageError(f"--train {train:g} is neither a share below 1 nor a whole number from 2.")
    count = round(train * n) if is_share else int(train)
    if count < 2 or n - count < 2:
        raise UsageError(
            f"--train {train:g} of {n} rows leaves {max(count, 0)} to fit on and {max(n - count, 0)} to test on; "
            "both need at least 2."
        )
    return count


def split_rows(groups: Groups, n_train: int, split: Split, seed: int) -> tuple[Indices, Indices]:
    """Returns rows to fit on and test rows, with no architecture on both sides."""
    if split not in ("random", "ordered"):
        raise UsageError(f"unknown split '{split}'. Known: ordered, random")
    n = len(groups.numbers)
    if split == "ordered":
        fit, test = np.arange(n_train), unseen(groups, np.arange(n_train), np.arange(n_train, n))
    else:
        order = np.random.default_rng(seed).permutation(len(groups))
        reached = np.cumsum(groups.sizes[order])[1:-1]
        taken = 2 + int(np.argmin(np.abs(reached - n_train))) if len(reached) else len(groups)
        fit, test = groups.rows_of(order[:taken]), groups.rows_of(order[taken:])
    fitted = len(np.unique(groups.numbers[fit]))
    if fitted < 2 or len(test) < 2:
        raise UsageError(
            f"{n} rows of {len(groups)} different architectures, none of them on both sides of the split: {fitted} "
            f"architectures to fit on and {len(test)} rows of others to test on; both need at least 2. "
            "Measure more architectures, or choose another --split or --train."
        )
    return fit, test


def unseen(groups: Groups, fit: Indices, test: Indices) -> Indices:
    """Returns the test rows whose architecture is not among those to fit on."""
    return test[~np.isin(groups.numbers[test], groups.numbers[fit])]
