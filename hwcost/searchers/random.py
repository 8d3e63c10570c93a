"""Random search without replacement."""

from __future__ import annotations

import numpy as np

from hwcost._types import Floats
from hwcost.searchers import operators
from hwcost.searchers.base import Searcher
from hwcost.spaces.candidates import Candidates


class Random(Searcher):
    """Asks for feasible architectures in random order, each once; the baseline that every searcher is compared with."""

    name = "random"

    def _ask(self, n: int, rng: np.random.Generator) -> Candidates:
        return operators.random(self, n, rng)

    def _tell(self, candidates: Candidates, losses: Floats, violations: Floats) -> None:
        """Learns nothing."""
