"""The texts of a table, column by column, with the place of every row in what it was read from."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from hwcost.errors import DataError

Place = Literal["line", "record", "row"]

LISTED = 8
"""Numbers and ranges of numbers that a message lists before it counts the rest."""

MOST_NAMED = 40
"""Columns that a message names before it counts the rest."""

MISSING = ("NAType", "NaTType")
"""Types of other libraries' missing values."""


@dataclass(frozen=True)
class Sheet:
    """Texts by column.

    Attributes:
        source: Name of the file or object that the texts come from, for messages.
        columns: Texts of every column by its name, all of the same length.
        lines: Number of the line, record or row that each row of texts stands in.
        place: Unit of ``lines``: lines and records from 1, or rows of a data frame from 0.
        categories: Columns that are categorical by their type.
        remarks: Decisions made while it was read, in whole sentences.
        padded: Columns of lists that shorter lists lack.
        about: Sentence on what the source is, where it is known to be of another tool; empty else.
    """

    source: str
    columns: dict[str, list[str]]
    lines: tuple[int, ...]
    place: Place = "line"
    categories: frozenset[str] = frozenset()
    remarks: tuple[str, ...] = ()
    padded: frozenset[str] = frozenset()
    about: str = ""

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def header(self) -> list[str]:
        """Names of the columns, in order."""
        return list(self.columns)

    @property
    def known(self) -> str:
        """Names of the columns for a message; a long list is cut."""
        return listed_names(self.header)

    @property
    def head(self) -> str:
        """Where the names of the columns stand, as an error names it."""
        return f"{self.source}: line 1" if self.place == "line" else self.source

    def at(self, rows: Sequence[int]) -> str:
        """Says where rows stand, for example ``line 3`` or ``lines 3, 7 and 9``; a long list is cut."""
        return places(self.place, [self.lines[row] for row in rows])

    def error(self, row: int, column: str, what: str, advice: str) -> DataError:
        """Returns an error about one cell."""
        return DataError(f"{self.source}: {self.at([row])}, column '{column}': {what}. {advice}")

    def without(self, names: Iterable[str]) -> Sheet:
        """Returns the sheet without some columns."""
        left_out = set(names)
        return replace(self, columns={name: texts for name, texts in self.columns.items() if name not in left_out})

    def renamed(self, names: Mapping[str, str]) -> Sheet:
        """Returns the sheet with other names for some columns."""
        return replace(self, columns={names.get(name, name): texts for name, texts in self.columns.items()})

    def remarking(self, *remarks: str) -> Sheet:
        """Returns the sheet with further remarks."""
        return replace(self, remarks=(*self.remarks, *remarks))


def listed_names(columns: Sequence[str], most: int = MOST_NAMED) -> str:
    """Lists names of columns; a list of more than ``most`` is cut."""
    more = f" and {len(columns) - most} more" if len(columns) > most else ""
    return f"{', '.join(columns[:most])}{more}"


def places(place: str, numbers: Sequence[int]) -> str:
    """Lists numbers of lines, records or rows; see :meth:`Sheet.at`."""
    return f"{place}{'' if len(numbers) == 1 else 's'} {listed(numbers)}"


def listed(numbers: Sequence[int]) -> str:
    """Lists whole numbers, neighbours as ranges: ``3, 7 and 9 to 12``; a long list is cut."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts: list[tuple[str, int]] = []
    for run in runs:
        parts += [(f"{run[0]} to {run[-1]}", len(run))] if len(run) > 2 else [(str(number), 1) for number in run]
    shown = [text for text, _ in parts[:LISTED]]
    more = sum(count for _, count in parts[LISTED:])
    last = f"{more} more" if more else shown.pop()
    return f"{', '.join(shown)} and {last}" if shown else last


def as_text(value: Any) -> str:
    """Returns the text of a cell of any type: empty for a missing value, all digits of a number, JSON for a list."""
    if isinstance(value, str):
        return value.strip()
    if getattr(getattr(value, "dtype", None), "kind", "") == "m" and not getattr(value, "ndim", 0):
        return "" if value != value else f"{int(value.astype('timedelta64[ns]').astype(int)) / 1e9!r} s"
    if hasattr(value, "tolist"):
        return as_text(value.tolist())
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(value, default=as_plain)
    if isinstance(value, (int, float)):
        return "" if value != value else repr(value)
    if hasattr(value, "total_seconds") and value == value:
        return f"{value.total_seconds()!r} s"
    return "" if value is None or type(value).__name__ in MISSING else str(value)


def as_plain(value: Any) -> Any:
    """Returns a value of an array library as a plain Python one, and anything else as text."""
    return value.tolist() if hasattr(value, "tolist") else as_text(value)


def for_shell(*columns: str) -> str:
    """Returns names of columns as an option of the command line takes them, quoted where that or a shell needs it."""
    return shlex.quote(",".join(map(_listed_name, columns)))


def _listed_name(column: str) -> str:
    """Returns a name as it stands in a list with commas between names."""
    doubled = column.replace('"', '""')
    return f'"{doubled}"' if "," in column or column.startswith('"') else column
