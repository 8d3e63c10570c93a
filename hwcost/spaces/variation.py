"""The steps of evolution: architectures changed gene by gene, and made of two parents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hwcost._arguments import NUMBER, Kind, check, of_type

if TYPE_CHECKING:
    from hwcost.spaces.base import Architecture, SearchSpace

GENERATOR = of_type("a generator such as numpy.random.default_rng(0)", np.random.Generator)
CHANCE = Kind("a number from 0 to 1", lambda value: NUMBER.holds(value) and 0 <= value <= 1)


def mutated(space: SearchSpace, arch: Any, rng: np.random.Generator, probability: float) -> Architecture:
    """Draws genes anew; see :meth:`hwcost.spaces.base.SearchSpace.mutate`."""
    check({"rng": rng, "probability": probability}, rng=GENERATOR, probability=CHANCE)
    genes = list(space.as_architecture(arch).genes)
    chosen = np.flatnonzero(rng.random(len(genes)) < probability)
    for index in chosen if len(chosen) else [int(rng.integers(len(genes)))]:
        others = [value for value in space.genes[index].choices if value != genes[index]]
        if others:
            genes[index] = others[int(rng.integers(len(others)))]
    return space.made(genes)


def crossed(space: SearchSpace, one: Any, other: Any, rng: np.random.Generator) -> Architecture:
    """Takes genes from both parents; see :meth:`hwcost.spaces.base.SearchSpace.cross`."""
    check({"rng": rng}, rng=GENERATOR)
    genes, others = space.as_architecture(one).genes, space.as_architecture(other).genes
    take = rng.random(len(genes)) < 0.5
    return space.made(a if t else b for a, b, t in zip(genes, others, take, strict=True))
