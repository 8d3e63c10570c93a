"""The progress of a run, and remarks on it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """The place that a run has reached.

    Attributes:
        stage: Name of the current stage.
        number: Number of that stage, from 1.
        stages: Number of stages in all.
        doing: Description of the current work within the stage.
        done: Number of finished units of that work.
        total: Number of units of that work in all; None when it is not known.
        remark: Remark on that work for the user, in whole sentences; None where only the place is reported.
    """

    stage: str
    number: int
    stages: int
    doing: str
    done: int = 0
    total: int | None = None
    remark: str | None = None
