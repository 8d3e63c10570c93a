"""The trend of a model's rows, and how far along it they reach.

A model that does not extrapolate, such as boosted trees, answers about the same for everything beyond its rows. An
architecture whose genes all lie within their ranges can be beyond them: one of small values only is quicker than any of some
hundred rows drawn at random. A line through the rows tells, whatever the genes mean, what they add up to, in values or in
their logarithms, whichever describes the rows better. Of points over shapes the architectures count alone: sizes have ranges
of their own.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from hwcost._stats import median
from hwcost._types import Floats, Indices
from hwcost.cost_models import rowwise
from hwcost.cost_models.features.extractor import Features
from hwcost.cost_models.features.quick_line import NONE, QuickLine
from hwcost.spaces.shaped import SHAPE_GENES, Shaped

PENALTY = 1.0
"""Ridge penalty of the slopes of columns of unit spread: about as much as one row."""

FLOOR = 0.05
"""No line falls below this share of the median row."""


@dataclass(frozen=True)
class Trend:
    """A line through rows, at the middle of their shapes.

    Attributes:
        is_log: Whether the line is in the logarithm of the values, and not in the values.
        intercept: Height of the line with all columns 0, in multiples of the median value or in the logarithm of these.
        slopes: Rise of the line per unit of each column of the architecture, as ``one_hot`` has them, shape (columns,).
        low: Height of the line at its lowest row.
        high: Height of the line at its highest row.
    """

    is_log: bool
    intercept: float
    slopes: Floats
    low: float = np.inf
    high: float = -np.inf

    @classmethod
    def of(cls, features: Features, genes: Floats, values: Floats, weights: Floats) -> Trend:
        """Draws the line through rows.

        Args:
            features: Extractor of their space.
            genes: Encoded architectures, shape (n, genes).
            values: Measured values, shape (n,).
            weights: Weights of the rows, shape (n,).
        """
        columns, multiples = features.one_hot(genes), np.asarray(values / median(values))
        own = columns.shape[1] - (len(SHAPE_GENES) if isinstance(features.space, Shaped) else 0)
        columns[:, own:] = np.log(columns[:, own:])
        linear = _line(columns, multiples, weights / multiples**2)
        log = _line(columns, np.log(multiples), weights)
        fitted = rowwise.log(np.maximum(linear[0] + columns @ linear[1], FLOOR)), log[0] + columns @ log[1]
        errors = [float(weights @ (one - np.log(multiples)) ** 2) for one in fitted]
        intercept, slopes = log if errors[1] < errors[0] else linear
        middle = float(np.average(columns[:, own:] @ slopes[own:], weights=weights))
        return cls(errors[1] < errors[0], intercept + middle, slopes[:own]).reaching(features, genes)

    def reaching(self, features: Features, genes: Floats) -> Trend:
        """Returns the trend with further rows (n, genes), which reach as far along it as they do."""
        line = self.heights(features, genes)
        return replace(self, low=min(self.low, float(line.min())), high=max(self.high, float(line.max())))

    def beyond(self, features: Features, genes: Floats) -> Floats:
        """Returns how far encoded architectures (n, genes) lie beyond all rows, as a logarithm, 0 among them; shape (n,)."""
        found = np.zeros(len(genes))
        rows, far = self.rows_beyond(features, genes)
        found[rows] = far
        return found

    def rows_beyond(self, features: Features, genes: Floats) -> tuple[Indices, Floats]:
        """Returns which encoded architectures (n, genes) lie beyond all rows, and how far, see :meth:`beyond`; shapes (k,).

        Most of what a search asks for lies among the rows, which the line in any order of summation tells but at the ends.
        """
        quick = self._quick(features)
        rows = np.arange(len(genes)) if quick is None else quick.doubtful(genes)
        if not len(rows):
            return rows, np.empty(0)
        line = self.heights(features, genes[rows])
        is_beyond = (line < self.low) | (line > self.high)
        if not is_beyond.any():
            return NONE, np.empty(0)
        rows = rows[is_beyond]
        low, high, reach = map(self._as_log, (np.array([self.low]), np.array([self.high]), line[is_beyond]))
        return rows, np.maximum(low - reach, reach - high)

    def _quick(self, features: Features) -> QuickLine | None:
        """Returns the quick line, made once for an extractor."""
        kept: tuple[Features, QuickLine | None] | None = self.__dict__.get("_kept")
        if kept is None or kept[0] is not features:
            kept = features, QuickLine.of(features.space, self.intercept, self.slopes, self.low, self.high)
            self.__dict__["_kept"] = kept
        return kept[1]

    def heights(self, features: Features, genes: Floats) -> Floats:
        """Returns the line at encoded architectures (n, genes), shape (n,)."""
        return self.intercept + rowwise.dot(features.one_hot(genes)[:, : len(self.slopes)], self.slopes)

    def _as_log(self, line: Floats) -> Floats:
        return line if self.is_log else rowwise.log(np.maximum(line, FLOOR))

    def as_dict(self) -> dict[str, Any]:
        """Returns plain JSON."""
        return {**asdict(self), "slopes": self.slopes.tolist()}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Trend:
        """Reads what :meth:`as_dict` returned."""
        numbers = {name: float(state[name]) for name in ("intercept", "low", "high")}
        return cls(is_log=bool(state["is_log"]), slopes=np.array(state["slopes"], dtype=np.float64), **numbers)


def _line(columns: Floats, target: Floats, weights: Floats) -> tuple[float, Floats]:
    """Returns intercept and slopes (k,) of a line through a target (n,) of columns (n, k), with weights (n,)."""
    spreads = columns.std(axis=0)
    spreads[spreads == 0] = 1.0
    middle, shares = np.average(columns, axis=0, weights=weights), weights / weights.mean()
    units = (columns - middle) / spreads
    mean = float(np.average(target, weights=weights))
    gram = (units.T * shares) @ units + PENALTY * np.eye(len(spreads))
    slopes = np.linalg.solve(gram, (units.T * shares) @ (target - mean)) / spreads
    return mean - float(middle @ slopes), slopes
