"""What a cost model answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.cost_models import rowwise
from hwcost.errors import UsageError
from hwcost.quantities import LATENCY

WIDEST = 30.0
"""Half-width of the logarithm up to which an interval grows, a factor of 10^13: far beyond its rows a model knows nothing,
and wider intervals would soon end at 0 and at infinity."""


@dataclass(frozen=True)
class Prediction:
    """Predicted values of one quantity for n architectures.

    Attributes:
        values: Predicted values in the unit of the quantity, shape (n,).
        low: Lower end of the 90 % interval of one more measurement, shape (n,); NaN for an architecture without an interval.
        high: Upper end of that interval, shape (n,); NaN like ``low``.
        in_domain: Whether each architecture lies within what the model was fitted on, shape (n,).
        quantity: Name of the quantity, for example ``latency_s`` or ``perplexity``.
    """

    values: Floats
    low: Floats
    high: Floats
    in_domain: NDArray[np.bool_]
    quantity: str = LATENCY

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def within(cls, values: Floats, log_half_widths: Floats, in_domain: NDArray[np.bool_], quantity: str) -> Prediction:
        """Makes a prediction of values (n,) and half-widths of the intervals of their logarithms (n,), NaN for none."""
        ratio = rowwise.exp(np.minimum(log_half_widths, WIDEST))
        return cls(values, values / ratio, values * ratio, in_domain, quantity)

    @property
    def latency_s(self) -> Floats:
        """The values in seconds, where the quantity is latency.

        Raises:
            UsageError: When it is another quantity; names it.
        """
        return self._of_latency(self.values)

    @property
    def low_s(self) -> Floats:
        """Lower ends in seconds, where the quantity is latency; raises like ``latency_s``."""
        return self._of_latency(self.low)

    @property
    def high_s(self) -> Floats:
        """Upper ends in seconds, where the quantity is latency; raises like ``latency_s``."""
        return self._of_latency(self.high)

    def _of_latency(self, seconds: Floats) -> Floats:
        if self.quantity != LATENCY:
            raise UsageError(f"these predictions are of '{self.quantity}', not of latency: read .values, .low and .high")
        return seconds
