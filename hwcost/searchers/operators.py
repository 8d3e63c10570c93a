"""Operators on codes: uniform draws, mutation, crossover, and the search for new feasible candidates, which always ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Codes
from hwcost.searchers.base import Searcher
from hwcost.searchers.problem import FEASIBLE, Problem
from hwcost.spaces.candidates import Candidates

PROPOSALS = 15
"""Candidates that are proposed for each one that is wanted, before fewer are returned than were wanted."""

ROUNDS = 4
"""Times that neighbours of parents are proposed, before a generation has fewer children than were wanted."""

TILTS = (2.0, 0.5, 4.0, 0.25, 8.0, 0.125, 16.0, 1 / 16, 64.0, 1 / 64)
"""Powers that bend draws where others are infeasible: above 1 towards small choices, below 1 towards large ones."""

LEAST = 64
"""Proposals of a round, at the least."""

GENERATIONS, PARENTS, CHILDREN = 24, 32, 256
"""Generations of a walk towards constraints, candidates that have children in each, and how many."""


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
    drawn, most = 0, PROPOSALS * max(LEAST, n)
    while len(found) < n and drawn < most:
        missing = n - len(found)
        wanted = min(max(LEAST, missing * drawn // max(len(found), 1)), most - drawn)  # as many as have given as many
        proposed = Candidates(found.space, propose(wanted))
        drawn += wanted
        new = proposed[searcher.is_new(proposed, known)]
        known.update(new.keys)
        found = found + new[searcher.feasible(new)]
    return found[:n]


def descended(searcher: Searcher, n: int, rng: np.random.Generator) -> tuple[Candidates, Candidates]:
    """Walks from draws all over a space towards its constraints: those that violate them least have children.

    Returns:
        Up to n new feasible candidates, of the first generation that has any; and the one of all others that violates the
        constraints least, relative to their bounds.
    """
    problem, sizes = searcher.problem, searcher.problem.sizes
    found = parents = Candidates.none(problem.space)
    far, known = np.empty(0), set[bytes]()
    drawn = np.concatenate([uniform(sizes, LEAST, rng, tilt) for tilt in (1.0, *TILTS)])
    for _ in range(GENERATIONS):
        new = Candidates(problem.space, drawn)
        new = new[searcher.is_new(new, known)]
        known.update(new.keys)
        violations = problem.violations(new)
        is_violated = violations > 0
        searcher.rejections.record(new, np.where(is_violated.any(axis=0), is_violated.argmax(axis=0), FEASIBLE))
        found = new[~is_violated.any(axis=0)]
        parents, far = parents + new, np.concatenate([far, violations.sum(axis=0)])
        nearest = np.argsort(far, kind="stable")[:PARENTS]
        parents, far = parents[nearest], far[nearest]
        if len(found) or not len(parents):
            break
        one, other = (parents.codes[rng.integers(len(parents), size=CHILDREN)] for _ in range(2))
        drawn = mutated(crossed(one, other, rng), sizes, 1 / len(sizes), rng)
    return found[:n], parents[:1]


def random(searcher: Searcher, n: int, rng: np.random.Generator) -> Candidates:
    """Returns up to n new feasible candidates, drawn uniformly where uniform draws are feasible.

    Where none is, they are drawn from those that satisfy one of the constraints on sums over genes, or over groups of genes,
    however few these are; and where that finds nothing either, by walking towards the constraints.

    Raises:
        InfeasibleError: When nothing that was ever drawn satisfies the constraints; says which bounds are proved to be
            beyond reach, and otherwise what comes nearest.
    """
    problem, left = searcher.problem, searcher.unasked()
    if left is not None:
        return left[rng.permutation(len(left))[:n]]
    for number, way in enumerate(_ways(problem, rng)):
        found = fresh(searcher, min(n, LEAST) if number else n, way)  # a few tell whether a way leads anywhere
        if len(found):
            more = fresh(searcher, n, way) if number and n > LEAST else found
            return more if len(more) > len(found) else found
    is_first = not (searcher.evaluated or searcher.pending)
    if is_first:
        problem.refuse_impossible(has_groups=True)
    found, nearest = descended(searcher, n, rng)
    if is_first and not len(found):
        raise searcher.rejections.infeasible(nearest)
    return found


def _ways(problem: Problem, rng: np.random.Generator) -> Iterator[Callable[[int], Codes]]:
    """Yields functions that draw as many codes as they are asked for, those that take longer to be made last."""
    yield partial(uniform, problem.sizes, rng=rng)
    yield from (partial(draws.draw, rng=rng) for _, draws in problem.draws)
    yield from (partial(uniform, problem.sizes, rng=rng, tilt=tilt) for tilt in TILTS)
    yield from (partial(draws.draw, rng=rng) for _, draws in problem.group_draws)
