"""When calls arrive: one right after the other, a fixed idle time after the last one, or at random as requests do.

A processor that has been idle is slower at first: its clock is low, its caches are cold, its threads sleep. So a call that
comes after a pause takes longer than one of a loop, and the latency of a server is measured with the pauses of a server.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from hwcost.agent import arrival
from hwcost.errors import UsageError
from hwcost.units import format_seconds, parse_duration

Kind = Literal["back-to-back", "gap", "poisson"]

BACK_TO_BACK = "back-to-back"
KNOWN = "back-to-back, gap=TIME (such as gap=200ms) or poisson=RATE (such as poisson=20/s)"
LONGEST_S = 3600.0
"""Longest idle time between two calls, in the mean."""

_RATE = re.compile(r"([0-9]*\.?[0-9]+)/(s|min|m|h)")
_PER_S = {"s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Arrival:
    """When the calls of a visit arrive.

    Attributes:
        kind: ``back-to-back``, ``gap`` or ``poisson``.
        every_s: Idle seconds between a call's end and the next call (``gap``), or the mean time from one arrival to the next
            (``poisson``); 0 for back to back.
    """

    kind: Kind = "back-to-back"
    every_s: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Arrival:
        """Reads ``back-to-back``, ``gap=200ms`` or ``poisson=20/s``.

        Raises:
            UsageError: When the text is none of them, or the calls are more than an hour apart.
        """
        name, _, value = text.strip().partition("=")
        if text.strip() == BACK_TO_BACK:
            return cls()
        every_s = _seconds(name, value.strip())
        if every_s is None:
            raise UsageError(f"'{text}' is not an arrival of calls. Known: {KNOWN}.")
        if every_s > LONGEST_S:
            raise UsageError(f"'{text}': calls are at most one hour apart, got {every_s:g} s")
        return cls("gap" if name == "gap" else "poisson", every_s)

    def __str__(self) -> str:
        """Returns the canonical text, which :meth:`parse` reads."""
        if self.kind == "gap":
            return f"gap={1e3 * self.every_s:.9g}ms"
        return f"poisson={1 / self.every_s:.9g}/s" if self.kind == "poisson" else BACK_TO_BACK

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON, by which the runner of a job folder knows it."""
        return {"kind": self.kind, "every_s": self.every_s}

    @property
    def has_pauses(self) -> bool:
        """Whether calls come with pauses, so that each is timed by itself."""
        return self.kind != "back-to-back"

    @property
    def longest_s(self) -> float:
        """Longest idle time between two calls, in seconds; 0 for back to back."""
        return arrival.longest_s(self.to_dict())

    def described(self) -> str:
        """Returns the arrival in words, for titles; empty for back to back."""
        if self.kind == "gap":
            return f"calls {format_seconds(self.every_s)} apart"
        return f"calls at random, {1 / self.every_s:.4g} per second" if self.kind == "poisson" else ""

    def wall_s(self, call_s: float) -> float:
        """Returns the mean seconds from one call's start to the next one's, for calls that take ``call_s``."""
        return arrival.wall_s(self.to_dict(), call_s)

    def due(self, seed: str) -> Callable[[float], float]:
        """Returns a function that gives the time at which a visit's next call is due.

        Args:
            seed: Seed of random arrivals; equal ones give equal arrivals.

        Returns:
            A function from the end of the last call to the start of the next, both in seconds on one clock. A random arrival
            that falls into a call waits for its end: the queue is kept, and its calls then follow back to back.
        """
        return arrival.due(self.to_dict(), seed)


def _seconds(name: str, value: str) -> float | None:
    """Reads the time behind ``gap=`` or the rate behind ``poisson=``; None where it is neither."""
    if name == "gap" and value and not value[-1].isdigit():  # a bare number has no unit
        try:
            return parse_duration(value)
        except UsageError:
            return None
    match = _RATE.fullmatch(value) if name == "poisson" else None
    return _PER_S[match[2]] / float(match[1]) if match and float(match[1]) > 0 else None
