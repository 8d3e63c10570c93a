"""How much larger a model's errors are at the ends of its rows than among them.

A leaf of a tree answers with the mean of its rows, so that the quickest architectures are predicted too slow and the slowest
too quick, and there are few rows to learn from. A sum of prices is a plane through what is not flat where genes interact,
the slower of two units counts or no call is quicker than its launch: it leaves the rows at both ends, and further beyond.
Errors on rows left out tell by how much: intervals are wider at the ends, and narrower in the middle, by the ratio of the
mean errors (normalised conformal prediction, Papadopoulos et al. 2008). Towards the very end errors grow fast where genes
multiply: the more rows there are, the finer are the bands of the end in which they are counted.
"""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hwcost._types import Floats

FURTHEST = 5.0
"""Multiple of the way from where errors begin to be larger to the end up to which those of a model that follows the trend
beyond its rows are taken to go on growing."""

LEAST_ROWS = 100
"""Architectures below which an end, a tenth of them, has too few to show how large errors are: intervals would hold less
often."""


FEWEST = 10
"""Rows of a band of an end below which it is not halved: fewer would not say how large errors are."""


@dataclass(frozen=True)
class End:
    """One end of a model's rows: how large errors are from where they begin to be larger to the outermost rows.

    Attributes:
        heights: Heights of the trend, from the inside outwards: where errors begin to be larger, then the middle of each
            band of rows.
        factors: Errors at each of them over typical ones, from 1 upwards.
    """

    heights: tuple[float, ...]
    factors: tuple[float, ...]

    @classmethod
    def of(cls, line: Floats, sizes: Floats, typical: float) -> End:
        """Learns from rows.

        The outermost tenth is halved as long as its outer half has enough rows, so that many rows tell how fast errors grow
        towards the last of them.

        Args:
            line: Height of the trend at each row, from the end inwards, shape (n,).
            sizes: Sizes of the errors there, shape (n,).
            typical: Typical size.
        """
        edges = [len(line) // 10]
        while edges[-1] // 2 >= FEWEST:
            edges.append(edges[-1] // 2)
        edges.append(0)
        bands = [slice(outer, inner) for inner, outer in itertools.pairwise(edges)]
        heights, factors = [float(line[2 * edges[0] - 1])], [1.0]
        for band in bands:
            height = float(line[(band.start + band.stop) // 2])
            if height != heights[-1]:
                heights.append(height)
                factors.append(max(factors[-1], float(sizes[band].mean()) / typical))
        return cls(tuple(heights), tuple(factors))

    @property
    def factor(self) -> float:
        """Errors of the outermost rows over typical ones."""
        return self.factors[-1]

    def __call__(self, line: Floats, most: float = 1.0) -> Floats:
        """Returns how many times larger than typical errors are at heights of the trend, shape (n,).

        Args:
            line: The heights, shape (n,).
            most: Largest multiple of the outermost factor's excess that is reached beyond the end, along the straight line
                from where errors begin to be larger.
        """
        inner, outer = self.heights[0], self.heights[-1]
        sign, heights = (1.0 if outer > inner else -1.0), np.array(self.heights)
        known = np.interp(sign * line, sign * heights, self.factors)
        share = np.clip((inner - line) / (inner - outer), 1.0, most)
        return np.asarray(known + (self.factor - 1.0) * (share - 1.0))

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> End:
        """Reads an end as :meth:`Ends.as_dict` has it, or as the first folders do: with one band."""
        if "outer" in state:
            return cls((float(state["inner"]), float(state["outer"])), (1.0, float(state["factor"])))
        heights, factors = (tuple(map(float, state[name])) for name in ("heights", "factors"))
        return cls(heights, factors)


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
        order = np.argsort(line, kind="stable")
        typical = float(sizes.mean())
        if n < LEAST_ROWS or not typical > 0:
            return None
        low, high = (End.of(line[rows], sizes[rows], typical) for rows in (order, order[::-1]))
        if any(len(end.heights) == 1 for end in (low, high)):
            return None
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
        low, high = (End.from_dict(state[end]) for end in ("low", "high"))
        return cls(low, high, bool(state.get("grows", False)))  # the first folders with ends lack it
