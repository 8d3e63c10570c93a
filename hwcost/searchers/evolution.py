"""Evolution of one objective under limits, with the settings of published searches.

Sources: SuperShaper, Algorithm 2 and its released code; HAT; Once-for-All. They differ in how many parents stay and how
many mutants and crossings they have; all draw a mutated gene anew from all its choices and cross genes uniformly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost.errors import UnknownNameError, UsageError
from hwcost.objectives.population import Population
from hwcost.searchers import drawing
from hwcost.searchers.drawing import crossed, mutated
from hwcost.searchers.generational import Generational
from hwcost.searchers.problem import Problem


@dataclass(frozen=True)
class Preset:
    """Settings of an evolution.

    Attributes:
        population: Members of the first generation.
        parents: Best members that stay and breed.
        mutants: Children with some genes drawn anew.
        crosses: Children with genes of two parents.
        probability: Of a gene of a mutant to be drawn anew.
    """

    population: int
    parents: int
    mutants: int
    crosses: int
    probability: float


PRESETS = {
    "supershaper-paper": Preset(100, 34, 33, 33, 0.4),  # "parent:mutation:crossover ratio 1", one elite more
    "supershaper-released": Preset(100, 10, 100, 100, 0.4),
    "hat": Preset(125, 25, 50, 50, 0.3),
    "ofa": Preset(100, 25, 50, 50, 0.1),
}
"""By name; ``supershaper-released`` is what the published command runs, whatever the paper says."""


NEAR = 1.5
"""Genes that change, on average, in a mutant that stands in for a crossing."""


class Evolution(Generational):
    """Keeps the best members, and breeds mutants and crossings of them.

    Members are told apart by their genes, not by their quality as in SuperShaper's code: different architectures that a tree
    model values alike all stay.

    Args:
        problem: With one objective.
        seed: See the base class.
        preset: Name of published settings, see ``PRESETS``; what is given beside it replaces its parts.
        population: Members of the first generation.
        parents: Best members that stay and breed.
        mutants: Mutated children of a generation.
        crosses: Crossed children of a generation.
        probability: Of a gene of a mutant to be drawn anew.

    Raises:
        UnknownNameError: When there is no such preset.
        UsageError: When a number makes no sense.
    """

    name = "evolution"
    max_objectives = 1

    def __init__(
        self,
        problem: Problem,
        seed: int = 0,
        *,
        preset: str = "supershaper-paper",
        population: int | None = None,
        parents: int | None = None,
        mutants: int | None = None,
        crosses: int | None = None,
        probability: float | None = None,
    ) -> None:
        if preset not in PRESETS:
            raise UnknownNameError("preset of evolution", preset, PRESETS)
        base = PRESETS[preset]
        given: dict[str, Any] = {
            "population": population, "parents": parents, "mutants": mutants, "crosses": crosses, "probability": probability
        }  # fmt: skip
        self.settings = replace(base, **{name: value for name, value in given.items() if value is not None})
        own = self.settings
        if min(own.population, own.parents) < 1 or min(own.mutants, own.crosses) < 0 or own.mutants + own.crosses < 1:
            raise UsageError(f"an evolution needs members, parents and children, got {own}")
        if not 0 < own.probability <= 1:
            raise UsageError(f"a probability lies in (0, 1], got {own.probability}")
        super().__init__(problem, seed, population=own.population)
        self.batch = max(own.population, self.size)

    @property
    def size(self) -> int:
        """Children of a generation."""
        return self.settings.mutants + self.settings.crosses

    def _survivors(self) -> NDArray[np.intp]:
        order = np.lexsort((self.members.losses[:, 0], self.members.violations))
        _, first = np.unique(self.members.codes[order], axis=0, return_index=True)
        return order[np.sort(first)][: self.settings.parents]

    def _children(self, rng: np.random.Generator) -> Population:
        sizes, own, codes = self.problem.sizes, self.settings, self.members.codes

        def parents(count: int) -> NDArray[np.intp]:
            return codes[rng.integers(len(codes), size=count)]

        crosses = drawing.fresh(self, own.crosses, lambda n: crossed(parents(n), parents(n), rng))
        mutants = drawing.fresh(self, own.mutants, lambda n: mutated(parents(n), sizes, own.probability, rng))
        missing = own.crosses - len(crosses)  # parents that are alike have few new crossings: their neighbours instead
        near = drawing.fresh(self, missing, lambda n: mutated(parents(n), sizes, NEAR / len(sizes), rng))
        children = np.concatenate([mutants.codes, crosses.codes, near.codes])
        _, first = np.unique(children, axis=0, return_index=True)
        return Population(self.problem.space, children[np.sort(first)])
