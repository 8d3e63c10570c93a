"""Examples of a task: texts, and what is to be found for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost.errors import DataError
from hwcost.tasks.spans import answers_of
from hwcost.tasks.table import Column, Table
from hwcost.tasks.tagging import tags_of
from hwcost.tasks.target import Target

__all__ = ["LANGUAGES", "Examples"]

LANGUAGES = ("language", "langs")
"""Columns that hold the language of a row, or of each of its words, where a table has one of them."""


@dataclass(frozen=True)
class Examples:
    """Texts and targets.

    Attributes:
        texts: The texts of all examples; where an example is a pair, followed by the second texts. Where words have targets,
            the words of all sentences.
        targets: One target per example, or per word; where answers are spans, first character of the first answer and the
            one after its last, (n, 2), both 0 for a question without an answer.
        words: Number of words of every sentence, where words have targets; None where examples have.
        answers: Texts that answer each question, where answers are spans; None elsewhere.
        languages: Language of each example; None where it is not known.
    """

    texts: tuple[tuple[str, ...], ...]
    targets: NDArray[Any]
    words: NDArray[np.int64] | None = None
    answers: tuple[tuple[str, ...], ...] | None = None
    languages: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.targets if self.words is None else self.words)

    @classmethod
    def read(
        cls, table: Table, texts: tuple[str, ...], label: str, target: Target, language: str | None = None
    ) -> Examples:
        """Reads a table.

        Args:
            table: The rows.
            texts: Names of the column of texts, or of both; of the column of words, where words have targets.
            label: Name of the column of labels.
            target: Target of the task.
            language: Name of the column of languages; None takes one of ``LANGUAGES`` where the table has it.

        Raises:
            DataError: When there is no row, a column is missing, or a value is not what it should be; names its line.
        """
        if not len(table):
            raise DataError(f"{table.path}: there is no example in it. Expected at least one.")
        languages = _languages(table, language, label)
        if target.is_per_word:
            return cls._of_words(table, texts[0], label, target, languages)
        columns = tuple(table.column(name) for name in texts)
        read = tuple(column.texts() for column in columns)
        answers = _answers(table.column(label), read[1]) if target.is_span else None
        return cls(read, target.read(table.column(label)), None, answers, languages)

    @classmethod
    def _of_words(
        cls, table: Table, text: str, label: str, target: Target, languages: tuple[str, ...] | None
    ) -> Examples:
        words, tags = table.column(text), table.column(label)
        sentences = [tags_of(words, row) for row in range(len(table))]
        for row, sentence in enumerate(sentences):
            if not sentence or not all(isinstance(word, str) for word in sentence):
                raise words.wrong(row, "a list of words, at least one")
            if len(tags_of(tags, row)) != len(sentence):
                raise tags.wrong(row, f"as many tags as the sentence has words, {len(sentence)}")
        counts = np.array([len(sentence) for sentence in sentences], dtype=np.int64)
        return cls((tuple(chain.from_iterable(sentences)),), target.read(tags), counts, None, languages)

    def part(self, chosen: NDArray[np.bool_]) -> tuple[Examples, NDArray[np.intp]]:
        """Returns some of the examples, and the places of their targets among all targets.

        Args:
            chosen: Whether each example is one of them, (n,).
        """
        of_targets = chosen if self.words is None else np.repeat(chosen, self.words)
        kept = Examples(
            tuple(tuple(compress(one, of_targets)) for one in self.texts), self.targets[of_targets],
            None if self.words is None else self.words[chosen], _kept(self.answers, chosen), _kept(self.languages, chosen),
        )  # fmt: skip
        return kept, np.flatnonzero(of_targets)


def _kept(values: tuple[Any, ...] | None, chosen: NDArray[np.bool_]) -> tuple[Any, ...] | None:
    return None if values is None else tuple(compress(values, chosen))


def _languages(table: Table, name: str | None, label: str) -> tuple[str, ...] | None:
    """Returns the language of each row; where a row lists its words' languages, that of the first."""
    found = name or next((one for one in LANGUAGES if one in table.names and one != label), None)
    if found is None:
        return None
    column = table.column(found)
    firsts = [value[0] if isinstance(value, (list, tuple)) and value else value for value in column.values]
    return tuple(map(str, firsts))


def _answers(column: Column, texts: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Returns the texts that answer each question, after a look at their places."""
    found = []
    for row, text in enumerate(texts):
        answers = answers_of(column, row)
        for answer, start in answers:
            end = start + len(answer)
            if end > len(text):
                raise column.wrong(
                    row, f"answers within the text of {len(text)} characters: {_short(answer)} at {start} would end at {end}"
                )
            if text[start:end] != answer:
                raise column.wrong(
                    row, f"each answer at its place in the text: {_short(answer)} is not at {start}, where the text has "
                    f"{_short(text[start:end])}"
                )  # fmt: skip
        found.append(tuple(answer for answer, _ in answers))
    return tuple(found)


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
