"""The adapter that searchers of other libraries share: their state is the list of asks and trials, in order."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from hwcost._types import Floats
from hwcost.searchers import operators
from hwcost.searchers.base import Searcher
from hwcost.searchers.problem import Problem
from hwcost.spaces.candidates import Candidates

TRIES = 50
"""Infeasible proposals after which an architecture is drawn at random instead."""


class Adapter(Searcher):
    """A searcher of another library, which sees the space as one ordered number per gene, and minimises.

    The random state of another library is rarely plain data. So the state of an adapter is the list of asks and trials, and
    to restore it is to repeat them. Other libraries may ask for candidates that were evaluated before.
    """

    def __init__(self, problem: Problem, seed: int = 0) -> None:
        super().__init__(problem, seed)
        self._events: list[dict[str, Any]] = []
        self._proposed: dict[bytes, list[list[int]]] = {}
        self._begin()

    @abstractmethod
    def _begin(self) -> None:
        """Makes the other library's own state, seeded."""

    @abstractmethod
    def _propose(self) -> list[int] | None:
        """Returns the codes of one architecture; None when the library has no more to propose."""

    @abstractmethod
    def _learn(self, codes: list[int], losses: list[float] | None) -> None:
        """Learns one result, also of an architecture that was never proposed; None for a failed or infeasible one."""

    def _is_ready(self) -> bool:
        """Whether it can propose before further results are known."""
        return True

    def _ask(self, n: int, rng: np.random.Generator) -> Candidates:
        self._events.append({"ask": n, "asks": self.asks - 1})
        rows: list[list[int]] = []
        while len(rows) < n and self._is_ready():
            row = self._feasible_row(rng)
            if row is None:
                break
            rows.append(row)
        asked = Candidates(self.problem.space, np.array(rows, dtype=np.intp).reshape(len(rows), len(self.problem.sizes)))
        for key, row in zip(asked.keys, rows, strict=True):
            self._proposed.setdefault(key, []).append(row)
        return asked

    def _feasible_row(self, rng: np.random.Generator) -> list[int] | None:
        _ = self.candidates  # raises at once when nothing satisfies the constraints
        for _ in range(TRIES):
            codes = self._propose() if self._is_ready() else None
            if codes is None:
                break
            if self.feasible(Candidates(self.problem.space, [codes]))[0]:
                return codes
            self._learn(codes, None)
        drawn = operators.random(self, 1, rng)
        return [int(code) for code in drawn.codes[0]] if len(drawn) else None

    def _tell(self, candidates: Candidates, losses: Floats, violations: Floats) -> None:
        known = np.isfinite(losses).all(axis=1) & (violations == 0)
        plain = [row if is_known else None for row, is_known in zip(losses.tolist(), known.tolist(), strict=True)]
        self._events.append({"tell": candidates.codes.tolist(), "losses": plain})
        self._replay(candidates, plain)

    def _replay(self, candidates: Candidates, losses: list[list[float] | None]) -> None:
        """Reports results as the library proposed them, which may be another point of the same net."""
        for key, codes, loss in zip(candidates.keys, candidates.codes.tolist(), losses, strict=True):
            waiting = self._proposed.get(key)
            self._learn(waiting.pop(0) if waiting else codes, loss)

    def _state(self) -> dict[str, Any]:
        return {"events": self._events}

    def _restore(self, state: dict[str, Any]) -> None:
        asks, pending, evaluated = self.asks, self.pending, self.evaluated
        self.pending, self.evaluated, self._events, self._proposed = {}, {}, [], {}
        self._begin()
        for event in state["events"]:
            if "ask" in event:
                self.asks = event["asks"] + 1
                found = self._ask(event["ask"], np.random.default_rng([self.seed, event["asks"]]))
                self.pending.update(dict.fromkeys(found.keys))
            else:
                self._events.append(event)
                trials = Candidates(self.problem.space, event["tell"])
                for key in trials.keys:
                    self.pending.pop(key, None)
                    self.evaluated[key] = None
                self._replay(trials, event["losses"])
        self.asks, self.pending, self.evaluated = asks, pending, evaluated
