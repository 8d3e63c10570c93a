"""Operators on codes: uniform draws, mutation, crossover, and the search for new feasible candidates, which always ends."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Codes
from hwcost.searchers.base import Searcher
from hwcost.spaces.candidates import Candidates

ROUNDS = 4
"""Times that more is proposed, twice as much each time, before fewer are returned than were wanted."""

TILTS = (2.0, 0.5, 4.0, 0.25, 8.0, 0.125, 16.0, 1 / 16, 64.0, 1 / 64)
"""Powers that bend draws where others are infeasible: above 1 towards small choices, below 1 towards large ones."""

LEAST = 64
"""Proposals of a round, at the least."""


def uniform(sizes: Codes, n: int, rng: np.random.Generator, tilt: float = 1.0) -> Codes:
    """Draws codes (n, genes), every gene by itself; ``tilt`` bends the odds towards small (> 1) or large (< 1) codes."""
    return np.minimum((rng.random((n, len(sizes))) ** tilt * sizes).astype(np.intp), sizes - 1)


def mutated(codes: Codes, sizes: Codes, probability: float, rng: np.random.Generator) -> Codes:
    """Draws each gene anew, from all its choices, with a probability."""
    drawn = uniform(sizes, len(codes), rng)
    return np.where(rng.random(codes.shape) < probability, drawn, codes)


def crossed(one: Codes, other: Codes, rng: np.random.Generator) -> Codes:
    """Takes each gene from either parent with equal odds."""
    return np.where(rng.random(one.shape) < 0.5, one, other)


def unit(codes: Codes, sizes: Codes) -> NDArray[np.float64]:
    """Maps codes to [0, 1], gene by gene; a gene with one choice to 0."""
    return np.asarray(codes / np.maximum(sizes - 1, 1), dtype=np.float64)


def fresh(searcher: Searcher, n: int, propose: Callable[[int], Codes]) -> Candidates:
    """Returns up to n feasible candidates that were never asked for or evaluated.

    Args:
        searcher: Searcher that knows the problem and the earlier candidates.
        n: Largest number of candidates.
        propose: Function that returns as many proposals as its argument says, as codes.
    """
    found, known = Candidates.none(searcher.problem.space), set[bytes]()
    for doubled in range(ROUNDS):
        if len(found) >= n:
            break
        proposed = Candidates(found.space, propose(max(LEAST, n - len(found)) << doubled))
        rows = [
            row for row in np.flatnonzero(searcher.is_new(proposed)).tolist() if proposed.keys[row] not in known
        ]
        new = proposed[np.array(rows, dtype=np.intp)]
        known.update(new.keys)
        found = found + new[searcher.feasible(new)]
    return found[:n]


def random(searcher: Searcher, n: int, rng: np.random.Generator) -> Candidates:
    """Returns up to n new feasible candidates, drawn uniformly where uniform draws are feasible.

    Where none is, they are drawn from those that satisfy one of the constraints on sums over genes, however few these are.

    Raises:
        InfeasibleError: When nothing that was ever drawn satisfies the constraints.
    """
    sizes, listed = searcher.problem.sizes, searcher.candidates
    if listed is not None:
        return listed[rng.permutation(np.flatnonzero(searcher.is_new(listed)))[:n]]
    ways: list[Callable[[int], Codes]] = [partial(uniform, sizes, rng=rng)]
    ways += [partial(draws.draw, rng=rng) for _, draws in searcher.problem.draws]
    ways += [partial(uniform, sizes, rng=rng, tilt=tilt) for tilt in TILTS]
    for number, way in enumerate(ways):
        found = fresh(searcher, min(n, LEAST) if number else n, way)  # a few tell whether a way leads anywhere
        if len(found):
            more = fresh(searcher, n, way) if number and n > LEAST else found
            return more if len(more) > len(found) else found
    if searcher.evaluated or searcher.pending:
        return found
    raise searcher.rejections.infeasible()
