"""What searchers of other libraries share: their state is what they were asked and told, in order."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from hwcost._types import Floats
from hwcost.objectives.population import Population
from hwcost.searchers import drawing
from hwcost.searchers.base import Searcher
from hwcost.searchers.problem import Problem

TRIES = 50
"""Proposals that limits refuse before an architecture is drawn at random instead."""


class Foreign(Searcher):
    """Asks another library, which knows the space as one ordered number per gene, and minimises.

    Other libraries keep random states that are no plain data. So a state is the list of what was asked and told; to restore
    it is to ask and tell again. They may ask for what they were told before.
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
        """Takes one result, also of an architecture that was never proposed; None for one that failed or is refused."""

    def _is_ready(self) -> bool:
        """Whether it can propose before more is told."""
        return True

    def _ask(self, n: int, rng: np.random.Generator) -> Population:
        self._events.append({"ask": n, "asks": self.asks - 1})
        rows: list[list[int]] = []
        while len(rows) < n and self._is_ready():
            row = self._allowed(rng)
            if row is None:
                break
            rows.append(row)
        asked = Population(self.problem.space, np.array(rows, dtype=np.intp).reshape(len(rows), len(self.problem.sizes)))
        for key, row in zip(asked.keys, rows, strict=True):
            self._proposed.setdefault(key, []).append(row)
        return asked

    def _allowed(self, rng: np.random.Generator) -> list[int] | None:
        _ = self.problem.candidates  # says at once when nothing keeps the limits
        for _ in range(TRIES):
            codes = self._propose() if self._is_ready() else None
            if codes is None:
                break
            one = Population(self.problem.space, np.array([codes]))
            if self.problem.allowed(one)[0]:
                return codes
            self._learn(codes, None)
        drawn = drawing.random(self, 1, rng)
        return [int(code) for code in drawn.codes[0]] if len(drawn) else None

    def _tell(self, population: Population, losses: Floats, violations: Floats) -> None:
        known = np.isfinite(losses).all(axis=1) & (violations == 0)
        plain = [row if is_known else None for row, is_known in zip(losses.tolist(), known.tolist(), strict=True)]
        self._events.append({"tell": population.codes.tolist(), "losses": plain})
        self._replay(population, plain)

    def _replay(self, population: Population, losses: list[list[float] | None]) -> None:
        """Tells the library what it proposed itself, which may be another point of the same net."""
        for key, codes, loss in zip(population.keys, population.codes.tolist(), losses, strict=True):
            waiting = self._proposed.get(key)
            self._learn(waiting.pop(0) if waiting else codes, loss)

    def _state(self) -> dict[str, Any]:
        return {"events": self._events}

    def _restore(self, state: dict[str, Any]) -> None:
        asks, events = self.asks, state["events"]
        pending, told = self.pending, self.told
        self.pending, self.told, self._events, self._proposed = {}, {}, [], {}
        self._begin()
        for event in events:
            if "ask" in event:
                self.asks = event["asks"] + 1
                found = self._ask(event["ask"], np.random.default_rng([self.seed, event["asks"]]))
                self.pending.update(zip(found.keys, found.archs, strict=True))
            else:
                self._events.append(event)
                told_then = Population(self.problem.space, np.array(event["tell"]))
                for key in told_then.keys:
                    self.pending.pop(key, None)
                    self.told[key] = None
                self._replay(told_then, event["losses"])
        self.asks, self.pending, self.told = asks, pending, told
