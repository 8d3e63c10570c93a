"""A table of labelled rows, whatever kind of file it was read from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hwcost.errors import DataError

__all__ = ["Column", "Table"]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: Name of the column.
        values: One value per row.
        table: The table, for messages.
    """

    name: str
    values: Sequence[Any]
    table: Table

    def wrong(self, row: int, expected: str) -> DataError:
        """Returns the error that a row's value is not what was expected."""
        shown = repr(self.values[row])
        return DataError(
            f"{self.table.where(row)}: column '{self.name}' holds {shown if len(shown) <= 60 else shown[:57] + '...'}. "
            f"Expected {expected}."
        )

    def texts(self) -> tuple[str, ...]:
        """Returns the values as texts.

        Raises:
            DataError: When one is not a text.
        """
        for row, value in enumerate(self.values):
            if not isinstance(value, str):
                raise self.wrong(row, "a text")
        return tuple(self.values)


@dataclass(frozen=True)
class Table:
    """Rows with named columns.

    Attributes:
        path: The file, for messages.
        names: Names of the columns.
        read: Function that returns the values of a column by its name.
        lines: Number of each row's line or, where the file has no lines, of the row.
        unit: Noun for those numbers: ``line`` or ``row``.
        classes: Names of the classes of columns whose labels are numbers, where the file has such names.
    """

    path: str
    names: tuple[str, ...]
    read: Callable[[str], Sequence[Any]]
    lines: Sequence[int]
    unit: str = "line"
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lines)

    def where(self, row: int) -> str:
        """Returns the place of a row, for messages."""
        return f"{self.path}, {self.unit} {self.lines[row]}"

    def column(self, name: str) -> Column:
        """Returns a column.

        Raises:
            DataError: When there is none of that name; lists the known ones.
        """
        if name not in self.names:
            known = ", ".join(self.names)
            raise DataError(f"{self.path}: there is no column '{name}'. Known: {known}. Name one of them.")
        return Column(name, self.read(name), self)
