"""What a fitted function goes by: how much its value varies when one gene alone does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from hwcost._cached import cached_property
from hwcost._stats import median
from hwcost._types import Floats


class Variation:
    """How the training rows vary, gene by gene; found out when it is first asked for.

    Args:
        genes: Encoded training architectures, shape (n, genes).
    """

    def __init__(self, genes: Floats) -> None:
        self._genes = genes

    @cached_property
    def typical(self) -> Floats:
        """The row nearest to the median of all genes, shape (genes,)."""
        nearest = int(np.abs(self._genes - [median(one) for one in self._genes.T]).sum(axis=1).argmin())
        return np.asarray(self._genes[nearest])

    @cached_property
    def values(self) -> list[tuple[Floats, NDArray[np.intp]]]:
        """Values of every gene, with the number of rows that hold each of them."""
        pairs = [np.unique(column, return_counts=True) for column in self._genes.T]
        return [(values, counts.astype(np.intp)) for values, counts in pairs]

    def shares(self, function: Callable[[Floats], Floats], names: Sequence[str]) -> dict[str, float]:
        """Returns each gene's share of the variance, when it takes its values and the others the typical ones.

        Args:
            function: Maps encoded genes (n, genes) to values (n,).
            names: Names of the genes.
        """
        found = []
        for i, (values, counts) in enumerate(self.values):
            probes = np.tile(self.typical, (len(values), 1))
            probes[:, i] = values
            found.append(float(np.cov(function(probes), fweights=counts, ddof=0)) if len(values) > 1 else 0.0)
        total = sum(found) or 1.0
        return dict(zip(names, [share / total for share in found], strict=True))
