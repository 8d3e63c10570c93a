"""What a lookup table costs on average when every gene is drawn by itself; differentiable, for searches by gradients.

Probabilities may be numpy arrays or torch tensors: only products and sums are taken, so that gradients flow where there are
any. At one-hot probabilities the expectation is the table's own sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hwcost.cost_models.features.tabulate import Tables
from hwcost.errors import UsageError

TOLERANCE = 1e-4
"""Tolerance of the sum of a gene's probabilities about 1."""


def expected_sum(tables: Tables, probabilities: Sequence[Any]) -> Any:
    """Returns the mean of a sum over genes, and pairs of neighbours.

    Args:
        tables: The sum.
        probabilities: Per gene, one number per choice.

    Raises:
        UsageError: When there is not one probability per choice, or they do not add up to 1.
    """
    check([len(table) for table in tables.single], probabilities)
    total = float(tables.base) + sum(
        (one * _like(table, one)).sum() for one, table in zip(probabilities, tables.single, strict=True)
    )
    for left, right, table in zip(probabilities[:-1], probabilities[1:], tables.pairs, strict=False):
        total = total + (left[:, None] * _like(table, left) * right[None, :]).sum()
    return total


def expected_product(tables: Tables, probabilities: Sequence[Any]) -> Any:
    """Returns the mean of the exponential of such a sum, exactly: genes are independent, so that it goes gene by gene.

    Args:
        tables: The sum of logarithms.
        probabilities: Probabilities of each gene's choices, as in :func:`expected_sum`.

    Raises:
        UsageError: As in :func:`expected_sum`.
    """
    check([len(table) for table in tables.single], probabilities)
    carried = probabilities[0] * _like(np.exp(tables.single[0]), probabilities[0])
    for gene in range(1, len(tables.single)):
        own = probabilities[gene] * _like(np.exp(tables.single[gene]), probabilities[gene])
        if tables.pairs:
            carried = (carried[:, None] * _like(np.exp(tables.pairs[gene - 1]), own)).sum(0) * own
        else:
            carried = carried.sum() * own
    return float(np.exp(tables.base)) * carried.sum()


def check(sizes: Sequence[int], probabilities: Sequence[Any]) -> None:
    """Raises UsageError when there is not one probability per choice of every gene, or they do not add up to 1."""
    given = [len(one) for one in probabilities]
    if list(sizes) != given:
        raise UsageError(f"expected one probability per choice: {list(sizes)} of them by gene, got {given}")
    for gene, one in enumerate(probabilities):
        total = one.sum().item()
        if not abs(total - 1) <= TOLERANCE:
            raise UsageError(f"the probabilities of gene {gene + 1} add up to {total:g}, not to 1")


def _like(table: Any, given: Any) -> Any:
    """Returns a table as what is given: a tensor of its type and place, or an array."""
    return given.new_tensor(table) if hasattr(given, "new_tensor") else table
