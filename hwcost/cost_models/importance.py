"""What a fitted function goes by: how much its value varies when one gene alone does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats


@dataclass(frozen=True)
class Variation:
    """How the training rows vary, gene by gene.

    Attributes:
        typical: The row nearest to the median of all genes, shape (genes,).
        values: Values of every gene.
        counts: Number of rows that hold each of them.
    """

    typical: Floats
    values: tuple[Floats, ...]
    counts: tuple[NDArray[np.intp], ...]

    @classmethod
    def of(cls, genes: Floats) -> Variation:
        """Takes it from encoded training architectures (n, genes)."""
        nearest = int(np.abs(genes - np.median(genes, axis=0)).sum(axis=1).argmin())
        pairs = [np.unique(genes[:, i], return_counts=True) for i in range(genes.shape[1])]
        counts = tuple(counts.astype(np.intp) for _, counts in pairs)
        return cls(genes[nearest], tuple(values for values, _ in pairs), counts)

    def shares(self, function: Callable[[Floats], Floats], names: Sequence[str]) -> dict[str, float]:
        """Returns each gene's share of the variance, when it takes its values and the others the typical ones.

        Args:
            function: Maps encoded genes (n, genes) to values (n,).
            names: Names of the genes.
        """
        found = []
        for i, (values, counts) in enumerate(zip(self.values, self.counts, strict=True)):
            probes = np.tile(self.typical, (len(values), 1))
            probes[:, i] = values
            found.append(float(np.cov(function(probes), fweights=counts, ddof=0)) if len(values) > 1 else 0.0)
        total = sum(found) or 1.0
        return dict(zip(names, [share / total for share in found], strict=True))
