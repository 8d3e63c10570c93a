"""SDO, sampling-based direct optimisation: a policy draws architectures, and moves towards those that lose less.

Source: Tsai et al., "Finding Fast Transformers", section 3.3.2 and Appendix A. Every gate is open with probability
``sigma(phi)``; the printed update moves ``phi`` by ``nu (-1)^(1-w) L``. Its mean vanishes where ``p L(1) = (1-p) L(0)``:
it settles at ``p = L(0) / (L(0) + L(1))``, near one half whatever the gate is worth, and destroys the policy that it began
with. The printed rule drops a factor of the score and has no baseline; the estimators here repair either or both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.errors import UnknownNameError, UsageError
from hwcost.objectives.population import Population
from hwcost.searchers import drawing
from hwcost.searchers.base import Searcher
from hwcost.searchers.problem import Problem
from hwcost.spaces.base import Architecture, GeneValue

__all__ = ["Sampling"]

ESTIMATORS = ("literal", "score", "literal+ema", "score+ema", "rloo")
"""``literal`` is the printed rule, ``score`` the exact score of the policy; ``+ema`` subtracts a running mean of the loss;
``rloo`` subtracts, for every sample, the mean loss of the others (leave one out)."""

MEMORY = 0.9
"""Of the running mean."""
START = 2.0
"""Logit of the choice that a policy begins at."""
TRIES = 50
"""Draws that limits refuse before a random architecture is taken instead."""
BEYOND = 0.01
"""How much worse than the worst sample of a step a draw counts that limits refuse, at the least and relative to it."""
CANDIDATES = 1000
"""Draws of which the most likely allowed one is the result, where limits refuse the most likely of all."""


class Sampling(Searcher):
    """Samples architectures from independent choices, gene by gene, and follows the gradient of their expected loss.

    The first objective is the loss; a second one is a cost, weighed by ``penalty``. What it asks for it may ask for again:
    losses are noisy where a supernet trains meanwhile.

    Args:
        problem: With one or two objectives.
        seed: See the base class.
        samples: Architectures of a step, told together.
        estimator: See ``ESTIMATORS``.
        penalty: The weight of the second objective (the paper's lambda).
        rate: Step of the policy's logits (the paper's nu).
        start: Gene values that the policy begins near; None begins where every choice is as likely.

    Attributes:
        logits: Shape (genes, most choices); the first choice of every gene stays at 0.

    Raises:
        UnknownNameError: When there is no such estimator.
        UsageError: When a setting makes no sense, or the literal rule is asked for genes of more than two choices.
    """

    name = "sdo"
    max_objectives = 2

    def __init__(
        self,
        problem: Problem,
        seed: int = 0,
        *,
        samples: int = 4,
        estimator: str = "rloo",
        penalty: float = 1.0,
        rate: float = 1.0,
        start: Sequence[GeneValue] | None = None,
    ) -> None:
        super().__init__(problem, seed)
        if estimator not in ESTIMATORS:
            raise UnknownNameError("estimator", estimator, ESTIMATORS)
        if samples < (2 if estimator == "rloo" else 1):
            raise UsageError(f"estimator '{estimator}' needs more samples of a step than {samples}")
        if not (rate > 0 and penalty >= 0):
            raise UsageError(f"a rate is positive and a penalty not negative, got rate={rate} and penalty={penalty}")
        if estimator.startswith("literal") and problem.sizes.max() > 2:
            raise UsageError("the printed rule knows gates of two choices; take estimator='rloo' for more")
        self.batch = self.samples = samples
        self.estimator, self.penalty, self.rate = estimator, penalty, rate
        self.logits = np.zeros((len(problem.sizes), int(problem.sizes.max())))
        self._valid = np.arange(self.logits.shape[1]) < problem.sizes[:, None]
        if start is not None:
            self._begin_at(problem.space.architecture(start))
        self._mean: float | None = None
        self._drawn: list[bytes] = []  # what was asked for in this step
        self._rows: list[list[int]] = []  # and as it was drawn; a net may be drawn in several ways
        self._refused: list[list[int]] = []  # draws of this step that limits refuse; the policy moves away from them
        self._others = 0  # how many of the last that were asked for are no draws of the policy
        self._known: dict[bytes, float] = {}

    def _begin_at(self, arch: Architecture) -> None:
        codes = Population.of(self.problem.space, [arch]).codes[0]
        rows = np.arange(len(codes))
        self.logits[rows, codes] = START
        self.logits -= self.logits[:, :1]

    # -- the policy ----------------------------------------------------------------------------------------------------

    @property
    def probabilities(self) -> Floats:
        """Of every choice of every gene, shape (genes, most choices); 0 beyond a gene's choices."""
        logits = np.where(self._valid, self.logits, -np.inf)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    def chosen(self) -> Architecture:
        """Returns the most likely architecture that limits allow: the search's result (the paper's argmax).

        Raises:
            InfeasibleError: When limits refuse all that the policy draws.
        """
        best = self.probabilities.argmax(axis=1)[None]
        drawn = self._draw(CANDIDATES, np.random.default_rng(self.seed))
        odds = np.log(self.probabilities[np.arange(drawn.shape[1]), drawn]).sum(axis=1)
        rows = Population(self.problem.space, np.concatenate([best, drawn[np.argsort(-odds, kind="stable")]]))
        kept = np.flatnonzero(self.problem.allowed(rows))
        if not len(kept):
            raise self.problem.infeasible()
        return rows.archs[int(kept[0])]

    def _draw(self, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        edges = self.probabilities.cumsum(axis=1)
        drawn = (rng.random((n, len(edges), 1)) > edges[None]).sum(axis=2)
        return np.asarray(np.minimum(drawn, self.problem.sizes - 1), dtype=np.intp)

    def _ask(self, n: int, rng: np.random.Generator) -> Population:
        missing = self.samples - len(self._drawn)
        empty = Population(self.problem.space, np.empty((0, len(self.problem.sizes)), dtype=np.intp))
        if missing <= 0:
            return empty  # the step's results are needed first
        found = empty.codes
        for _ in range(TRIES):
            if len(found) >= min(n, missing):
                break
            rows = self._draw(min(n, missing) - len(found), rng)
            allowed = self.problem.allowed(Population(self.problem.space, rows))
            self._refused = [*self._refused, *rows[~allowed].tolist()][: self.samples]
            found = np.concatenate([found, rows[allowed]])
        if len(found) < min(n, missing):
            others = self._elsewhere(min(n, missing) - len(found), rng)
            self._others += len(others)
            found = np.concatenate([found, others])
        asked = Population(self.problem.space, found)
        self._drawn += asked.keys
        self._rows += found.tolist()
        return asked

    def _elsewhere(self, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """Returns allowed architectures at random, known ones too where the space is listed."""
        listed = self.problem.candidates
        if listed is None:
            return drawing.random(self, n, rng).codes
        return listed.codes[rng.integers(len(listed), size=n)]

    # -- learning ------------------------------------------------------------------------------------------------------

    def _tell(self, population: Population, losses: Floats, violations: Floats) -> None:
        total = losses[:, 0] + (self.penalty * losses[:, 1] if losses.shape[1] > 1 else 0.0)
        total = np.where(violations > 0, np.inf, total)
        pairs = zip(population.keys, total.tolist(), strict=True)
        self._known.update({key: loss for key, loss in pairs if key in self._drawn})
        if self._drawn and len(self._drawn) >= self.samples and all(key in self._known for key in self._drawn):
            self._step()

    def _step(self) -> None:
        """Moves the policy by one step's samples; those that failed, or broke a limit, count as the worst of them.

        Draws that limits refused count as worse still, so that the policy moves back to where it may be. What was taken at
        random instead of them only says what a loss is.
        """
        own = len(self._rows) - self._others
        codes = np.array(self._rows[:own] + self._refused, dtype=np.intp).reshape(-1, len(self.logits))
        told, refused = np.array([self._known[key] for key in self._drawn]), len(self._refused)
        self._drawn, self._rows, self._refused, self._known, self._others = [], [], [], {}, 0
        finite = told[np.isfinite(told)]
        if not len(finite) or not len(codes):
            return
        told = np.where(np.isfinite(told), told, finite.max())
        beyond = finite.max() + max(float(np.ptp(finite)), BEYOND * abs(float(finite.max())))
        gained = np.concatenate([(told - self._baseline(told))[:own], np.full(refused, beyond - told.mean())])
        taken = codes[:, :, None] == np.arange(self.logits.shape[1])
        if self.estimator.startswith("literal"):
            score = np.where(taken[:, :, 1:], 1.0, -1.0)
        else:
            score = taken[:, :, 1:] - self.probabilities[None, :, 1:]
        slope = (gained[:, None, None] * score).mean(axis=0) * self._valid[:, 1:]
        self.logits[:, 1:] -= self.rate * slope

    def _baseline(self, losses: Floats) -> Floats:
        """Returns what is subtracted from every sample's loss."""
        if self.estimator == "rloo":
            return np.asarray((losses.sum() - losses) / (len(losses) - 1))
        if not self.estimator.endswith("+ema"):
            return np.zeros(len(losses))
        before = float(losses.mean()) if self._mean is None else self._mean
        self._mean = MEMORY * before + (1 - MEMORY) * float(losses.mean())
        return np.full(len(losses), before)

    def _state(self) -> dict[str, Any]:
        def plain(key: bytes) -> list[int]:
            return [int(code) for code in np.frombuffer(key, dtype=np.uint16)]

        return {
            "logits": self.logits.tolist(), "mean": self._mean, "drawn": [plain(key) for key in self._drawn],
            "rows": self._rows, "refused": self._refused, "others": self._others,
            "known": [[plain(key), repr(loss)] for key, loss in self._known.items()],
        }  # fmt: skip

    def _restore(self, state: dict[str, Any]) -> None:
        def key(codes: list[int]) -> bytes:
            return np.array(codes, dtype=np.uint16).tobytes()

        self.logits = np.array(state["logits"], dtype=np.float64).reshape(self.logits.shape)
        self._mean = None if state["mean"] is None else float(state["mean"])
        self._drawn = [key(codes) for codes in state["drawn"]]
        self._rows = [list(row) for row in state["rows"]]
        self._refused, self._others = [list(row) for row in state["refused"]], int(state["others"])
        self._known = {key(codes): float(loss) for codes, loss in state["known"]}
