"""What searchers of other libraries share: their state is what they were asked and told, in order."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost.cost.population import Population
from hwcost.searchers import drawing
from hwcost.searchers.base import Searcher
from hwcost.searchers.problem import Floats, Problem

Codes = NDArray[np.intp]

TRIES = 50
"""Proposals that limits refuse before an architecture is drawn at random instead."""

UNKNOWN = 1e30
"""What a trial that failed, or broke a limit that is told back, is told to have cost."""


class Foreign(Searcher):
    """Asks another library, which knows the space as one ordered number per gene, and minimises.

    Other libraries keep random states that are no plain data. So a state is the list of what was asked and told; to restore
    it is to ask and tell again. They may ask for what they were told before.
    """

    def __init__(self, problem: Problem, seed: int = 0) -> None:
        super().__init__(problem, seed)
        self._events: list[dict[str, Any]] = []
        self._begin()

    @abstractmethod
    def _begin(self) -> None:
        """Makes the other library's own state, seeded."""

    @abstractmethod
    def _propose(self) -> list[int] | None:
        """Returns the codes of one architecture; None when the library has no more to propose."""

    @abstractmethod
    def _learn(self, codes: list[int], losses: list[float]) -> None:
        """Takes one result, also of an architecture that was never proposed."""

    def _refused(self, codes: list[int]) -> None:
        """Takes note that limits refuse what was proposed."""
        self._learn(codes, [UNKNOWN] * len(self.problem.objectives))

    def _ask(self, n: int, rng: np.random.Generator) -> Population:
        self._events.append({"ask": n, "asks": self.asks - 1})
        rows = []
        for _ in range(n):
            row = self._allowed(rng)
            if row is None:
                break
            rows.append(row)
        return Population(self.problem.space, np.array(rows, dtype=np.intp).reshape(len(rows), len(self.problem.sizes)))

    def _allowed(self, rng: np.random.Generator) -> list[int] | None:
        _ = self.problem.candidates  # says at once when nothing keeps the limits
        for _ in range(TRIES):
            codes = self._propose()
            if codes is None:
                break
            one = Population(self.problem.space, np.array([codes]))
            if self.problem.allowed(one)[0]:
                return codes
            self._refused(codes)
        drawn = drawing.random(self, 1, rng)
        return [int(code) for code in drawn.codes[0]] if len(drawn) else None

    def _tell(self, population: Population, losses: Floats, violations: Floats) -> None:
        known = np.isfinite(losses).all(axis=1) & (violations == 0)
        plain = np.where(known[:, None], losses, UNKNOWN)
        self._events.append({"tell": population.codes.tolist(), "losses": plain.tolist()})
        self._replay(self._events[-1])

    def _replay(self, event: dict[str, Any]) -> None:
        for codes, losses in zip(event["tell"], event["losses"], strict=True):
            self._learn(codes, losses)

    def _state(self) -> dict[str, Any]:
        return {"events": self._events}

    def _restore(self, state: dict[str, Any]) -> None:
        asks, events = self.asks, state["events"]
        pending, told = self.pending, self.told
        self.pending, self.told, self._events = {}, {}, []
        self._begin()
        for event in events:
            if "ask" in event:
                self.asks = event["asks"] + 1
                found = self._ask(event["ask"], np.random.default_rng([self.seed, event["asks"]]))
                self.pending.update(zip(found.keys, found.archs, strict=True))
            else:
                self._events.append(event)
                for key in Population(self.problem.space, np.array(event["tell"])).keys:
                    self.pending.pop(key, None)
                    self.told[key] = None
                self._replay(event)
        self.asks, self.pending, self.told = asks, pending, told
