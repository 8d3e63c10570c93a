"""Which subnets a training step runs: a pure function of seed and step, so that a resumed run draws the same ones."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from hwcost.errors import UsageError
from hwcost.spaces.base import Architecture, SearchSpace


class Elastic(Protocol):
    """What a rule needs of a supernet."""

    space: SearchSpace

    def largest(self) -> Architecture:
        """Returns the largest architecture."""

    def smallest(self) -> Architecture:
        """Returns the smallest architecture."""


class Rule(Protocol):
    """A rule of sampling."""

    def __call__(self, step: int) -> dict[str, Architecture]:
        """Returns the architectures that a step runs, in order and by their part in it; their gradients are summed."""


class Uniform:
    """A few random architectures in every step, every gene drawn by itself.

    Args:
        supernet: Whose architectures.
        count: How many a step.
        seed: Equal seeds give equal architectures.

    Raises:
        UsageError: When the count is not positive.
    """

    def __init__(self, supernet: Elastic, count: int = 1, seed: int = 0) -> None:
        if count < 1:
            raise UsageError(f"a step runs at least one architecture, got {count}")
        self.space, self.count, self.seed = supernet.space, count, seed

    def __call__(self, step: int) -> dict[str, Architecture]:
        """See :class:`Rule`."""
        rng = np.random.default_rng((self.seed, step))
        return {
            f"random {index}": self.space.made(
                gene.choices[int(rng.integers(len(gene.choices)))] for gene in self.space.genes
            )
            for index in range(1, self.count + 1)
        }


class Sandwich:
    """The largest, the smallest and a few random architectures in every step.

    Source: Yu et al., "Universally Slimmable Networks", section 3.1; SuperShaper trains so with one random net, AutoDistil's
    released code with two.

    Args:
        supernet: Whose architectures.
        count: How many random ones a step.
        seed: Equal seeds give equal architectures.
    """

    def __init__(self, supernet: Elastic, count: int = 1, seed: int = 0) -> None:
        self.ends = {"largest": supernet.largest(), "smallest": supernet.smallest()}
        self.random = Uniform(supernet, count, seed)

    def __call__(self, step: int) -> dict[str, Architecture]:
        """See :class:`Rule`."""
        return {**self.ends, **self.random(step)}


RULES: dict[str, type[Uniform | Sandwich]] = {"sandwich": Sandwich, "uniform": Uniform}


def rule(name: str, supernet: Elastic, count: int = 1, seed: int = 0) -> Rule:
    """Makes a rule by name.

    Raises:
        UsageError: When there is no such rule; lists the known ones.
    """
    if name not in RULES:
        raise UsageError(f"unknown rule of sampling '{name}'. Known: {', '.join(RULES)}")
    return RULES[name](supernet, count, seed)
