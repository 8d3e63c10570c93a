"""Draws, mutates and crosses codes; finds new ones that limits allow, without ever drawing for ever."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Codes
from hwcost.objectives.population import Population
from hwcost.searchers.base import Searcher

ROUNDS = 4
"""Times that more is proposed, twice as much each time, before fewer are returned than were wanted."""

TILTS = (1.0, 2.0, 0.5, 4.0, 0.25, 8.0, 0.125, 16.0, 1 / 16, 64.0, 1 / 64)
"""Powers that draws are bent by where plain ones are refused: towards small choices above 1, towards large ones below."""

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


def fresh(searcher: Searcher, n: int, propose: Callable[[int], Codes]) -> Population:
    """Returns up to n allowed architectures that were never asked for or told.

    Args:
        searcher: Knows the problem and what was seen.
        n: How many are wanted.
        propose: Returns so many proposals, as codes.
    """
    problem, found, known = searcher.problem, np.empty((0, len(searcher.problem.sizes)), dtype=np.intp), set[bytes]()
    for doubled in range(ROUNDS):
        if len(found) >= n:
            break
        proposed = Population(problem.space, propose(max(LEAST, n - len(found)) << doubled))
        rows = [
            row for row in np.flatnonzero(searcher.is_new(proposed)).tolist() if proposed.keys[row] not in known
        ]
        new = proposed.where(np.array(rows, dtype=np.intp))
        known.update(new.keys)
        found = np.concatenate([found, new.codes[problem.allowed(new)]])
    return Population(problem.space, found[:n])


def random(searcher: Searcher, n: int, rng: np.random.Generator) -> Population:
    """Returns up to n new allowed architectures, drawn uniformly where limits let uniform draws through.

    Raises:
        InfeasibleError: When nothing that was ever drawn keeps the limits.
    """
    problem = searcher.problem
    if problem.candidates is not None:
        left = np.flatnonzero(searcher.is_new(problem.candidates))
        return problem.candidates.where(rng.permutation(left)[:n])
    for tilt in TILTS:
        found = fresh(searcher, n, lambda count, tilt=tilt: uniform(problem.sizes, count, rng, tilt))  # type: ignore[misc]
        if len(found):
            return found
    if searcher.told or searcher.pending:
        return found
    raise problem.infeasible()
