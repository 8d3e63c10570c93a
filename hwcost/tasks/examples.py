"""Examples of a task: texts, and what is to be found for them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost.errors import DataError
from hwcost.tasks.table import Table
from hwcost.tasks.tagging import tags_of
from hwcost.tasks.target import Target

__all__ = ["Examples"]


@dataclass(frozen=True)
class Examples:
    """Texts and targets.

    Attributes:
        texts: The texts of all examples; where an example is a pair, followed by the second texts. Where words have targets,
            the words of all sentences.
        targets: One target per example, or per word.
        words: Number of words of every sentence, where words have targets; None where examples have.
    """

    texts: tuple[tuple[str, ...], ...]
    targets: NDArray[Any]
    words: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.targets if self.words is None else self.words)

    @classmethod
    def read(cls, table: Table, texts: tuple[str, ...], label: str, target: Target) -> Examples:
        """Reads a table.

        Args:
            table: The rows.
            texts: Names of the column of texts, or of both; of the column of words, where words have targets.
            label: Name of the column of labels.
            target: Target of the task.

        Raises:
            DataError: When there is no row, a column is missing, or a value is not what it should be; names its line.
        """
        if not len(table):
            raise DataError(f"{table.path}: there is no example in it. Expected at least one.")
        if target.is_per_word:
            return cls._of_words(table, texts[0], label, target)
        return cls(tuple(table.column(name).texts() for name in texts), target.read(table.column(label)))

    @classmethod
    def _of_words(cls, table: Table, text: str, label: str, target: Target) -> Examples:
        words, tags = table.column(text), table.column(label)
        sentences = [tags_of(words, row) for row in range(len(table))]
        for row, sentence in enumerate(sentences):
            if not sentence or not all(isinstance(word, str) for word in sentence):
                raise words.wrong(row, "a list of words, at least one")
            if len(tags_of(tags, row)) != len(sentence):
                raise tags.wrong(row, f"as many tags as the sentence has words, {len(sentence)}")
        counts = np.array([len(sentence) for sentence in sentences], dtype=np.int64)
        return cls((tuple(chain.from_iterable(sentences)),), target.read(tags), counts)
