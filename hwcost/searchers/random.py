"""Random search without replacement."""

from __future__ import annotations

import numpy as np

from hwcost._types import Floats
from hwcost.objectives.population import Population
from hwcost.searchers import drawing
from hwcost.searchers.base import Searcher


class Random(Searcher):
    """Asks for allowed architectures in random order, each once; the baseline that every searcher is held against."""

    name = "random"

    def _ask(self, n: int, rng: np.random.Generator) -> Population:
        return drawing.random(self, n, rng)

    def _tell(self, population: Population, losses: Floats, violations: Floats) -> None:
        """Learns nothing."""
