"""How sure a cost model's prediction is to lie within bounds, by its errors on rows left out of the fit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwcost._types import Floats
from hwcost.cost_models.base import CostModel
from hwcost.errors import HwcostError, UsageError

ADVICE = "Measure more, ask for less, or give probability=0 (--probability 0) to take predictions as they are."


@dataclass(frozen=True, eq=False)
class Confidence:
    """A probability, and the errors that it is judged by.

    With n errors no probability above ``n / (n + 1)`` is ever claimed.

    Attributes:
        probability: Probability with which a further measurement must lie within the bounds.
        model: Cost model that predicts the values.
    """

    probability: float
    model: CostModel

    @classmethod
    def of(cls, value: Any, probability: float) -> Confidence | None:
        """Returns the confidence that is asked of a cost model; None where the probability is 0.

        Raises:
            UsageError: When the probability is none, no cost model predicts the value, or the model was fitted on too few
                rows.
        """
        if not 0 <= probability < 1:
            raise UsageError(f"a probability lies between 0 and 1, got {probability!r}; 0 takes predictions as they are")
        if probability == 0:
            return None
        if not isinstance(value, CostModel):
            raise UsageError("probability= is for quantities that a cost model predicts; any other value is what it is")
        _check_rows(value, probability)
        return cls(probability, value)

    def chance(self, predicted: Floats, most: float | None, least: float | None) -> Floats:
        """Returns the probability that measurements of n predicted values lie within bounds, shape (n,).

        The share of the errors that would keep the prediction within them.
        """
        errors = self._errors
        total = np.zeros(len(predicted))
        with np.errstate(divide="ignore", invalid="ignore"):
            if most is not None:
                total = np.searchsorted(errors, np.log(most / predicted), side="right") / (len(errors) + 1)
            if least is not None:
                above = len(errors) - np.searchsorted(errors, np.log(least / predicted), side="left")
                total = np.maximum(total + above / (len(errors) + 1) - (0.0 if most is None else 1.0), 0.0)
        return np.where(np.isnan(predicted), 0.0, total)

    def ends(self, predicted: Floats) -> tuple[Floats, Floats]:
        """Returns lower and upper ends that measurements of n predictions keep with the probability, shape (n,) each."""
        errors = self._errors
        rank = int(np.searchsorted(np.arange(1, len(errors) + 1) / (len(errors) + 1), self.probability))
        return predicted * np.exp(errors[-1 - rank]), predicted * np.exp(errors[rank])

    @property
    def _errors(self) -> Floats:
        if self.model.errors_ is None:
            raise HwcostError(f"the cost model '{self.model.name}' has no interval: it was fitted on too few architectures")
        return self.model.errors_


def _check_rows(cost: CostModel, probability: float) -> None:
    """Raises UsageError when errors on so few rows can never make anyone that sure."""
    errors: Floats | None = getattr(cost, "errors_", None)
    if errors is None:
        few = "it was fitted on too few architectures, or on none"
        raise UsageError(f"the cost model '{cost.name}' has no interval: {few}. {ADVICE}")
    n = len(errors)
    if probability > n / (n + 1):
        needed = math.ceil(probability / (1 - probability))
        raise UsageError(
            f"a probability of {probability:g} needs {needed} architectures, the model was fitted on {n}. {ADVICE}"
        )
