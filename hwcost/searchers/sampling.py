"""SDO, sampling-based direct optimisation: a policy draws architectures, and moves towards those with the smaller loss.

Source: Tsai et al., "Finding Fast Transformers", section 4.2 and appendix A.1. Every gate is open with probability
``sigma(phi)``; the printed update moves ``phi`` by ``nu (-1)^(1-w) L``. Its mean vanishes where ``p L(1) = (1-p) L(0)``:
it settles at ``p = L(0) / (L(0) + L(1))``, near one half whatever the gate is worth, and destroys the policy that it began
with. The printed rule drops a factor of the score and has no baseline; the estimators here repair either or both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Codes, Floats
from hwcost.errors import UnknownNameError, UsageError
from hwcost.searchers import operators
from hwcost.searchers.base import Searcher
from hwcost.searchers.problem import Problem
from hwcost.spaces.base import Architecture, GeneValue
from hwcost.spaces.candidates import Candidates, codes_of, key_of

__all__ = ["ESTIMATORS", "OPTIMIZERS", "Sampling"]

ESTIMATORS = ("literal", "score", "literal+ema", "score+ema", "rloo")
"""``literal`` is the printed rule, ``score`` the exact score of the policy; ``+ema`` subtracts a running mean of the loss;
``rloo`` subtracts, for every sample, the mean loss of the others (leave one out)."""

OPTIMIZERS = ("sgd", "adam")
"""``sgd`` moves logits by the estimate times the rate; ``adam`` by the rate times its mean over its deviation, so that a
slope counts by how sure it is, and not by its size."""

MEMORY = 0.9
"""Weight of the past in the running mean."""
BETAS, EPSILON = (0.9, 0.999), 1e-8
"""Weights of the past in Adam's two moments, and what is added to the root of the second."""
START = 2.0
"""Logit of the choice that a policy begins at."""
TRIES = 50
"""Infeasible draws after which a random architecture is taken instead."""
BEYOND = 0.01
"""Least excess of an infeasible draw's loss over the worst sample of a step, relative to that one."""
CANDIDATES = 1000
"""Draws of which the most likely feasible one is the result, where the most likely of all is infeasible."""


