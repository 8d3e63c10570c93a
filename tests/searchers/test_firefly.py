"""Firefly: flies see each other in spaces of any number of genes, and find more than random search at equal evaluations."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost.objectives import Minimize
from hwcost.spaces import space
from hwcost.study import search

COMPONENTS = space("components", grid="mini")
"""A space of 68 genes of two choices."""


def priced(of, seed: int):
    """Returns a sum of prices that are drawn for each value of each gene."""
    rng = np.random.default_rng(seed)
    prices = [{value: rng.random() for value in gene.choices} for gene in of.genes]
    return lambda arch: sum(price[value] for price, value in zip(prices, arch.genes, strict=True))


@pytest.mark.parametrize("of", [COMPONENTS, space("supershaper")], ids=lambda of: of.name)
def test_flies_find_more_than_random_search_at_equal_evaluations(of) -> None:
    found = {"firefly": [], "random": []}
    for seed in range(4):
        for name, best in found.items():
            study = search(of, [Minimize(priced(of, seed))], searcher=name, evaluations=200, iterations=4000, seed=seed)
            best.append(study.best.values[0])
    assert np.mean(np.array(found["firefly"]) < found["random"]) == 1.0
