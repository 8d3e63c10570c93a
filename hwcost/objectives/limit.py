"""A limit on predicted latency says which architectures may be taken, and why not the others."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hwcost.cost_models.base import CostModel
from hwcost.errors import UsageError
from hwcost.objectives.population import Population
from hwcost.spaces.base import Architecture
from hwcost.units import format_seconds

Architectures = Sequence[Architecture] | Population | NDArray[np.float64]


class Limit:
    """An upper bound on latency that must hold with a probability: ``P(latency <= max_s) >= probability``.

    The probability comes from the errors that the model made on rows it was not fitted on. Architectures outside the model's
    domain are refused, whatever it predicts for them. An exact hit is no exception: a new measurement has noise too.

    Args:
        cost: A fitted cost model.
        max_s: The bound, in seconds; with ``of``, a share of the baseline's predicted latency.
        probability: How sure it must be; None takes the prediction as it is.
        of: A baseline that the bound is relative to.

    Attributes:
        max_s: The bound, in seconds.
        wanted: The probability that was asked for.
        measured: False: a limit is checked before an architecture is asked for.

    Raises:
        UsageError: When bound or probability make no sense, or the model was fitted on too few rows to be that sure.
    """

    measured = False

    def __init__(
        self, cost: CostModel, max_s: float, probability: float | None = 0.95, of: Architecture | None = None
    ) -> None:
        if not (math.isfinite(max_s) and max_s > 0):
            raise UsageError(f"a limit needs a positive number of seconds, got max_s={max_s!r}")
        if probability is not None and not 0 < probability < 1:
            raise UsageError(f"a probability lies between 0 and 1, got {probability!r}; None takes predictions as they are")
        if probability is not None:
            _check_rows(cost, probability)
        self.cost = cost
        self.max_s = float(max_s) * (1.0 if of is None else float(cost.predict([of]).latency_s[0]))
        self.wanted = probability
        self.name = "latency_s"

    def holds(self, archs: Architectures) -> NDArray[np.bool_]:
        """Says for each of n architectures, or rows of encoded genes, whether it may be taken; shape (n,)."""
        archs = _rows(archs)
        predicted = self.cost.predict(archs)
        if self.wanted is None:
            return np.asarray(predicted.in_domain & (predicted.latency_s <= self.max_s))
        return np.asarray(predicted.in_domain & (self.probability(archs) >= self.wanted))

    def probability(self, archs: Architectures) -> NDArray[np.float64]:
        """Returns ``P(latency <= max_s)`` for each architecture as if it lay in the domain, shape (n,).

        Raises:
            HwcostError: When the model has no interval.
        """
        return self.cost.probability(_rows(archs), self.max_s)

    def refusals(self, archs: Architectures) -> list[str | None]:
        """Returns for each architecture why it is refused; None where it is not."""
        archs = _rows(archs)
        predicted = self.cost.predict(archs)
        chances = [None] * len(predicted) if self.wanted is None else self.probability(archs).tolist()
        rows = zip(predicted.in_domain.tolist(), predicted.latency_s.tolist(), chances, strict=True)
        return [None if holds else self._reason(*row) for holds, row in zip(self.holds(archs).tolist(), rows, strict=True)]

    def _reason(self, is_inside: bool, latency_s: float, chance: float | None) -> str:
        bound, predicted = format_seconds(self.max_s), format_seconds(latency_s)
        if not is_inside:
            return f"outside what the cost model was fitted on (it would say {predicted}, the limit is {bound})"
        if chance is None or self.wanted is None:
            return f"{predicted} is above the limit of {bound}"
        return f"predicted {predicted}; within the limit of {bound} with probability {chance:.2f}, wanted {self.wanted:g}"

    def __repr__(self) -> str:
        return f"Limit({self.cost.name}, max_s={self.max_s!r}, probability={self.wanted})"


def _rows(archs: Architectures) -> Sequence[Architecture] | NDArray[np.float64]:
    return archs.genes if isinstance(archs, Population) else archs


def _check_rows(cost: CostModel, probability: float) -> None:
    """Raises UsageError when errors on so few rows can never make anyone that sure."""
    advice = "Measure more, ask for less, or give probability=None (--probability 0) to take predictions as they are."
    if cost.errors_ is None:
        few = "it was fitted on too few architectures, or on none"
        raise UsageError(f"the cost model '{cost.name}' has no interval: {few}. {advice}")
    n = len(cost.errors_)
    if probability > n / (n + 1):
        needed = math.ceil(probability / (1 - probability))
        raise UsageError(
            f"a probability of {probability:g} needs {needed} architectures, the model was fitted on {n}. {advice}"
        )