class Sampling(Searcher):
    """Samples architectures from independent choices, gene by gene, and follows the gradient of their expected loss.

    The first objective is the loss; a second one is a cost, weighted by ``penalty``. It may ask for the same architecture
    again, because losses are noisy where a supernet trains meanwhile.

    Args:
        problem: Problem with one or two objectives.
        seed: Seed of all random draws.
        samples: Number of architectures of a step, whose trials are learned together.
        estimator: Name of the gradient estimator, see ``ESTIMATORS``.
        penalty: Weight of the second objective (the paper's lambda).
        rate: Step size of the policy's logits (the paper's nu).
        start: Gene values that the policy begins near; None begins where every choice is as likely.
        optimizer: Name of the rule that moves the logits along the estimate, see ``OPTIMIZERS``.
        scale: Difference of losses that counts as 1 in the estimate. None takes the root mean square of all those from the
            baseline so far, so that the unit of the loss does not matter; the literal rule then takes losses as they are.

    Attributes:
        logits: Logits of the policy, shape (genes, most choices); the first choice of every gene stays at 0.

    Raises:
        UnknownNameError: When the estimator or the optimizer is unknown.
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
        optimizer: str = "sgd",
        scale: float | None = None,
    ) -> None:
        super().__init__(problem, seed)
        if estimator not in ESTIMATORS:
            raise UnknownNameError("estimator", estimator, ESTIMATORS)
        if optimizer not in OPTIMIZERS:
            raise UnknownNameError("optimizer", optimizer, OPTIMIZERS)
        if samples < (2 if estimator == "rloo" else 1):
            raise UsageError(f"estimator '{estimator}' needs more samples of a step than {samples}")
        if not (rate > 0 and penalty >= 0):
            raise UsageError(f"a rate is positive and a penalty not negative, got rate={rate} and penalty={penalty}")
        if scale is not None and not 0 < scale < np.inf:
            raise UsageError(f"a scale of losses is positive and finite, or None for that of the losses seen, got {scale}")
        if estimator.startswith("literal") and problem.sizes.max() > 2:
            raise UsageError("the printed rule knows gates of two choices; take estimator='rloo' for more")
        self.batch = self.samples = samples
        self.estimator, self.penalty, self.rate, self.optimizer = estimator, penalty, rate, optimizer
        self.scale = 1.0 if scale is None and estimator == "literal" else scale
        self._squares, self._seen = 0.0, 0  # of differences so far: their sum of squares, and their number
        self.logits = np.zeros((len(problem.sizes), int(problem.sizes.max())))
        self._moments = np.zeros((2, len(problem.sizes), self.logits.shape[1] - 1))  # Adam's
        self._taken = 0  # its steps
        self._valid = np.arange(self.logits.shape[1]) < problem.sizes[:, None]
        if start is not None:
            self._begin_at(problem.space.architecture(start))
        self._mean: float | None = None
        self._drawn: list[bytes] = []  # keys of this step's candidates
        self._rows: list[list[int]] = []  # their codes as they were drawn; a net may be drawn in several ways
        self._rejected: list[list[int]] = []  # infeasible draws of this step; the policy moves away from them
        self._others = 0  # number of the last candidates that the policy did not draw
        self._known: dict[bytes, float] = {}

    def _begin_at(self, arch: Architecture) -> None:
        codes = Candidates.of(self.problem.space, [arch]).codes[0]
        rows = np.arange(len(codes))
        self.logits[rows, codes] = START
        self.logits -= self.logits[:, :1]

    # -- the policy ----------------------------------------------------------------------------------------------------

    @property
    def probabilities(self) -> Floats:
        """Probability of every choice of every gene, shape (genes, most choices); 0 beyond a gene's choices."""
        logits = np.where(self._valid, self.logits, -np.inf)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    def chosen(self) -> Architecture:
        """Returns the most likely feasible architecture: the result of the search (the paper's argmax).

        Raises:
            InfeasibleError: When everything that the policy draws is infeasible.
        """
        best = self.probabilities.argmax(axis=1)[None]
        drawn = self._draw(CANDIDATES, np.random.default_rng(self.seed))
        odds = np.log(self.probabilities[np.arange(drawn.shape[1]), drawn]).sum(axis=1)
        rows = Candidates(self.problem.space, np.concatenate([best, drawn[np.argsort(-odds, kind="stable")]]))
        kept = np.flatnonzero(self.problem.feasible(rows))
        if not len(kept):
            raise self.rejections.infeasible()
        return rows[int(kept[0])]

    def _draw(self, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        edges = self.probabilities.cumsum(axis=1)
        drawn = (rng.random((n, len(edges), 1)) > edges[None]).sum(axis=2)
        return np.asarray(np.minimum(drawn, self.problem.sizes - 1), dtype=np.intp)

    def _ask(self, n: int, rng: np.random.Generator) -> Candidates:
        missing = self.samples - len(self._drawn)
        if missing <= 0:
            return Candidates.none(self.problem.space)  # the step's results are needed first
        found = np.empty((0, len(self.problem.sizes)), dtype=np.intp)
        for _ in range(TRIES):
            if len(found) >= min(n, missing):
                break
            rows = self._draw(min(n, missing) - len(found), rng)
            feasible = self.feasible(Candidates(self.problem.space, rows))
            self._rejected = [*self._rejected, *rows[~feasible].tolist()][: self.samples]
            found = np.concatenate([found, rows[feasible]])
        if len(found) < min(n, missing):
            others = self._elsewhere(min(n, missing) - len(found), rng)
            self._others += len(others)
            found = np.concatenate([found, others])
        asked = Candidates(self.problem.space, found)
        self._drawn += asked.keys
        self._rows += found.tolist()
        return asked

    def _elsewhere(self, n: int, rng: np.random.Generator) -> Codes:
        """Returns feasible architectures at random, known ones too where the space is listed."""
        listed = self.candidates
        if listed is None:
            return operators.random(self, n, rng).codes
        return listed.codes[rng.integers(len(listed), size=n)]

    # -- learning ------------------------------------------------------------------------------------------------------

    def _tell(self, candidates: Candidates, losses: Floats, violations: Floats) -> None:
        total = losses[:, 0] + (self.penalty * losses[:, 1] if losses.shape[1] > 1 else 0.0)
        total = np.where(violations > 0, np.inf, total)
        pairs = zip(candidates.keys, total.tolist(), strict=True)
        self._known.update({key: loss for key, loss in pairs if key in self._drawn})
        if self._drawn and len(self._drawn) >= self.samples and all(key in self._known for key in self._drawn):
            self._step()

    def _step(self) -> None:
        """Moves the policy by one step's samples; those that failed or are infeasible count as the worst of them.

        Infeasible draws that were not evaluated count as worse still, so that the policy moves back to feasible ones. The
        random architectures that replaced them only tell how large a loss is.
        """
        own = len(self._rows) - self._others
        codes = np.array(self._rows[:own] + self._rejected, dtype=np.intp).reshape(-1, len(self.logits))
        losses, rejected = np.array([self._known[key] for key in self._drawn]), len(self._rejected)
        self._drawn, self._rows, self._rejected, self._known, self._others = [], [], [], {}, 0
        finite = losses[np.isfinite(losses)]
        if not len(finite) or not len(codes):
            return
        losses = np.where(np.isfinite(losses), losses, finite.max())
        beyond = finite.max() + max(float(np.ptp(finite)), BEYOND * abs(float(finite.max())))
        gained = np.concatenate([(losses - self._baseline(losses))[:own], np.full(rejected, beyond - losses.mean())])
        gained = gained / self._scale(gained)
        taken = codes[:, :, None] == np.arange(self.logits.shape[1])
        if self.estimator.startswith("literal"):
            score = np.where(taken[:, :, 1:], 1.0, -1.0)
        else:
            score = taken[:, :, 1:] - self.probabilities[None, :, 1:]
        slope = (gained[:, None, None] * score).mean(axis=0) * self._valid[:, 1:]
        self.logits[:, 1:] -= self.rate * (self._adam(slope) if self.optimizer == "adam" else slope)

    def _scale(self, gained: Floats) -> float:
        """Returns the difference that counts as 1; learns the size of a step's differences (k,)."""
        if self.scale is not None:
            return self.scale
        self._squares, self._seen = self._squares + float((gained**2).sum()), self._seen + len(gained)
        return np.sqrt(self._squares / self._seen) or 1.0

    def _adam(self, slope: Floats) -> Floats:
        """Returns Adam's step for a rate of 1 (Kingma and Ba, "Adam", Algorithm 1)."""
        self._taken += 1
        (first, second), own = BETAS, self._moments
        own[0] += (1 - first) * (slope - own[0])
        own[1] += (1 - second) * (slope**2 - own[1])
        mean, square = own[0] / (1 - first**self._taken), own[1] / (1 - second**self._taken)
        return np.asarray(mean / (np.sqrt(square) + EPSILON))

    def _baseline(self, losses: Floats) -> Floats:
        """Returns the baseline that is subtracted from every sample's loss."""
        if self.estimator == "rloo":
            return np.asarray((losses.sum() - losses) / (len(losses) - 1))
        if not self.estimator.endswith("+ema"):
            return np.zeros(len(losses))
        before = float(losses.mean()) if self._mean is None else self._mean
        self._mean = MEMORY * before + (1 - MEMORY) * float(losses.mean())
        return np.full(len(losses), before)

    def _state(self) -> dict[str, Any]:
        return {
            "logits": self.logits.tolist(), "mean": self._mean, "drawn": [codes_of(key) for key in self._drawn],
            "rows": self._rows, "rejected": self._rejected, "others": self._others,
            "known": [[codes_of(key), repr(loss)] for key, loss in self._known.items()],
            "moments": self._moments.tolist(), "taken": self._taken, "squares": self._squares, "seen": self._seen,
        }  # fmt: skip

    def _restore(self, state: dict[str, Any]) -> None:
        self.logits = np.array(state["logits"], dtype=np.float64).reshape(self.logits.shape)
        self._mean = None if state["mean"] is None else float(state["mean"])
        self._drawn = [key_of(codes) for codes in state["drawn"]]
        self._rows = [list(row) for row in state["rows"]]
        self._rejected, self._others = [list(row) for row in state["rejected"]], int(state["others"])
        self._known = {key_of(codes): float(loss) for codes, loss in state["known"]}
        self._moments = np.array(state.get("moments", self._moments), dtype=np.float64).reshape(self._moments.shape)
        self._taken = int(state.get("taken", 0))
        self._squares, self._seen = float(state.get("squares", 0.0)), int(state.get("seen", 0))
