"""Verification: winners are measured, the cost model learns from them, until the best measured one is the best of all.

How probable that is, draws say. In each draw every candidate has a latency: as a refit of the cost model predicts it
(:mod:`hwcost.study.refits`), times an error of its own and, where the model does not learn from what is measured, the level
of that (:mod:`hwcost.study.own_errors`). A measured one's is what prediction and measurement say together, each by its
precision. The probability that the best measured candidate is the best of all is the share of the draws in which none is
better by more than the tolerance; None where nothing tells how far the model errs. Among candidates that nearly tie, no
number of measurements tells the best one: so the margin says by how much none is better, with the probability that was asked
for. The candidates that are most often the best are measured next, the surest first (compare top-two sampling: Russo,
Operations Research 2020; Jourdan et al., NeurIPS 2023, for the best one to within a tolerance).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hwcost._arguments import COUNT, NUMBER, SEED, check
from hwcost._types import Floats, Indices
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.training.refitting import OwnRows
from hwcost.cost_models.training.remembered import remembering
from hwcost.errors import UsageError
from hwcost.searchers.problem import Problem
from hwcost.spaces.base import Architecture
from hwcost.study.judged import Judged
from hwcost.study.own_errors import own_errors
from hwcost.study.refits import REFITS, Refits
from hwcost.study.remeasure import Interval
from hwcost.study.results import Results

__all__ = ["PROBABILITY", "TOLERANCE", "Verification", "check_objectives", "verify"]

PROBABILITY = 0.95
"""Probability at which the best measured architecture counts as the best."""

TOLERANCE = 0.01
"""Difference, relative, below which two architectures are worth the same."""

COMPETITORS = 2000
"""Unmeasured candidates that are drawn for: those predicted best."""

DRAWS = 50
"""Draws for each refit."""

ROUNDS = 4
"""Rounds that measurements are divided into unless a batch is given: the model learns between them."""

LEAST_BATCH = 3
"""Fewest architectures of a round: anchors are measured beside them each time."""

Z95 = 1.959964
"""Half-width of a 95 % interval in standard deviations."""

TINY = float(np.finfo(np.float64).tiny)

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
        cost: The cost model, fitted on its own measurements and these.
    """

    best: Architecture | None
    probability: float | None
    margin: float | None
    wanted: float
    tolerance: float
    measured: dict[Architecture, Interval]
    rounds: int
    cost: CostModel

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
        progress: Function that is called after every round.

    Raises:
        UsageError: When the search has several objectives, nothing was completed, or nothing asks the cost model.
    """
    check({"most": most, "batch": batch, "seed": seed}, most=COUNT, batch=COUNT.or_none, seed=SEED)
    check({"probability": probability, "tolerance": tolerance}, probability=NUMBER, tolerance=NUMBER)
    judged = _judged(found, cost)
    width = batch or max(math.ceil(most / ROUNDS), LEAST_BATCH)
    state = Verification(None, 0.0, None, probability, tolerance, {}, 0, cost)
    lost: set[Architecture] = set()
    draws = _Draws.of(judged, state, lost, seed)
    while not state.is_sure and (left := most - len(state.measured) - len(lost)) > 0:
        if not (wanted := draws.next(min(width, left))):
            break
        pairs = list(zip(wanted, measure(wanted), strict=True))
        lost |= {arch for arch, (seconds, _, _) in pairs if seconds is None}
        with remembering():
            state = _learned(state, {arch: one for arch, one in pairs if one[0] is not None})
            draws = _Draws.of(judged, state, lost, seed + state.rounds)
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
    if not len(rows):
        return replace(state, measured=measured, rounds=state.rounds + 1)
    again = rows.joined({arch: float(one[0] or 0) for arch, one in news.items()}).learned()
    return replace(state, measured=measured, rounds=state.rounds + 1, cost=again)


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

    @classmethod
    def of(cls, judged: Judged, state: Verification, lost: set[Architecture], seed: int) -> _Draws:
        rows = _competitors(judged, state, lost)
        is_measured = np.array([judged.architectures[row] in state.measured for row in rows], dtype=bool)
        measured, order = rows[is_measured], np.concatenate([rows[is_measured], rows[~is_measured]])
        few = replace(judged, architectures=[judged.architectures[row] for row in order], losses=judged.losses[order])
        logs, is_known = _drawn(few, state, len(measured), seed)
        with np.errstate(over="ignore"):
            losses = np.stack([few.with_true(np.exp(row))[:, 0] for row in logs])
        return cls(few.architectures, len(measured), losses, is_known)

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


def _competitors(judged: Judged, state: Verification, lost: set[Architecture]) -> Indices:
    """Returns the rows of what is measured, and of the unmeasured candidates that are predicted best."""
    losses = judged.with_predicted(state.cost.predict_encoded(judged.genes))[:, 0]
    order = np.argsort(losses, kind="stable")
    taken, seen, unmeasured = [], set[Architecture](), 0
    for row in order.tolist():
        arch = judged.architectures[row]
        if arch in seen or arch in lost:
            continue
        if arch not in state.measured:
            if unmeasured == COMPETITORS:
                continue
            unmeasured += 1
        seen.add(arch)
        taken.append(row)
    return np.array(taken, dtype=np.intp)


def _drawn(few: Judged, state: Verification, measured: int, seed: int) -> tuple[Floats, bool]:
    """Draws the logarithm of every candidate's latency, shape (draws, n), and says whether all errors are known.

    The measured ones stand first.
    """
    rng = np.random.default_rng(seed)
    logs = Refits.of(state.cost, seed=seed).log_values(few.genes)
    found = [state.measured[arch] for arch in few.architectures[:measured]]
    middles = np.log(np.array([seconds for seconds, _, _ in found], dtype=np.float64))
    halves = {arch: _log_half_width(state.measured[arch]) for arch in few.architectures[:measured]}
    noises = {arch: half / Z95 for arch, half in halves.items() if half is not None}
    errors = own_errors(state.cost, logs, middles - logs.mean(axis=0)[:measured], noises)
    drawn = np.repeat(logs, DRAWS * REFITS // len(logs), axis=0)
    shifts, own, total = errors.draw(rng, len(drawn))
    drawn += shifts[:, None]
    for column, middle in enumerate(middles.tolist()):
        noise = noises.get(few.architectures[column], total)
        trust = own**2 / np.maximum(own**2 + noise**2, TINY)
        drawn[:, column] += trust * (middle - drawn[:, column]) + np.sqrt(trust) * noise * rng.standard_normal(len(drawn))
    open_ones = drawn[:, measured:]
    open_ones += own[:, None] * rng.standard_normal(open_ones.shape)
    is_told = measured == len(few) and len(noises) == measured
    return drawn, errors.is_known or is_told


def _log_half_width(measured: Interval) -> float | None:
    """Returns the half-width of the interval of a measurement's logarithm; None where it has no interval."""
    _, low, high = measured
    return None if low is None or high is None else math.log(high / low) / 2
