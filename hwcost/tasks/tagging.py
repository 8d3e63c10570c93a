"""Tagging: a tag for every word of a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hwcost.tasks.table import Column
from hwcost.tasks.target import Target

__all__ = ["UNIVERSAL", "Tags"]

UNIVERSAL = (
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM",
    "VERB", "X",
)  # fmt: skip
"""The universal part-of-speech tags, https://universaldependencies.org/u/pos/."""


@dataclass(frozen=True)
class Tags(Target):
    """A tag for every word.

    Attributes:
        names: Names of the tags, in the order of their numbers.
        is_closed: Whether there are no other tags. Where there are, such as values of morphology that training lacks, no
            prediction of them is right.
        is_numbered: Whether a tag may also be its number, from 0, in a file that does not name the tags.
    """

    kind: ClassVar[str] = "tagging"
    is_per_word: ClassVar[bool] = True
    names: tuple[str, ...]
    is_closed: bool = False
    is_numbered: bool = False

    @classmethod
    def of(cls, column: Column) -> Tags:
        """Finds the tags of a training column: the universal ones of ``upos``, those that the file names, or its own.

        Raises:
            DataError: When a row is not a list of tags.
        """
        if column.name == "upos":
            return cls(UNIVERSAL, is_closed=True)
        named = column.table.classes.get(column.name)
        if named:
            return cls(named, is_closed=True)
        return cls(tuple(sorted({str(tag) for row in range(len(column.values)) for tag in tags_of(column, row)})))

    @property
    def outputs(self) -> int:
        """See the base class."""
        return len(self.names)

    @property
    def metrics(self) -> tuple[str, ...]:
        """See the base class."""
        return ("accuracy", "macro_f1")

    def read(self, column: Column) -> NDArray[np.int64]:
        """See the base class; the words of all rows one after the other."""
        numbers = {name: number for number, name in enumerate(self.names)}
        if self.is_numbered or (self.is_closed and column.name in column.table.classes):
            numbers |= {str(number): number for number in range(len(self.names))}
        found = []
        for row in range(len(column.values)):
            own = [numbers.get(str(tag), len(self.names)) for tag in tags_of(column, row)]
            if self.is_closed and len(self.names) in own:
                tag = tags_of(column, row)[own.index(len(self.names))]
                expected = f"one of {len(self.names)} tags for each word ('{tag}' is not): {', '.join(self.names)}"
                raise column.wrong(row, expected)
            found += own
        return np.array(found, dtype=np.int64)

    def predicted(self, outputs: NDArray[Any]) -> NDArray[np.int64]:
        """See the base class."""
        numbers: NDArray[np.int64] = outputs.argmax(-1)
        return numbers


def tags_of(column: Column, row: int) -> list[Any]:
    """Returns a row's list of words or tags.

    Raises:
        DataError: When it is not a list.
    """
    values = column.values[row]
    if not isinstance(values, (list, tuple)):
        raise column.wrong(row, "a list, with one entry for each word")
    return list(values)
