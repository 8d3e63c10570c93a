"""What every fit has that a system searches by: the quantity, the rows, and how well it predicts those left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

__all__ = ["Fit"]


@dataclass(frozen=True)
class Fit:
    """The fit of a cost model that a system searches by.

    Attributes:
        quantity: Quantity that is predicted, in words.
        remedy: Advice to whoever finds that the model predicts badly.
        rows: Number of rows that the model was fitted on.
        metrics: Accuracy of the predictions for held-out rows, by the name of the metric.
    """

    quantity: ClassVar[str] = "cost"
    remedy: ClassVar[str] = "Measure more rounds on a machine that is left alone, or nets that differ more."
    rows: int
    metrics: dict[str, float | None]
