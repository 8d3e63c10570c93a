"""Verification: winners are measured, the cost model learns from them, until the best measured one is the best of all.

How probable that is, draws say. In each draw every candidate has a latency: as the cost model predicts it, times an error
that is drawn with what is known of such errors (:mod:`hwcost.study.error_model`). Measured candidates tell of each other and
of those unmeasured ones that are like them. The probability that the best measured candidate is the best of all is the share
of the draws in which none is better by more than the tolerance; None where nothing tells how far the model errs, as where
its rows were measured on another device or backend than the candidates are. Among candidates that nearly tie, no number of
measurements tells the best one: so the margin says by how much none is better, with the probability that was asked for. The
candidates that are most often the best are measured next, the surest first (compare top-two sampling: Russo, Operations
Research 2020; Jourdan et al., NeurIPS 2023, for the best one to within a tolerance).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hwcost._arguments import COUNT, NUMBER, SEED, SWITCH, check
from hwcost._types import Floats
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.training.refitting import OwnRows
from hwcost.cost_models.training.remembered import remembering
from hwcost.errors import UsageError
from hwcost.searchers.operators import unit
from hwcost.searchers.problem import Problem
from hwcost.spaces.base import Architecture
from hwcost.study.error_model import ErrorModel, LeftOut, shared_features
from hwcost.study.judged import Judged
from hwcost.study.refits import Refits
from hwcost.study.remeasure import Interval
from hwcost.study.results import Results

__all__ = ["PROBABILITY", "TOLERANCE", "Verification", "check_objectives", "verify"]

PROBABILITY = 0.95
"""Probability at which the best measured architecture counts as the best."""

TOLERANCE = 0.01
"""Difference, relative, below which two architectures are worth the same."""

COMPETITORS = 2000
"""Candidates that are drawn for: those predicted best."""

DRAWS = 1000
"""Draws that probabilities are shares of."""

ROUNDS = 4
"""Rounds that measurements are divided into unless a batch is given: the model learns between them."""

LEAST_BATCH = 3
"""Fewest architectures of a round: anchors are measured beside them each time."""

Z95 = 1.959964
"""Half-width of a 95 % interval in standard deviations."""

Measure = Callable[[Sequence[Architecture]], Sequence[Interval]]


@dataclass(frozen=True, eq=False)
class Verification:
    """What is known of the winner of a search after measuring.

    Attributes:
        best: The best measured architecture; None where none was measured that satisfies the constraints.
        probability: Probability that no other candidate is better by more than the tolerance; None where it is not known.
        margin: Difference, relative, by which no other candidate is better with the probability that was asked for; None
            where it is not known.
        wanted: Probability that was asked for.
        tolerance: Difference, relative, below which two architectures are worth the same.
        measured: Measured latency on the level of the model's rows, and the ends of its 95 % interval; in measuring order.
        rounds: Number of rounds of measurements.
        cost: The cost model, fitted on its own measurements and these; as it was where it is of elsewhere.
        is_elsewhere: Whether the candidates were measured on another device or backend than the model's rows.
    """

    best: Architecture | None
    probability: float | None
    margin: float | None
    wanted: float
    tolerance: float
    measured: dict[Architecture, Interval]
    rounds: int
    cost: CostModel
    is_elsewhere: bool = False

    @property
    def is_sure(self) -> bool:
        """Whether the probability that was asked for is reached."""
        return self.best is not None and self.probability is not None and self.probability >= self.wanted


def verify(
    found: Results,
    cost: CostModel,
    measure: Measure,
    *,
    most: int = 10,
    probability: float = PROBABILITY,
    tolerance: float = TOLERANCE,
    batch: int | None = None,
    seed: int = 0,
    is_elsewhere: bool = False,
    progress: Callable[[Verification], None] = lambda state: None,
) -> Verification:
    """Measures candidates of a search until the best measured one is the best of all.

    Args:
        found: A finished search with one objective.
        cost: The latency model that its objective or one of its constraints asks.
        measure: Function that measures architectures, and returns seconds and the ends of their 95 % interval on the level
            of the model's rows; None for what could not be measured.
        most: Largest number of architectures to be measured.
        probability: Probability at which the best measured one counts as the best.
        tolerance: Difference, relative, below which two architectures are worth the same.
        batch: Architectures a round; by default a quarter of ``most``, and three at least.
        seed: Seed of refits and draws.
        is_elsewhere: Whether ``measure`` measures on another device or backend than the model's rows were. Their errors then
            say nothing of it: no probability is known before every candidate is measured, and the model learns nothing.
        progress: Function that is called after every round.

    Raises:
        UsageError: When the search has several objectives, nothing was completed, or nothing asks the cost model.
    """
    check({"most": most, "batch": batch, "seed": seed}, most=COUNT, batch=COUNT.or_none, seed=SEED)
    check({"probability": probability, "tolerance": tolerance}, probability=NUMBER, tolerance=NUMBER)
    check({"is_elsewhere": is_elsewhere}, is_elsewhere=SWITCH)
    judged = _judged(found, cost)
    width = batch or max(math.ceil(most / ROUNDS), LEAST_BATCH)
    state = Verification(None, 0.0, None, probability, tolerance, {}, 0, cost, is_elsewhere)
    lost: set[Architecture] = set()
    contest = _Contest.of(judged, seed, is_elsewhere)
    draws = contest.draws(state, lost)
    while not state.is_sure and (left := most - len(state.measured) - len(lost)) > 0:
        if not (wanted := draws.next(min(width, left))):
            break
        pairs = list(zip(wanted, measure(wanted), strict=True))
        lost |= {arch for arch, (seconds, _, _) in pairs if seconds is None}
        with remembering():
            state = _learned(state, {arch: one for arch, one in pairs if one[0] is not None})
        draws = contest.draws(state, lost)
        state = draws.judge(state)
        progress(state)
    return state


def check_objectives(problem: Problem) -> None:
    """Raises UsageError when a problem has several objectives, so that no architecture is the best."""
    if len(problem.objectives) > 1:
        names = ", ".join(objective.name for objective in problem.objectives)
        raise UsageError(
            f"to verify the best architecture takes one objective, this search has {names}; make constraints of the others, "
            "or measure the front as it is"
        )


def _judged(found: Results, cost: CostModel) -> Judged:
    check_objectives(found.problem)
    if all(value is not cost for value in found.problem.asked):
        raise UsageError("neither an objective nor a constraint asks this cost model: its measurements decide nothing")
    judged = Judged.of(found, cost)
    if not len(judged):
        raise UsageError("nothing satisfies the constraints, so there is nothing to verify; see study.rejections")
    return judged


def _learned(state: Verification, news: dict[Architecture, Interval]) -> Verification:
    """Adds measurements, and fits the model on its own and all of them."""
    measured, rows = {**state.measured, **news}, OwnRows.of(state.cost)
    if state.is_elsewhere or not len(rows):
        return replace(state, measured=measured, rounds=state.rounds + 1)
    again = rows.joined({arch: float(one[0] or 0) for arch, one in news.items()}).learned()
    return replace(state, measured=measured, rounds=state.rounds + 1, cost=again)


@dataclass(frozen=True, eq=False)
class _Contest:
    """The candidates of a search, each once, and what is known of the cost model's errors before any is measured.

    Attributes:
        judged: The n candidates, those predicted best first.
        features: Their shared features, shape (n, k).
        spread: Uncertainty (log) of its answers that the cost model's rows leave, as independent shares of it, shape (n, r).
        left_out: Errors of the cost model on nets that it did not see.
        seed: Seed of the draws.
        is_elsewhere: Whether the candidates are measured where the model's errors are not known.
    """

    judged: Judged
    features: Floats
    spread: Floats
    left_out: LeftOut
    seed: int
    is_elsewhere: bool

    @classmethod
    def of(cls, judged: Judged, seed: int, is_elsewhere: bool) -> _Contest:
        order = np.argsort(judged.with_predicted(judged.predicted)[:, 0], kind="stable").tolist()
        firsts = list({judged.architectures[row]: row for row in reversed(order)}.values())[::-1]
        best = judged.rows(firsts[:COMPETITORS])
        features = shared_features(unit(best.candidates.codes, judged.problem.sizes))
        if is_elsewhere:
            return cls(best, features, np.empty((len(features), 0)), LeftOut(np.empty(0), np.empty(0)), seed, True)
        logs = Refits.of(judged.cost, seed=seed).log_values(best.genes)
        spread = (logs - logs.mean(axis=0)).T / math.sqrt(max(len(logs) - 1, 1))
        return cls(best, features, spread, LeftOut.of(judged.cost), seed, False)

    def draws(self, state: Verification, lost: set[Architecture]) -> _Draws:
        """Draws losses of all that could be measured."""
        places = {arch: row for row, arch in enumerate(self.judged.architectures)}
        first, found = [places.pop(arch) for arch in state.measured], list(state.measured.values())
        rows = [*first, *(row for arch, row in places.items() if arch not in lost)]
        few, predicted = self.judged.rows(rows), np.log(self.judged.predicted[rows])
        middles = np.log(np.array([seconds for seconds, _, _ in found], dtype=np.float64))
        noises = np.array([_deviation(one) for one in found], dtype=np.float64)
        residuals = middles - predicted[: len(found)]
        errors = ErrorModel.of(self.left_out, self.features[rows], self.spread[rows], residuals, noises)
        logs = predicted + errors.draw(np.random.default_rng([self.seed, state.rounds]), DRAWS)
        with np.errstate(over="ignore"):
            losses = np.stack([few.with_true(np.exp(row))[:, 0] for row in logs])
        is_told = len(found) == len(rows) and bool(np.isfinite(noises).all())
        return _Draws(few.architectures, len(found), losses, is_told or (errors.is_known and not self.is_elsewhere))


@dataclass(frozen=True, eq=False)
class _Draws:
    """Losses of the competing candidates in many draws.

    Attributes:
        architectures: n candidates, measured ones first.
        count: Number of measured ones.
        losses: Losses, shape (draws, n); infinite where a draw violates a constraint.
        is_known: Whether anything tells how large the errors are that were drawn.
    """

    architectures: list[Architecture]
    count: int
    losses: Floats
    is_known: bool

    def next(self, n: int) -> list[Architecture]:
        """Returns the unmeasured candidates that are most often the best, the surest first."""
        open_losses = self.losses[:, self.count :]
        if not open_losses.shape[1]:
            return []
        wins = np.bincount(open_losses.argmin(axis=1), minlength=open_losses.shape[1])
        order = np.lexsort((np.median(open_losses, axis=0), -wins))
        return [self.architectures[self.count + row] for row in order[:n]]

    def judge(self, state: Verification) -> Verification:
        """Finds the best measured candidate, and how probably it is the best of all."""
        if not self.count:
            return state
        middle = np.median(self.losses[:, : self.count], axis=0)
        best = int(middle.argmin())
        if not np.isfinite(middle[best]):
            return replace(state, best=None, probability=0.0, margin=None)
        losses = np.delete(self.losses, best, axis=1).min(axis=1, initial=np.inf)
        worse = _worse(self.losses[:, best], losses)
        margin = float(np.quantile(worse, state.wanted, method="inverted_cdf"))
        return replace(
            state, best=self.architectures[best], margin=margin if self.is_known and np.isfinite(margin) else None,
            probability=float((worse <= state.tolerance).mean()) if self.is_known else None,
        )  # fmt: skip


def _worse(own: Floats, others: Floats) -> Floats:
    """Returns by how much losses are above others, relative to their size; infinite where they violate a constraint."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.isfinite(own), np.where(own > others, (own - others) / np.abs(own), 0.0), np.inf)


def _deviation(measured: Interval) -> float:
    """Returns the standard deviation of a measurement's logarithm; NaN where it has no interval."""
    _, low, high = measured
    return math.nan if low is None or high is None else math.log(high / low) / 2 / Z95
