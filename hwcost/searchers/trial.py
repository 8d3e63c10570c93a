"""What became of an architecture that was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from hwcost.spaces.base import Architecture

Status = Literal["completed", "infeasible", "failed"]


@dataclass(frozen=True, slots=True)
class Trial:
    """One evaluated architecture.

    Attributes:
        architecture: What was evaluated.
        status: ``completed``; ``infeasible`` when a limit that is told back does not hold; ``failed`` when there are no
            values: the evaluation raised, or gave no number.
        values: One per objective, in its own units; empty when failed.
        violation: How far limits that are told back are exceeded, relative to their bounds, summed; 0 when they hold.
        measured: Values of the limits that are told back, by name.
        reason: Why it is not completed.
        number: Place in the study, counted from 0.
        seconds: What the evaluation took; 0 for one that was known already.
    """

    architecture: Architecture
    status: Status = "completed"
    values: tuple[float, ...] = ()
    violation: float = 0.0
    measured: dict[str, float] = field(default_factory=dict)
    reason: str | None = None
    number: int = -1
    seconds: float = 0.0
