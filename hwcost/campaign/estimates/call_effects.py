"""What a single call does to all of its parts: they are slower or quicker together, by no more than noise.

Without it a call that is slower by one per cent in ten parts would look ten times like a neighbour, who never is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from hwcost._types import Floats
from hwcost.campaign.estimates.block_table import BlockTable

__all__ = ["CallEffects"]

USUAL = 0.005
"""Usual standard deviation of what a call does to all of its parts, before a campaign shows its own."""

USUAL_COUNT = 4.0
"""Number of calls that the usual deviation counts as."""

MOST = 0.015
"""Largest standard deviation: what deviates more is a neighbour."""


@dataclass(frozen=True, slots=True)
class CallEffects:
    """The deviations of calls.

    Attributes:
        value: Log deviation of each call, shape (calls,).
        trust: Share of each deviation that is believed, by how much of the call was seen uncontended, shape (calls,).
        sd: Standard deviation of deviations.
    """

    value: Floats
    trust: Floats
    sd: float = USUAL

    @classmethod
    def none(cls, table: BlockTable) -> CallEffects:
        """Returns those of calls of which nothing is known."""
        calls = 0 if table.call is None else int(table.call.max()) + 1
        return cls(np.zeros(calls), np.zeros(calls))

    def without(self, table: BlockTable) -> BlockTable:
        """Returns the rows less what their calls did to them; rows that are whole blocks as they are."""
        return table if table.call is None else replace(table, y=table.y - self.value[table.call])

    def fitted(self, table: BlockTable, residual: Floats, uncontended: Floats, precision: Floats) -> CallEffects:
        """Fits deviations and their standard deviation, one step of expectation maximisation from these ones.

        Args:
            table: The rows.
            residual: Log latency less all but the call's deviation, shape (n,).
            uncontended: Probability that each row is uncontended, shape (n,).
            precision: One over the variance of every row's noise, shape (n,); 0 for a contended one.
        """
        if table.call is None:
            return self
        calls = len(self.value)
        seen = np.bincount(table.call, precision, calls)
        trust = seen / (seen + self.sd**-2)
        value = trust * np.bincount(table.call, precision * residual, calls) / np.maximum(seen, 1e-9)
        share = np.bincount(table.call, uncontended, calls) / np.bincount(table.call, minlength=calls)
        squares = float((share * (value**2 + (1.0 - trust) * self.sd**2)).sum()) + USUAL_COUNT * USUAL**2
        sd = math.sqrt(squares / (float(share.sum()) + USUAL_COUNT))
        return CallEffects(value, trust, min(max(sd, 5e-4), MOST))

    @property
    def log_density(self) -> float:
        """Log density of the deviations, less what is gained by choosing each of them (Laplace's approximation)."""
        return float(-0.5 * ((self.value / self.sd) ** 2).sum() + 0.5 * np.log1p(-self.trust).sum())
