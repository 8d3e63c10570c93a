"""The searcher ``climb``: changes one gene of the best architecture at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwcost.searchers import Problem, Searcher, operators
from hwcost.spaces import Candidates


class Climb(Searcher):
    """Hill climbing from a random start, and from another one when nothing new is near."""

    name = "climb"
    max_objectives = 1
    batch = 4

    def __init__(self, problem: Problem, seed: int = 0) -> None:
        super().__init__(problem, seed)
        self.best: np.ndarray | None = None
        self.loss = np.inf

    def _ask(self, n: int, rng: np.random.Generator) -> Candidates:
        near = None if self.best is None else operators.fresh(self, n, lambda count: self._neighbours(count, rng))
        return near if near is not None and len(near) else operators.random(self, n, rng)

    def _neighbours(self, count: int, rng: np.random.Generator) -> np.ndarray:
        codes = np.tile(self.best, (count, 1))
        genes = rng.integers(codes.shape[1], size=count)
        codes[np.arange(count), genes] = rng.integers(self.problem.sizes[genes])
        return codes

    def _tell(self, candidates: Candidates, losses: np.ndarray, violations: np.ndarray) -> None:
        for codes, loss, violation in zip(candidates.codes, losses[:, 0], violations, strict=True):
            if violation == 0 and loss < self.loss:
                self.best, self.loss = codes.copy(), float(loss)

    def _state(self) -> dict[str, Any]:
        return {"best": None if self.best is None else self.best.tolist(), "loss": repr(self.loss)}

    def _restore(self, state: dict[str, Any]) -> None:
        self.best = None if state["best"] is None else np.array(state["best"])
        self.loss = float(state["loss"])
