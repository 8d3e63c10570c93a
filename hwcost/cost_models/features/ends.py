"""How much larger a model's errors are at the ends of its rows than among them.

A leaf of a tree answers with the mean of its rows, so that the quickest architectures are predicted too slow and the slowest
too quick, and there are few rows to learn from. A sum of prices is a plane through what is not flat where genes interact,
the slower of two units counts or no call is quicker than its launch: it leaves the rows at both ends, and further beyond.
Errors on rows left out tell by how much: intervals are wider at the ends, and narrower in the middle, by the ratio of the
mean errors (normalised conformal prediction, Papadopoulos et al. 2008).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from hwcost._types import Floats

FURTHEST = 5.0
"""Multiple of the way from where errors begin to be larger to the end up to which those of a model that follows the trend
beyond its rows are taken to go on growing."""

LEAST_ROWS = 100
"""Architectures below which an end, a tenth of them, has too few to show how large errors are: intervals would hold less
often."""


@dataclass(frozen=True)
class End:
    """One end of a model's rows.

    Attributes:
        outer: Height of the trend from which on errors are larger by all of the factor.
        inner: Height at which they begin to be larger.
        factor: Errors there over typical ones, at least 1.
    """

    outer: float
    inner: float
    factor: float

    def __call__(self, line: Floats, most: float = 1.0) -> Floats:
        """Returns how many times larger than typical errors are at heights of the trend, shape (n,).

        Args:
            line: The heights, shape (n,).
            most: Largest multiple of the factor's excess that is reached beyond the end.
        """
        share = np.clip((self.inner - line) / (self.inner - self.outer), 0.0, most)
        return np.asarray(1.0 + (self.factor - 1.0) * share)


@dataclass(frozen=True)
class Ends:
    """Both ends of a model's rows.

    Attributes:
        low: That of the quickest architectures.
        high: That of the slowest ones.
        grows: Whether errors go on growing beyond the ends, as those of a model do that follows the trend there.
    """

    low: End
    high: End
    grows: bool = False

    @classmethod
    def of(cls, line: Floats, errors: Floats, grows: bool = False) -> Ends | None:
        """Learns from rows left out; None where there are too few, or where either end is a single height.

        Args:
            line: Height of the trend at each row, shape (n,).
            errors: Errors of the logarithm on rows left out, shape (n,).
            grows: Whether errors go on growing beyond the ends.
        """
        n, sizes = len(line), np.abs(errors)
        count, order = n // 10, np.argsort(line, kind="stable")
        typical = float(sizes.mean())
        if n < LEAST_ROWS or not typical > 0:
            return None
        ends = [
            End(float(line[rows[count // 2]]), float(line[rows[2 * count - 1]]), float(sizes[rows[:count]].mean()) / typical)
            for rows in (order, order[::-1])
        ]
        if any(end.outer == end.inner for end in ends):
            return None
        low, high = (replace(end, factor=max(end.factor, 1.0)) for end in ends)
        return cls(low, high, grows)

    @property
    def is_even(self) -> bool:
        """Whether errors are no larger at the ends."""
        return self.low.factor == self.high.factor == 1.0

    def __call__(self, line: Floats) -> Floats:
        """Returns how many times larger than typical errors are at heights of the trend, shape (n,)."""
        most = FURTHEST if self.grows else 1.0
        return np.maximum(self.low(line, most), self.high(line, most))

    def as_dict(self) -> dict[str, Any]:
        """Returns plain JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Ends:
        """Reads what :meth:`as_dict` returned."""
        low, high = (End(**{name: float(value) for name, value in state[end].items()}) for end in ("low", "high"))
        return cls(low, high, bool(state.get("grows", False)))  # the first folders with ends lack it
