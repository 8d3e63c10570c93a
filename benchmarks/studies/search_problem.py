"""A search with known answers: AutoDistill's 576 students, with a latency and an accuracy that are made up.

Latency is quantised in tiles and anchored on AutoDistill's Table 2, which it meets within 0.02 ms; accuracy saturates in
every factor and has a term of each architecture's own. The reference has MobileBERT's 0.65 ms, and an accuracy that exactly
seven architectures exceed at less latency, as in the paper. Every constant was fixed before any searcher was run on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.objectives.objective import Maximize, Minimize
from hwcost.spaces.autodistill import AutoDistill
from hwcost.spaces.base import Architecture
from hwcost.spaces.candidates import Candidates

SMOOTH, RUGGED = 0.3, 1.0
"""Deviation of each architecture's own term of accuracy, in points."""
REFERENCE_MS = 0.65
WINNERS = 7
TILE = 128
NOISE = 0.02
"""Relative deviation of each architecture's own term of latency."""

HEADS_MS = {1: 0.0, 2: 0.04, 4: 0.11, 8: 0.22}
BASE_MS, HIDDEN_TILE_MS, BOTTLENECK_TILE_MS, STACK_MS, INNER_TILE_MS = 0.09, 0.03, 0.11, 0.04, 0.005

ACCURACY = 71.4
"""Accuracy of 512_128_1_640_4, in percent of masked words."""
LOST = {
    "hidden": {128: 6.0, 256: 3.0, 384: 1.2, 512: 0.0},
    "bottleneck": {64: 4.0, 96: 1.5, 128: 0.0, 160: -1.0},
    "heads": {1: 0.0, 2: -0.5, 4: -0.8, 8: -0.9},
    "intermediate": {384: 1.4, 512: 0.6, 640: 0.0},
    "stacked_ffn": {2: 1.9, 4: 0.0, 6: -0.7},
}
"""Points of accuracy that each choice loses against that student."""


@dataclass(frozen=True)
class SearchProblem:
    """One instance.

    Args:
        ruggedness: Deviation of each architecture's own term of accuracy.
        seed: Seed of each architecture's own terms.
    """

    ruggedness: float = SMOOTH
    seed: int = 0

    @cached_property
    def everything(self) -> Candidates:
        """The 576 architectures."""
        return Candidates.all(AutoDistill())

    @cached_property
    def latency_ms(self) -> Floats:
        """Latency of every architecture, shape (576,)."""
        own = np.random.default_rng([self.seed, 0]).normal(0, NOISE, len(self.everything))
        return np.array([law_ms(arch) for arch in self.everything.architectures]) * np.exp(own)

    @cached_property
    def accuracy(self) -> Floats:
        """Accuracy of every architecture in percent, shape (576,)."""
        own = np.random.default_rng([self.seed, 1]).normal(0, self.ruggedness, len(self.everything))
        names = [gene.name for gene in self.everything.space.genes]
        lost = [
            sum(LOST[name][int(value)] for name, value in zip(names, arch.genes, strict=True))
            for arch in self.everything.architectures
        ]
        return ACCURACY - np.array(lost) + own

    @cached_property
    def reference_accuracy(self) -> float:
        """The accuracy that exactly seven quicker architectures exceed."""
        quick = np.sort(self.accuracy[self.latency_ms < REFERENCE_MS])
        return float((quick[-WINNERS] + quick[-WINNERS - 1]) / 2)

    @cached_property
    def winners(self) -> list[Architecture]:
        """The architectures that dominate the reference."""
        rows = np.flatnonzero((self.latency_ms < REFERENCE_MS) & (self.accuracy > self.reference_accuracy))
        return self.everything[rows].architectures

    def objectives(self, known_latency: bool = True) -> tuple[Minimize, Maximize]:
        """Returns latency and accuracy with their references.

        Args:
            known_latency: Let searchers take latency as known, as from a cost model; else it is found one by one.
        """
        table = Table("latency_ms", self.everything, self.latency_ms)
        latency = table if known_latency else table.__call__
        rows = Table("accuracy", self.everything, self.accuracy)
        return (
            Minimize(latency, "latency_ms", REFERENCE_MS), Maximize(rows.__call__, "accuracy", self.reference_accuracy)
        )  # fmt: skip


class Table:
    """A cost function that looks values up.

    Args:
        name: Name of the function.
        candidates: Every architecture.
        values: Value of each, shape (n,).
    """

    def __init__(self, name: str, candidates: Candidates, values: Floats) -> None:
        self.name, self.space = name, candidates.space
        self._row = {key: row for row, key in enumerate(candidates.keys)}
        self._values = values

    def __call__(self, arch: Architecture) -> float:
        """Returns one value."""
        return float(self.predict_codes(Candidates.of(self.space, [arch]).codes)[0])

    def predict_codes(self, codes: NDArray[np.integer]) -> Floats:
        """Returns n values by codes (n, genes)."""
        return self._values[[self._row[key] for key in Candidates(self.space, codes).keys]]


def law_ms(arch: Architecture) -> float:
    """Returns an architecture's latency without its own term.

    Source: fitted by hand to AutoDistill's Table 2.
    """
    hidden, bottleneck, heads, intermediate, stacked = (int(gene) for gene in arch.genes)
    wide, narrow, inner = (-(-size // TILE) for size in (hidden, bottleneck, intermediate))
    stacks = stacked * (STACK_MS + INNER_TILE_MS * inner)
    return BASE_MS + HIDDEN_TILE_MS * wide + BOTTLENECK_TILE_MS * narrow + HEADS_MS[heads] + stacks
