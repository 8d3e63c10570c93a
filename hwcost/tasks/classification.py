"""Classification: one of several classes for a text, or for a pair of texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hwcost.errors import DataError
from hwcost.tasks.table import Column
from hwcost.tasks.target import Target

__all__ = ["Classes"]

SHOWN = 8
"""Number of classes that a message lists."""


@dataclass(frozen=True)
class Classes(Target):
    """One of several classes.

    Attributes:
        names: Names of the classes, in the order of their numbers.
        is_numbered: Whether a label may also be the number of its class, from 0.
    """

    kind: ClassVar[str] = "classification"
    names: tuple[str, ...]
    is_numbered: bool = False

    @classmethod
    def of(cls, column: Column) -> Classes:
        """Finds the classes of a training column: those that the file names, or else its distinct labels, sorted.

        Raises:
            DataError: When the labels are not classes: fewer than two, almost all different, or numbers with fractions.
        """
        named = column.table.classes.get(column.name)
        if named:
            return cls(named, is_numbered=True)
        for row, value in enumerate(column.values):
            if not isinstance(value, (str, int)):
                raise column.wrong(row, "the name or the number of a class; for numbers as targets give kind=regression")
        labels = sorted(set(map(str, column.values)), key=lambda label: (not label.isdigit(), label.zfill(9)))
        if not 2 <= len(labels) <= max(2, len(column.values) // 2):
            raise DataError(
                f"{column.table.path}: column '{column.name}' has {len(labels)} different labels in {len(column.values)} "
                f"rows. Expected two classes or more, each of several rows. Known columns: {', '.join(column.table.names)}."
            )
        return cls(tuple(labels))

    def has(self, targets: NDArray[Any]) -> bool:
        """Says whether all targets are numbers of classes."""
        return bool(np.all((targets >= 0) & (targets < len(self.names))))

    @property
    def outputs(self) -> int:
        """See the base class."""
        return len(self.names)

    @property
    def metrics(self) -> tuple[str, ...]:
        """See the base class."""
        return ("accuracy", *(("f1",) if len(self.names) == 2 else ()), "macro_f1", "matthews")

    def read(self, column: Column) -> NDArray[np.int64]:
        """See the base class."""
        numbers = {name: number for number, name in enumerate(self.names)}
        if self.is_numbered:
            numbers = {str(number): number for number in range(len(self.names))} | numbers
        found = np.array([numbers.get(str(value), -1) for value in column.values], dtype=np.int64)
        if len(found) and found.min() < 0:
            raise column.wrong(int(found.argmin()), self._expected())
        return found

    def predicted(self, outputs: NDArray[Any]) -> NDArray[np.int64]:
        """See the base class."""
        numbers: NDArray[np.int64] = outputs.argmax(-1)
        return numbers

    def _expected(self) -> str:
        shown = ", ".join(self.names[:SHOWN]) + (", ..." if len(self.names) > SHOWN else "")
        numbers = f", or their numbers from 0 to {len(self.names) - 1}" if self.is_numbered else ""
        return f"one of {len(self.names)} classes: {shown}{numbers}"
