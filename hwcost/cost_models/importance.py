"""What a fitted function goes by: how much its value varies when one gene alone does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hwcost.cost_models.features import Features
from hwcost.cost_models.tabulate import Floats


def shares_by_gene(function: Callable[[Floats], Floats], features: Features, genes: Floats) -> dict[str, float]:
    """Returns each gene's share of the variance, when it takes its training values and the others the most typical ones.

    Args:
        function: Maps encoded genes (n, genes) to values (n,).
        features: The feature extractor.
        genes: Encoded training architectures (n, genes).
    """
    if len(genes) == 0:
        return {}
    typical = genes[np.argsort(np.abs(genes - np.median(genes, axis=0)).sum(axis=1))[0]]
    shares = []
    for i in range(genes.shape[1]):
        values, counts = np.unique(genes[:, i], return_counts=True)
        probes = np.tile(typical, (len(values), 1))
        probes[:, i] = values
        shares.append(float(np.cov(function(probes), fweights=counts, ddof=0)) if len(values) > 1 else 0.0)
    total = sum(shares) or 1.0
    return dict(zip(features.gene_names, [share / total for share in shares], strict=True))
