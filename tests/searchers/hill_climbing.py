"""A searcher as somebody else would write it: steps to neighbours of the best, and starts anew where it is stuck."""

from __future__ import annotations

import numpy as np

from hwcost.searchers import Searcher, operators
from hwcost.spaces import Candidates


class HillClimbing(Searcher):
    name = "hill-climbing"
    max_objectives = 1

    def __init__(self, problem, seed=0, step=1):
        super().__init__(problem, seed)
        self.step = step
        self.best, self.loss = None, np.inf

    def _ask(self, n, rng):
        if self.best is None:
            return operators.random(self, n, rng)
        steps = [
            np.clip(self.best + sign * self.step * np.eye(len(self.best), dtype=int)[gene], 0, self.problem.sizes - 1)
            for gene in range(len(self.best))
            for sign in (-1, 1)
        ]
        near = Candidates(self.problem.space, np.unique(steps, axis=0))
        near = near[self.is_new(near)]
        near = near[self.feasible(near)]
        return near[:n] if len(near) else operators.random(self, n, rng)

    def _tell(self, candidates, losses, violations):
        for code, loss, violation in zip(candidates.codes, losses[:, 0], violations, strict=True):
            if violation == 0 and loss < self.loss:
                self.best, self.loss = code, float(loss)

    def _state(self):
        return {"best": None if self.best is None else self.best.tolist(), "loss": repr(self.loss)}

    def _restore(self, state):
        self.best = None if state["best"] is None else np.array(state["best"])
        self.loss = float(state["loss"])
