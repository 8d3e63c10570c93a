"""Evolution of one objective under constraints, with the settings of published searches.

Sources: SuperShaper, section 4.1, and its released code; HAT; Once-for-All. They differ in how many parents stay and how
many mutants and crossings they have; all draw a mutated gene anew from all its choices and cross genes uniformly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hwcost._types import Codes, Indices
from hwcost.errors import UnknownNameError, UsageError
from hwcost.searchers import operators
from hwcost.searchers.generational import Generational
from hwcost.searchers.operators import crossed, mutated
from hwcost.searchers.problem import Problem
from hwcost.spaces.candidates import Candidates, first_rows, keys_of


@dataclass(frozen=True)
class Preset:
    """Settings of an evolution.

    Attributes:
        population: Members of the first generation.
        parents: Best members that stay and breed.
        mutants: Children with some genes drawn anew.
        crosses: Children with genes of two parents.
        probability: Probability that a gene of a mutant is drawn anew.
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
"""Published settings by name; ``supershaper-released`` is the one of the published command, which differs from the paper."""


NEAR = 1.5
"""Genes that change, on average, in a mutant that stands in for a crossing."""


class Evolution(Generational):
    """Keeps the best members, and breeds mutants and crossings of them.

    Members are distinguished by their genes, not by their quality as in SuperShaper's code: different architectures that a
    tree model values alike all stay.

    Args:
        problem: Problem with one objective.
        seed: Seed of all random draws.
        preset: Name of published settings, see ``PRESETS``; the arguments below replace its parts.
        population: Members of the first generation.
        parents: Best members that stay and breed.
        mutants: Mutated children of a generation.
        crosses: Crossed children of a generation.
        probability: Probability that a gene of a mutant is drawn anew.

    Raises:
        UnknownNameError: When the preset is unknown.
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
        """Children of a generation; where fewer are new, there are fewer."""
        return self.settings.mutants + self.settings.crosses

    def _survivors(self) -> Indices:
        order = np.lexsort((self.archive.losses[:, 0], self.archive.violations))
        first = first_rows(keys_of(self.archive.codes[order]))
        return order[list(first.values())[: self.settings.parents]]

    def _children(self, rng: np.random.Generator) -> Candidates:
        sizes, own, codes = self.problem.sizes, self.settings, self.archive.codes

        def parents(count: int) -> Codes:
            return codes.take(rng.integers(len(codes), size=count), axis=0)

        crosses = operators.fresh(self, own.crosses, lambda n: crossed(parents(n), parents(n), rng))
        mutants = operators.fresh(self, own.mutants, lambda n: mutated(parents(n), sizes, own.probability, rng))
        children = (mutants + crosses).unique()
        for _ in range(operators.ROUNDS):  # parents that are alike have few new crossings: their neighbours instead
            missing = self.size - len(children)
            near = operators.fresh(self, missing, lambda n: mutated(parents(n), sizes, NEAR / len(sizes), rng))
            if not len(near):
                break
            children = (children + near).unique()
        return children
