"""When a search ends."""

from __future__ import annotations

from dataclasses import dataclass, fields

from hwcost._arguments import NUMBER, WHOLE, check
from hwcost.errors import UsageError

IDLE_BATCHES = 50
"""Batches in a row without anything new after which a search that only repeats itself ends."""


@dataclass(frozen=True)
class Stopping:
    """A search ends when the first of these is reached; None never ends it.

    Attributes:
        evaluations: Number of different architectures that were evaluated.
        iterations: Number of architectures that were asked for, repeats included.
        seconds: Time since the search was begun or resumed.
        patience: Number of evaluations in a row that changed neither the best trial nor the front.
        dominate: Number of completed trials that dominate the reference.

    Raises:
        UsageError: When a number is not positive.
    """

    evaluations: int | None = None
    iterations: int | None = None
    seconds: float | None = None
    patience: int | None = None
    dominate: int | None = None

    def __post_init__(self) -> None:
        check(vars(self), seconds=NUMBER.or_none)
        check(vars(self), **dict.fromkeys(("evaluations", "iterations", "patience", "dominate"), WHOLE.or_none))
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not value > 0:
                raise UsageError(f"a search ends after a positive number of {_COUNTED[field.name]}, got {value}")

    def reached(self, counts: dict[str, float]) -> str | None:
        """Returns in words which end is reached; None while none is.

        Args:
            counts: Current value of each attribute above, by its name.
        """
        for field in fields(self):
            most = getattr(self, field.name)
            if most is not None and counts[field.name] >= most:
                return _WORDS[field.name].format(most)
        return None


_COUNTED = {
    "evaluations": "evaluations",
    "iterations": "iterations",
    "seconds": "seconds",
    "patience": "evaluations without improvement (patience)",
    "dominate": "architectures that dominate the reference (dominate)",
}
_WORDS = {
    "evaluations": "{} evaluations",
    "iterations": "{} iterations",
    "seconds": "{:g} seconds",
    "patience": "{} evaluations without improvement",
    "dominate": "{} architectures dominate the reference",
}
