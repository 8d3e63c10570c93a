"""Draws architectures of any space, evenly over genes or evenly over the range of parameter counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from hwcost._arguments import NUMBER, SEED, WHOLE, Kind, check
from hwcost.errors import UsageError
from hwcost.spaces.listed import from_list
from hwcost.spaces.points import Architecture
from hwcost.spaces.tilted import TRIES, Tilted, uniform

if TYPE_CHECKING:
    from hwcost.spaces.base import Design, SearchSpace

LISTED = 2000
"""Spaces with no more points are listed, so that whatever they hold can be drawn."""

PART = 8
"""Spaces of up to as many times the architectures that are asked for are listed too."""

RANGE = Kind(
    "a pair of numbers, the least and the most", lambda value: isinstance(value, (tuple, list)) and len(value) == 2
    and all(map(NUMBER.holds, value)),
)  # fmt: skip

FEW = 4
"""Draws from a stratum without a new architecture before a neighbour of one is taken, as the outermost strata hold few."""


def sample(
    space: SearchSpace, n: int, seed: int, design: Design, params: tuple[float, float] | None
) -> list[Architecture]:
    """See :meth:`hwcost.spaces.base.SearchSpace.sample`."""
    _check(space, n, seed, design, params)
    rng = np.random.default_rng(seed)
    if not space.is_buildable:
        return _without_counts(space, n, rng, design)
    if is_listed(space, n):
        return from_list(space, n, rng, design, params)
    if design == "spread":
        return _spread(space, n, rng, params)
    return _uniform(space, n, rng, params)


def _check(space: SearchSpace, n: int, seed: int, design: Design, params: tuple[float, float] | None) -> None:
    check({"n": n, "seed": seed, "params": params}, n=WHOLE, seed=SEED, params=RANGE.or_none)
    if n < 0:
        raise UsageError(f"the number of architectures must not be negative, got {n}")
    if design not in ("uniform", "spread"):
        raise UsageError(f"unknown design '{design}'. Known: spread, uniform")
    if n > space.size:
        raise UsageError(f"space '{space.name}' holds {space.size} architectures; {n} distinct ones were asked for")
    if params is not None and params[0] > params[1]:
        raise UsageError(f"the parameter range is empty: {params[0]:g} to {params[1]:g}")
    if params is not None and not space.is_buildable:
        raise UsageError(f"space '{space.name}' counts no parameters, so they cannot be kept within a range")


def _uniform(
    space: SearchSpace, n: int, rng: np.random.Generator, params: tuple[float, float] | None
) -> list[Architecture]:
    """Draws every gene by itself, within a range of parameter counts if there is one."""
    if params is None:
        return _distinct(n, lambda index: uniform(space, rng), space, _by_chance(rng), TRIES)
    tilted, (lo, hi) = Tilted(space, rng), params

    def rank(index: int, arch: Architecture) -> float | None:
        return float(rng.random()) if lo <= space.params(arch) <= hi else None

    return _distinct(n, lambda index: tilted.draw(lo, hi, uniform(space, rng)), space, rank, TRIES)


def _spread(
    space: SearchSpace, n: int, rng: np.random.Generator, params: tuple[float, float] | None
) -> list[Architecture]:
    """Draws one architecture from each of n equal parts of the range of parameter counts."""
    tilted = Tilted(space, rng)
    lo, hi = params or (tilted.smallest, tilted.largest)
    edges = np.linspace(lo, hi, n + 1)

    def near(index: int) -> Architecture:
        return tilted.draw_near(edges[index], edges[index + 1], lo, hi)

    def rank(index: int, arch: Architecture) -> float | None:
        count = space.params(arch)
        is_outside = params is not None and not lo <= count <= hi
        return None if is_outside else abs(count - (edges[index] + edges[index + 1]) / 2)

    return _distinct(n, near, space, rank, FEW)


def _by_chance(rng: np.random.Generator) -> Callable[[int, Architecture], float]:
    return lambda index, arch: float(rng.random())


def is_listed(space: SearchSpace, n: int) -> bool:
    """Says whether a space is listed to draw so many architectures: it is small, or they are a good part of it."""
    return space.size <= max(LISTED, PART * n)


def _without_counts(space: SearchSpace, n: int, rng: np.random.Generator, design: Design) -> list[Architecture]:
    """Draws from a space that counts no parameters: ``spread`` has every choice of every gene about equally often."""
    found: dict[Architecture, None] = dict.fromkeys(_latin(space, n, rng)) if design == "spread" else {}
    if not is_listed(space, n):
        return _distinct(n, lambda index: uniform(space, rng), space, _by_chance(rng), TRIES, found)
    rest = [arch for arch in space.architectures() if arch not in found]
    if len(found) + len(rest) < n:
        raise _too_few(space, len(found) + len(rest), n)
    return [*found, *(rest[i] for i in rng.permutation(len(rest))[: n - len(found)])]


def _latin(space: SearchSpace, n: int, rng: np.random.Generator) -> list[Architecture]:
    """Draws a Latin hypercube: each gene's n values are spread evenly over its choices, and matched at random."""
    columns = []
    for gene in space.genes:
        places = (np.arange(n) + rng.random()) * len(gene.choices) / n
        columns.append([gene.choices[int(place)] for place in rng.permutation(places)])
    return [space.made(genes) for genes in zip(*columns, strict=True)]


def _distinct(
    n: int, draw: Callable[[int], Architecture], space: SearchSpace, rank: Callable[[int, Architecture], float | None],
    tries: int, found: dict[Architecture, None] | None = None,
) -> list[Architecture]:  # fmt: skip
    """Draws until there are n different ones; where draws bring none that is new, a neighbour of one found before is taken.

    As every space is connected by its neighbours, whatever there is can be had.

    Args:
        n: Number of architectures.
        draw: Function of the number of the next one that draws one.
        space: The space.
        rank: Function of the number of the next one and of a neighbour that says how well it fits, the less the better; None
            for not at all.
        tries: Draws without a new one before neighbours are looked at.
        found: Architectures to begin with; None for none.

    Raises:
        UsageError: When no neighbour is left either; says how many there are.
    """
    drawn: dict[Architecture, None] = {} if found is None else found
    for index in range(len(drawn), n):
        arch = next((one for _ in range(tries) if (one := draw(index)) not in drawn), None)
        if arch is None:
            arch = _neighbour(space, drawn, partial(rank, index))
        if arch is None:
            raise _too_few(space, len(drawn), n)
        drawn[arch] = None
    return list(drawn)


def _neighbour(
    space: SearchSpace, drawn: Mapping[Architecture, None], rank: Callable[[Architecture], float | None]
) -> Architecture | None:
    """Returns the best architecture that differs in one gene from one that was drawn, of the latest that has any."""
    for arch in reversed(list(drawn)):
        beside = (
            space.made((*arch.genes[:place], choice, *arch.genes[place + 1 :]))
            for place, gene in enumerate(space.genes) for choice in gene.choices
        )  # fmt: skip
        ranked = [(fit, one) for one in beside if one not in drawn and (fit := rank(one)) is not None]
        if ranked:
            return min(ranked, key=lambda pair: pair[0])[1]
    return None


def _too_few(space: SearchSpace, there: int, n: int) -> UsageError:
    return UsageError(f"space '{space.name}' gave only {there} of the {n} distinct architectures that were asked for")
