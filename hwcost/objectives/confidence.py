"""How sure a predicted value is to lie within bounds, by the cost model's errors on rows left out of the fit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwcost._types import Floats
from hwcost.errors import UsageError
from hwcost.objectives.cost_function import is_predictor, name_of

ADVICE = "Measure more, ask for less, or give probability=0 (--probability 0) to take predictions as they are."


@dataclass(frozen=True, eq=False)
class Confidence:
    """A probability, and the errors that it is judged by.

    With n errors no probability above ``n / (n + 1)`` is ever claimed.

    Attributes:
        probability: Probability with which a further measurement must lie within the bounds.
        errors: Errors of the logarithm on rows left out of the fit, measured over predicted, ascending.
    """

    probability: float
    errors: Floats

    @classmethod
    def of(cls, value: Any, probability: float) -> Confidence | None:
        """Returns the confidence that is asked of a cost function; None where the probability is 0.

        Raises:
            UsageError: When the probability is none, no cost model predicts the value, or it was fitted on too few rows.
        """
        if not 0 <= probability < 1:
            raise UsageError(f"a probability lies between 0 and 1, got {probability!r}; 0 takes predictions as they are")
        if probability == 0:
            return None
        if not is_predictor(value):
            raise UsageError("probability= is for quantities that a cost model predicts; any other value is what it is")
        errors: Floats | None = getattr(getattr(value, "cost", value), "errors_", None)  # of a wrapper, those of its model
        if errors is None:
            few = "it was fitted on too few architectures, or on none"
            raise UsageError(f"the cost model '{name_of(value)}' has no interval: {few}. {ADVICE}")
        n = len(errors)
        if probability > n / (n + 1):
            needed = math.ceil(probability / (1 - probability))
            raise UsageError(
                f"a probability of {probability:g} needs {needed} architectures, the model was fitted on {n}. {ADVICE}"
            )
        return cls(probability, errors)

    def chance(
        self, predicted: Floats, most: float | None, least: float | None, widths: Floats | float = 1.0
    ) -> Floats:
        """Returns the probability that measurements of n predicted values lie within bounds, shape (n,).

        It is the share of the errors that would keep the prediction within them.

        Args:
            predicted: The predicted values, shape (n,).
            most: Upper bound, or None.
            least: Lower bound, or None.
            widths: Factor by which the errors of each are larger than typical ones, shape (n,).
        """
        n, total = len(self.errors), np.zeros(len(predicted))
        with np.errstate(divide="ignore", invalid="ignore"):
            if most is not None:
                total = np.searchsorted(self.errors, np.log(most / predicted) / widths, side="right") / (n + 1)
            if least is not None:
                above = n - np.searchsorted(self.errors, np.log(least / predicted) / widths, side="left")
                total = np.maximum(total + above / (n + 1) - (0.0 if most is None else 1.0), 0.0)
        return np.where(np.isnan(predicted), 0.0, total)

    def ends(self, predicted: Floats, widths: Floats | float = 1.0) -> tuple[Floats, Floats]:
        """Returns lower and upper ends that measurements of n predictions keep with the probability, shape (n,) each."""
        n = len(self.errors)
        rank = int(np.searchsorted(np.arange(1, n + 1) / (n + 1), self.probability))
        return predicted * np.exp(self.errors[-1 - rank] * widths), predicted * np.exp(self.errors[rank] * widths)
