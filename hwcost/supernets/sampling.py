"""Which subnets a training step runs: a pure function of seed and step, so that a resumed run draws the same ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from hwcost.errors import UsageError
from hwcost.spaces.base import Architecture, SearchSpace

__all__ = ["RULES", "Allowed", "Largest", "Rule", "Sandwich", "Uniform", "planned_rule", "rule"]

Allowed = Callable[[Sequence[Architecture]], Any]
"""Says for each of n architectures whether it may be trained."""

TRIES = 32
"""Architectures that are drawn together until one is allowed."""
TILTS = (1.0, 2.0, 0.5, 4.0, 0.25, 16.0, 1 / 16, 64.0, 1 / 64)
"""Powers that draws are bent by where few are allowed: towards small choices above 1, towards large ones below."""
LADDER = 100
"""Draws of which the largest and the smallest stand in for ends that are not allowed."""


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
        supernet: Supernet whose architectures are drawn.
        count: Number of architectures a step.
        seed: Seed of the draws; equal seeds give equal architectures.
        allowed: Function that says for each of n architectures whether it may be trained, such as
            ``Constraint(...).feasible``: only those within a budget are drawn. None allows all.

    Raises:
        UsageError: When the count is not positive.
    """

    def __init__(self, supernet: Elastic, count: int = 1, seed: int = 0, allowed: Allowed | None = None) -> None:
        if count < 1:
            raise UsageError(f"a step runs at least one architecture, got {count}")
        self.space, self.count, self.seed, self.allowed = supernet.space, count, seed, allowed

    def __call__(self, step: int) -> dict[str, Architecture]:
        """See :class:`Rule`.

        Raises:
            UsageError: When nothing that is drawn is allowed.
        """
        rng = np.random.default_rng((self.seed, step))
        return {f"random {index}": self.draw(rng) for index in range(1, self.count + 1)}

    def draw(self, rng: np.random.Generator) -> Architecture:
        """Draws one architecture; where few are allowed, draws are bent towards small or large choices.

        Raises:
            UsageError: When nothing that is drawn is allowed.
        """
        if self.allowed is None:
            return self._drawn(rng)
        for tilt in TILTS:
            archs = [self._drawn(rng, tilt) for _ in range(TRIES)]
            kept = np.flatnonzero(self.allowed(archs))
            if len(kept):
                return archs[int(kept[0])]
        raise UsageError(
            f"no subnet of space '{self.space.name}' was found within the budget, of {TRIES * len(TILTS)} that were drawn. "
            f"Loosen it"
        )

    def _drawn(self, rng: np.random.Generator, tilt: float = 1.0) -> Architecture:
        if tilt == 1.0:
            return self.space.made(gene.choices[int(rng.integers(len(gene.choices)))] for gene in self.space.genes)
        return self.space.made(
            gene.choices[int(rng.random() ** tilt * len(gene.choices))] for gene in self.space.genes
        )


class Sandwich:
    """The largest, the smallest and a few random architectures in every step.

    Source: Yu and Huang, "Universally Slimmable Networks and Improved Training Techniques", the sandwich rule. SuperShaper
    (section 3.2) trains so with n random nets and prints no n, AutoDistil's released code with two.

    Args:
        supernet: Supernet whose architectures are drawn.
        count: Number of random architectures a step.
        seed: Seed of the draws; equal seeds give equal architectures.
        allowed: Function that says of each architecture whether it may be trained, as for :class:`Uniform`. A largest or
            smallest one that may not is replaced by the largest or smallest of some hundred that may.
    """

    def __init__(self, supernet: Elastic, count: int = 1, seed: int = 0, allowed: Allowed | None = None) -> None:
        self.ends = {"largest": supernet.largest(), "smallest": supernet.smallest()}
        self.random = Uniform(supernet, count, seed, allowed)
        if allowed is not None:
            self._restrict(allowed)

    def _restrict(self, allowed: Allowed) -> None:
        space, holds = self.random.space, allowed(list(self.ends.values()))
        if all(holds):
            return
        rng = np.random.default_rng((self.random.seed, -1 % 2**32))
        drawn = sorted({self.random.draw(rng) for _ in range(LADDER)}, key=lambda arch: (space.params(arch), str(arch)))
        for (name, _), is_allowed, instead in zip(list(self.ends.items()), holds, (drawn[-1], drawn[0]), strict=True):
            if not is_allowed:
                self.ends[name] = instead

    def __call__(self, step: int) -> dict[str, Architecture]:
        """See :class:`Rule`."""
        return {**self.ends, **self.random(step)}


class Largest(Sandwich):
    """The largest architecture alone in every step: the backbone, before its subnets are trained.

    Source: SuperShaper, section 4.2, "Training the backbone". It takes what :class:`Sandwich` does; where the largest
    architecture is not allowed, the largest of some hundred that are stands in for it.
    """

    def __call__(self, step: int) -> dict[str, Architecture]:
        """See :class:`Rule`."""
        return {"largest": self.ends["largest"]}


RULES: dict[str, type[Uniform | Sandwich]] = {"sandwich": Sandwich, "uniform": Uniform, "largest": Largest}


def rule(name: str, supernet: Elastic, count: int = 1, seed: int = 0, allowed: Allowed | None = None) -> Rule:
    """Makes a rule by name; see :class:`Uniform` for what it takes.

    Raises:
        UsageError: When there is no such rule; lists the known ones.
    """
    if name not in RULES:
        raise UsageError(f"unknown rule of sampling '{name}'. Known: {', '.join(RULES)}")
    return RULES[name](supernet, count, seed, allowed)


def planned_rule(name: str, supernet: Elastic) -> Rule:
    """Makes what the memory of a rule's training is planned with: in every step the smallest net and then the largest.

    A random net may be as large as the largest, and run when there are gradients of others; ``largest`` has no others.

    Args:
        name: Name of the rule that the training has.
        supernet: Supernet whose architectures are drawn.
    """
    if name == "largest":
        return rule(name, supernet)
    ends = {"smallest": supernet.smallest(), "largest": supernet.largest()}
    return lambda step: ends
