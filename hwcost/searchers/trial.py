"""Trials: evaluated architectures with their values, one by one and as the batch that a searcher learns from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, overload

from hwcost.spaces.base import Architecture
from hwcost.spaces.candidates import Candidates

Status = Literal["completed", "infeasible", "failed"]


@dataclass(frozen=True, slots=True)
class Trial:
    """One evaluated architecture.

    Attributes:
        source: The architecture; or candidates, of one row of which the architecture is made when it is asked for.
        status: ``completed``; ``infeasible`` when a measured constraint is violated; ``failed`` without values:
            the evaluation raised an error, or gave no number.
        values: One value per objective, in its own units; empty when failed.
        violation: Sum of the measured constraints' violations, relative to their bounds; 0 when all are satisfied.
        measured: Values of the measured constraints, by name.
        reason: Reason why the trial is not completed.
        number: Place in the study, counted from 0.
        seconds: Duration of the evaluation; 0 for one that was known already.
        row: Row of the architecture where ``source`` is candidates.
    """

    source: Architecture | Candidates
    status: Status = "completed"
    values: tuple[float, ...] = ()
    violation: float = 0.0
    measured: dict[str, float] = field(default_factory=dict)
    reason: str | None = None
    number: int = -1
    seconds: float = 0.0
    row: int = 0

    @property
    def architecture(self) -> Architecture:
        """The evaluated architecture."""
        return self.source if isinstance(self.source, Architecture) else self.source[self.row]


class Trials(Sequence[Trial]):
    """n trials with the matrix of codes that they evaluated.

    Args:
        candidates: The evaluated candidates.
        trials: Trial of each candidate, in order.
    """

    def __init__(self, candidates: Candidates, trials: Sequence[Trial]) -> None:
        self.candidates = candidates
        self._trials = trials

    def __len__(self) -> int:
        return len(self._trials)

    def __iter__(self) -> Iterator[Trial]:
        return iter(self._trials)

    @overload
    def __getitem__(self, index: int) -> Trial: ...
    @overload
    def __getitem__(self, index: slice) -> Trials: ...
    def __getitem__(self, index: int | slice) -> Trial | Trials:
        return Trials(self.candidates[index], self._trials[index]) if isinstance(index, slice) else self._trials[index]
