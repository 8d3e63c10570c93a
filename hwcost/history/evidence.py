"""What rounds say of a difference of two codes: one log ratio a round, each code measured in a process of its own.

Both processes of a round share the machine's state of that moment, and take turns at random. So the differences of rounds
are independent draws about the truth, however the machine moves. What the two processes have in common, workloads without an
alarm tell: both measure them in turn with the others, and what they differ by is taken from the difference of the round.

No process measures workloads of both codes. Where one process of a round follows the other, the blocks of a campaign leave
open how much of what the two codes differ by is the machine's, and whatever is taken for it is the same in all rounds.
Workloads without an alarm have it too, and it cancels. Without them, every process is summed up by itself, as if there were
no other: only then are rounds independent. Where the two processes measure in turn, they see the same machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from hwcost._types import Floats
from hwcost.campaign.estimates.uncontended import visit_values
from hwcost.history.always_valid import ALPHA, half_width
from hwcost.timing.measurement import Visit

__all__ = ["Evidence", "Seen", "Value", "are_in_turn", "differences", "seen", "seen_apart", "seen_by"]

Seen = Mapping[tuple[str, int], tuple[float, float]]
"""Log value and weight of each visit by the key of its workload and its round; a weight of 0 for one that did not see the
machine uncontended."""

Value = Callable[[Visit], float | None]
"""Value of a visit of a quantity that does not follow from the latency; None where it is not known."""

DIGITS = 7
"""Decimals of the differences that are kept."""


@dataclass(frozen=True)
class Evidence:
    """Differences, round by round.

    Attributes:
        differences: Log of the second latency over the first in every round, shape (n,).
        weights: Share of a full round that each counts as, shape (n,).
    """

    differences: Floats
    weights: Floats

    @classmethod
    def of(cls, rows: Iterable[Sequence[float]] = ()) -> Evidence:
        """Makes evidence of rows ``[difference, weight]``, such as :meth:`to_list` returns; none without rows."""
        table = np.array([*rows], dtype=np.float64).reshape(-1, 2)
        return cls(table[:, 0], table[:, 1])

    def __len__(self) -> int:
        return len(self.differences)

    def joined(self, other: Evidence) -> Evidence:
        """Returns the rounds of both."""
        pairs = ((self.differences, other.differences), (self.weights, other.weights))
        return Evidence(*(np.concatenate(pair) for pair in pairs))

    def interval(self, alpha: float = ALPHA) -> tuple[float, float]:
        """Returns the mean, and the half-width of its interval that holds at every look; NaN where nothing tells them.

        Args:
            alpha: Chance that the interval ever leaves out the truth.
        """
        amount = float(self.weights.sum())
        if amount <= 0.0:
            return math.nan, math.nan
        mean = float((self.weights * self.differences).sum()) / amount
        dof = len(self) - 1
        sd = math.sqrt(float((self.weights * (self.differences - mean) ** 2).sum()) / max(dof, 1))
        half = half_width(sd, amount, dof, alpha)
        return mean, half if half < math.inf else math.nan

    def to_list(self) -> list[Any]:
        """Returns plain JSON, which :meth:`of` reads."""
        rows = zip(self.differences.tolist(), self.weights.tolist(), strict=True)
        return [[round(difference, DIGITS), round(weight, DIGITS)] for difference, weight in rows]


def seen(visits: Iterable[Visit], keys: Collection[str]) -> Seen:
    """Returns what each visit says of its workload, the machine's level taken out.

    Args:
        visits: Visits of one campaign, in any order.
        keys: Keys of the workloads that count.
    """
    usable = [one for one in visits if one.is_usable and one.workload_key in keys]
    if not usable:
        return {}
    usable.sort(key=lambda one: (one.round, one.position))
    values = visit_values(usable)
    weights = np.where(values.uncontended, values.weight, 0.0)
    rows = zip(usable, values.y.tolist(), weights.tolist(), strict=True)
    return {(one.workload_key, one.round): (y, weight) for one, y, weight in rows}


def seen_by(visits: Iterable[Visit], keys: Collection[str], value: Value) -> Seen:
    """Returns what each visit says of its workload's energy, memory or the like, as it stands.

    Args:
        visits: Visits of one campaign, in any order.
        keys: Keys of the workloads that count.
        value: Value of a visit.
    """
    usable = [one for one in visits if one.is_usable and one.workload_key in keys]
    known = [(one, found) for one in usable if (found := value(one)) is not None and found > 0.0]
    return {(one.workload_key, one.round): (math.log(found), 1.0) for one, found in known}


def are_in_turn(visits: Iterable[Visit], processes: Sequence[Collection[str]]) -> bool:
    """Says whether the processes of a round measured in turn, and not one after another.

    Args:
        visits: Visits of one campaign.
        processes: Keys of the workloads that each process of a round measures.
    """
    spans = []
    for group in _by_process(visits, processes).values():
        spans.append((group[0].round, min(one.started_s for one in group), max(one.ended_s for one in group)))
    both = [(before, after) for before, after in pairwise(sorted(spans)) if before[0] == after[0]]
    return bool(both) and all(after[1] < before[2] for before, after in both)


def seen_apart(visits: Iterable[Visit], processes: Sequence[Collection[str]]) -> Seen:
    """Returns what each visit says of its workload as its own process alone shows it, the process's level included.

    Args:
        visits: Visits of one campaign, in any order.
        processes: Keys of the workloads that each process of a round measures.
    """
    found: dict[tuple[str, int], tuple[float, float]] = {}
    for group in _by_process(visits, processes).values():
        group.sort(key=lambda one: one.position)
        values = visit_values(group)
        y = values.y if values.level is None else values.y + values.level
        rows = zip(y.tolist(), np.where(values.uncontended, values.weight, 0.0).tolist(), strict=True)
        found |= {(one.workload_key, one.round): row for one, row in zip(group, rows, strict=True)}
    return found


def _by_process(
    visits: Iterable[Visit], processes: Sequence[Collection[str]]
) -> dict[tuple[int, int], list[Visit]]:
    """Returns the usable visits of each process, by its round and its number among the processes."""
    of = {key: number for number, keys in enumerate(processes) for key in keys}
    found: dict[tuple[int, int], list[Visit]] = {}
    for one in visits:
        if one.is_usable and one.workload_key in of:
            found.setdefault((one.round, of[one.workload_key]), []).append(one)
    return found


Arms = Sequence[tuple[str, Sequence[str]]]
"""Keys of workloads, each with those of the workloads beside it."""


def differences(found: Seen, arms: Arms, steady: Arms = ()) -> Evidence:
    """Compares workloads with others, round by round.

    A round counts as little as its vaguest visit makes it. Rounds without the uncontended machine count only where most
    rounds are so; then all of them do, and in full.

    Args:
        found: Findings of the visits.
        arms: Keys of workloads, each with those of the workloads beside it. Several workloads of a round are one value,
            since they share its processes.
        steady: The same of workloads without a difference, which the processes of a round measure too; none for a round
            that is taken as it is.

    Returns:
        One difference for every round in which any of the workloads was measured beside all of its others.
    """
    rounds = sorted({number for _, number in found})
    rows = [row for number in rounds if (row := _row(found, arms, steady, number)) is not None]
    if not rows and steady:
        return differences(found, arms)
    confirmed = [row for row in rows if row[1] > 0.0]
    if 2 * len(confirmed) >= len(rows):
        return Evidence.of(confirmed)
    return Evidence.of((difference, 1.0) for difference, _ in rows)


def _row(found: Seen, arms: Arms, steady: Arms, number: int) -> tuple[float, float] | None:
    """Returns the mean difference of a round and its weight; None where nothing of it can be compared."""
    own, beside = _pairs(found, arms, number), _pairs(found, steady, number)
    if not own or (steady and not beside):
        return None
    mean, weight = _mean(own), float(np.mean([weight for _, weight in own]))
    if not beside:
        return mean, weight
    amount = sum(weight for _, weight in beside)
    usual = 1.0 + 1.0 / len(beside)
    return mean - _mean(beside), usual / (1.0 / weight + 1.0 / amount) if min(weight, amount) > 0 else 0.0


def _pairs(found: Seen, arms: Arms, number: int) -> list[tuple[float, float]]:
    """Returns the differences of a round and their weights, workload by workload."""
    pairs = []
    for key, beside in arms:
        visits = [found.get((one, number)) for one in (key, *beside)]
        known = [one for one in visits if one is not None]
        if len(known) == len(visits):
            pairs.append((known[0][0] - float(np.mean([y for y, _ in known[1:]])), _together([w for _, w in known])))
    return pairs


def _mean(pairs: Sequence[tuple[float, float]]) -> float:
    """Returns the weighted mean of differences; the plain one where all weights are 0."""
    total = sum(weight for _, weight in pairs)
    if total <= 0:
        return float(np.mean([one for one, _ in pairs]))
    return sum(weight * one for one, weight in pairs) / total


def _together(weights: Sequence[float]) -> float:
    """Returns the weight of a first visit less the mean of the others, 1 where all have the weight 1; 0 where one has 0."""
    if min(weights) <= 0.0:
        return 0.0
    n = len(weights) - 1
    variance = 1.0 / weights[0] + sum(1.0 / one for one in weights[1:]) / n**2
    return (1.0 + 1.0 / n) / variance
