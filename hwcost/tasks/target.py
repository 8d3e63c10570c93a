"""Targets: what a task asks of an example, and how a net's outputs answer it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from numpy.typing import NDArray

from hwcost.tasks.table import Column

__all__ = ["Target"]


class Target(ABC):
    """What a task asks of an example. Integers are learnt by cross-entropy, other numbers by their squared error.

    Attributes:
        kind: Name of the kind of task.
        is_per_word: Whether every word has a target, or the example has one.
    """

    kind: ClassVar[str]
    is_per_word: ClassVar[bool] = False

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Number of outputs of a head for it."""

    @property
    @abstractmethod
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics that it can be judged by, the most usual first."""

    @abstractmethod
    def read(self, column: Column) -> NDArray[Any]:
        """Returns a column's targets as numbers: one per row, or one per word.

        Raises:
            DataError: When a value is not a target of this kind; names its line.
        """

    @abstractmethod
    def predicted(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Returns predictions, (n,), that metrics compare with targets.

        Args:
            outputs: Outputs of a head, (n, outputs).
        """
