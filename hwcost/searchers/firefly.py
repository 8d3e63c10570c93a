"""The firefly algorithm on ordered choices, for several objectives by random weighing; kept as a baseline.

Source: Yang, "Firefly algorithm, stochastic test functions and design optimisation", 2010, which AutoDistill compares with;
constants, and shakes relative to the largest of a move, as in Vizier's Eagle strategy. Brightness fades over the length that
the flies are apart at the time, so that it reaches as far in spaces of many genes, or of genes of few choices, as elsewhere;
a move that ends between two choices takes either by chance. It asks again for what it asked before, as the original does:
such repeats cost an iteration, and no evaluation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Codes, Floats
from hwcost.errors import UsageError
from hwcost.searchers import operators
from hwcost.searchers.archive import Archive
from hwcost.searchers.base import Searcher
from hwcost.searchers.operators import unit
from hwcost.searchers.problem import Problem
from hwcost.spaces.candidates import Candidates, codes_of, key_of

GRAVITY, NEGATIVE_GRAVITY, VISIBILITY = 1.0, 0.02, 1.0
PERTURBATION, LEAST, PENALTY = 0.1, 1e-3, 0.9
"""Perturbation of a fly at first; the least one, below which it starts elsewhere; its factor after a move without gain."""
TRIES = 20
"""Infeasible moves after which a fly is set down at random."""


class Firefly(Searcher):
    """Flies are drawn to brighter ones, and shaken; a fly that gains nothing is shaken less, and at last put elsewhere.

    Args:
        problem: Problem with any number of objectives; each move weighs them at random.
        seed: Seed of all random draws.
        population: Number of flies.

    Raises:
        UsageError: When there are fewer than two flies.
    """

    name = "firefly"

    def __init__(self, problem: Problem, seed: int = 0, *, population: int = 20) -> None:
        super().__init__(problem, seed)
        if population < 2:
            raise UsageError(f"fireflies need each other: population is at least 2, got {population}")
        self.population = population
        self.flies = Archive(problem)
        self.shaken: Floats = np.empty(0)
        self._turn = 0
        self._moves: dict[bytes, int] = {}

    def _ask(self, n: int, rng: np.random.Generator) -> Candidates:
        missing = self.population - len(self.flies.codes) - len(self.pending)
        if missing > 0:
            first = operators.random(self, min(n, missing), rng)
            if len(first):
                return first
        if (len(self.flies.codes) < self.population and self.pending) or not len(self.flies.codes):
            return Candidates.none(self.problem.space)  # the first flies' trials must be known before any moves
        return Candidates(self.problem.space, np.concatenate([self._move(rng) for _ in range(n)]))

    def _move(self, rng: np.random.Generator) -> Codes:
        fly, self._turn = self._turn % len(self.flies.codes), self._turn + 1
        for _ in range(TRIES):
            row = Candidates(self.problem.space, self._flown(fly, rng)[None])
            if self.feasible(row)[0]:
                self._moves[row.keys[0]] = fly
                return row.codes
        found = operators.random(self, 1, rng)
        row = found if len(found) else Candidates(self.problem.space, self.flies.codes[[fly]])
        self._moves[row.keys[0]] = fly
        return row.codes

    def _flown(self, fly: int, rng: np.random.Generator) -> NDArray[np.intp]:
        sizes = self.problem.sizes
        places = unit(self.flies.codes, sizes)
        loss = self._weighed(rng.dirichlet(np.ones(self.flies.losses.shape[1])))
        apart = places - places[fly]
        length = max(2 * float(places.var(axis=0).mean()), 1e-9)  # mean square of the distance of two flies
        nearness = np.exp(-VISIBILITY * (apart**2).mean(axis=1) / length)
        pull = np.where(loss < loss[fly], GRAVITY, -NEGATIVE_GRAVITY) * nearness * rng.random(len(places))
        pull[fly] = 0.0
        noise = rng.laplace(size=len(sizes))
        shake = self.shaken[fly] * np.maximum(1.0, 10 / sizes) * noise / np.abs(noise).max()
        place = np.clip(places[fly] + (pull[:, None] * apart).sum(axis=0) / max(1.0, np.abs(pull).sum()) + shake, 0, 1)
        return np.asarray(np.floor(place * (sizes - 1) + rng.random(len(sizes))), dtype=np.intp)

    def _weighed(self, weights: Floats) -> Floats:
        finite = np.where(np.isfinite(self.flies.losses), self.flies.losses, np.nan)
        with np.errstate(all="ignore"):
            low = np.nanmin(np.where(np.isnan(finite).all(axis=0), 0.0, finite), axis=0)
            spread = np.nanmax(np.where(np.isnan(finite).all(axis=0), 0.0, finite), axis=0) - low
        scaled = (self.flies.losses - low) / np.where(spread > 0, spread, 1.0)
        return np.asarray(np.where(np.isfinite(scaled), scaled, 1e9) @ weights)

    def _tell(self, candidates: Candidates, losses: Floats, violations: Floats) -> None:
        dim = np.where((violations > 0)[:, None], np.inf, losses)
        for key, code, loss in zip(candidates.keys, candidates.codes, dim, strict=True):
            fly = self._moves.pop(key, None)
            if len(self.flies.codes) < self.population:
                self.flies.add(code[None], loss[None], np.zeros(1))
                self.shaken = np.append(self.shaken, PERTURBATION)
            elif fly is not None:
                self._landed(fly, code, loss)

    def _landed(self, fly: int, code: NDArray[np.intp], loss: Floats) -> None:
        rng = np.random.default_rng([self.seed, self.asks, fly])
        weights = rng.dirichlet(np.ones(self.flies.losses.shape[1]))
        before = self.flies.losses[fly].copy()
        self.flies.losses[fly] = loss
        after = self._weighed(weights)[fly]
        self.flies.losses[fly] = before
        if after < self._weighed(weights)[fly]:
            self.flies.codes[fly], self.flies.losses[fly] = code, loss
            return
        self.shaken[fly] *= PENALTY
        if self.shaken[fly] < LEAST:
            self.flies.codes[fly] = operators.uniform(self.problem.sizes, 1, rng)[0]
            self.flies.losses[fly], self.shaken[fly] = np.inf, PERTURBATION

    def _state(self) -> dict[str, Any]:
        return {
            **self.flies.state(),
            "shaken": self.shaken.tolist(), "turn": self._turn,
            "moves": [[codes_of(key), fly] for key, fly in self._moves.items()],
        }  # fmt: skip

    def _restore(self, state: dict[str, Any]) -> None:
        self.flies.restore(state)
        self.shaken = np.array(state["shaken"], dtype=np.float64)
        self._turn = int(state["turn"])
        self._moves = {key_of(codes): int(fly) for codes, fly in state["moves"]}
