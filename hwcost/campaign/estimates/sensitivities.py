"""How strongly workloads feel contention, relative to each other, and how widely that is spread."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hwcost._types import Floats

__all__ = ["Sensitivities"]

EXPECTED = 0.15
"""Spread that is expected, before a campaign shows its own."""

EXPECTED_COUNT = 4.0
"""Number of workloads that the expected spread counts as."""

LEAST = 0.02
"""Spread at the least."""

LIMITS = (0.3, 3.0)
"""Least and largest factor."""

DEGREES = 4.0
"""Degrees of freedom of the t distribution of factors: small components among whole nets are outlying ones."""


@dataclass(frozen=True, slots=True)
class Sensitivities:
    """The delays of items in a contended state over the usual one.

    Attributes:
        factor: Delay of each item over the usual one, shape (items,).
        spread: Standard deviation with which the factor of each item is taken to be drawn about 1, shape (items,).
        usual_spread: The same of items that are not outlying.
    """

    factor: Floats
    spread: Floats
    usual_spread: float

    @classmethod
    def usual(cls, items: int) -> Sensitivities:
        """Returns those of items of which nothing is known."""
        return cls(np.ones(items), np.full(items, EXPECTED), EXPECTED)

    def fitted(self, seen: Floats, known: Floats, unsure: Floats) -> Sensitivities:
        """Fits factors and spread, one step of expectation maximisation from these ones.

        Few contended blocks leave an item usual, and an item without uncontended ones says nothing of the spread.

        Args:
            seen: Sum over the blocks of an item of their delays times the usual ones, by precision, shape (items,).
            known: Sum of the squares of the usual delays, by precision, shape (items,).
            unsure: Variance of the factor by what is not known of the item's uncontended latency, shape (items,).

        Source: Lange, Little and Taylor 1989, Robust statistical modeling using the t distribution, JASA 84, section 3.
        """
        prior = self.spread**-2
        factor = (seen + prior) / (known + prior)
        factor = np.asarray(np.clip(factor / np.median(factor), *LIMITS))
        variance = 1.0 / (1.0 / (unsure + 1.0 / np.maximum(known, 1e-12)) + prior)
        informed, squares = 1.0 - variance * prior, (factor - 1.0) ** 2 + variance
        weight = (DEGREES + 1.0) / (DEGREES + squares / self.usual_spread**2)
        total = float((informed * weight * squares).sum()) + EXPECTED_COUNT * EXPECTED**2
        spread = max(math.sqrt(total / (float(informed.sum()) + EXPECTED_COUNT)), LEAST)
        return Sensitivities(factor, np.asarray(spread / np.sqrt(weight)), spread)
