"""When calls arrive: one right after the other, a fixed idle time after the last one, or at random as requests do.

A processor that has been idle is slower at first: its clock is low, its caches are cold, its threads sleep. So a call that
comes after a pause takes longer than one of a loop, and the latency of a server is measured with the pauses of a server.
"""

from __future__ import annotations

import re
from typing import Any

from hwcost.agent import arrival
from hwcost.errors import UsageError
from hwcost.units import format_seconds, parse_duration

BACK_TO_BACK = "back-to-back"
KNOWN = "back-to-back, gap=TIME (such as gap=200ms) or poisson=RATE (such as poisson=20/s)"
LONGEST_S = 3600.0
"""Longest idle time between two calls, in the mean."""

_RATE = re.compile(r"([0-9]*\.?[0-9]+)/(s|min|m|h)")
_PER_S = {"s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}


class Arrival(arrival.Arrival):
    """When the calls of a visit arrive; see the base class."""

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

    def described(self) -> str:
        """Returns the arrival in words, for titles; empty for back to back."""
        if self.kind == "gap":
            return f"calls {format_seconds(self.every_s)} apart"
        return f"calls at random, {1 / self.every_s:.4g} per second" if self.kind == "poisson" else ""


def _seconds(name: str, value: str) -> float | None:
    """Reads the time behind ``gap=`` or the rate behind ``poisson=``; None where it is neither."""
    if name == "gap" and value and not value[-1].isdigit():  # a bare number has no unit
        try:
            return parse_duration(value)
        except UsageError:
            return None
    match = _RATE.fullmatch(value) if name == "poisson" else None
    return _PER_S[match[2]] / float(match[1]) if match and float(match[1]) > 0 else None
