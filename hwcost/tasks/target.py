"""Targets: what a task asks of an example, and how a net's outputs answer it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import NDArray

from hwcost.tasks.metrics import METRICS
from hwcost.tasks.table import Column

if TYPE_CHECKING:
    from hwcost.tasks.examples import Examples

__all__ = ["Target"]


class Target(ABC):
    """What a task asks of an example. Integers are learnt by cross-entropy, other numbers by their squared error.

    Attributes:
        kind: Name of the kind of task.
        is_per_word: Whether every word has a target, or the example has one.
        is_span: Whether the target is a part of the second text: a class for its first token, and one for its last.
    """

    kind: ClassVar[str]
    is_per_word: ClassVar[bool] = False
    is_span: ClassVar[bool] = False

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

    def scores(self, examples: Examples, predicted: NDArray[Any], names: Sequence[str]) -> dict[str, float]:
        """Returns metrics of predictions by name.

        Args:
            examples: Examples with their targets.
            predicted: Predictions, as many as there are targets.
            names: Names of the metrics.
        """
        return {name: METRICS[name](examples.targets, predicted) for name in names}
