"""Regression: a number for a text, or for a pair of texts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hwcost.tasks.table import Column
from hwcost.tasks.target import Target

__all__ = ["Number"]


@dataclass(frozen=True)
class Number(Target):
    """A number, learnt as it stands."""

    kind: ClassVar[str] = "regression"

    @property
    def outputs(self) -> int:
        """See the base class."""
        return 1

    @property
    def metrics(self) -> tuple[str, ...]:
        """See the base class."""
        return ("spearman", "pearson")

    def read(self, column: Column) -> NDArray[np.float32]:
        """See the base class."""
        return np.array([self._number(column, row) for row in range(len(column.values))], dtype=np.float32)

    def predicted(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """See the base class."""
        return outputs[:, 0]

    def _number(self, column: Column, row: int) -> float:
        value = column.values[row]
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise column.wrong(row, "a finite number to be predicted")
        return number
