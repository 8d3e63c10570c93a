"""Extractive question answering: an answer is a span of the text that is asked about, or there is none in it.

Sources: Rajpurkar et al., "SQuAD" and "Know What You Don't Know"; Devlin et al., "BERT", sections 4.2 and 4.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hwcost.errors import DataError, UsageError
from hwcost.tasks.answers import answer_f1, best_threshold, exact_match
from hwcost.tasks.best_spans import best_spans
from hwcost.tasks.table import Column
from hwcost.tasks.target import Target

if TYPE_CHECKING:
    from hwcost.tasks.examples import Examples

__all__ = ["Answer", "Spans", "answers_of"]

Answer = tuple[str, int]
"""Text of an answer, and the place of its first character in the text that is asked about."""

CERTAIN = 1e9
"""Margin of questions in whose text no span is allowed."""


@dataclass(frozen=True)
class Spans(Target):
    """A span of the second text that answers the first, the question.

    Attributes:
        may_lack: Whether a question may have no answer in its text.
        stride: Number of tokens by which windows over a long text move; None for a third of a sequence.
        longest: Number of tokens of an answer, at most.
        threshold: Score of no answer less that of the best span, up to which the span is given.

    Raises:
        UsageError: When a window would not move, or an answer have no token.
    """

    kind: ClassVar[str] = "span"
    is_span: ClassVar[bool] = True
    may_lack: bool = False
    stride: int | None = None
    longest: int = 30
    threshold: float = 0.0

    def __post_init__(self) -> None:
        if self.longest < 1 or (self.stride is not None and self.stride < 1):
            raise UsageError(
                f"windows move by a token at least, and answers have one; got stride={self.stride}, longest={self.longest}"
            )

    @property
    def outputs(self) -> int:
        """Scores of a token: that of an answer's start, and that of its end."""
        return 2

    @property
    def metrics(self) -> tuple[str, ...]:
        """See the base class; where questions may lack an answer, those with one, without, and at the best threshold too."""
        usual = ("answer_f1", "exact_match")
        of_lacking = (
            "has_answer_f1", "has_answer_exact_match", "no_answer_exact_match", *(f"best_{name}" for name in usual),
        )  # fmt: skip
        return (*usual, *of_lacking) if self.may_lack else usual

    def read(self, column: Column) -> NDArray[np.int64]:
        """See the base class; first character of the first answer and the one after its last, (n, 2), 0 without answer."""
        spans = np.zeros((len(column.values), 2), dtype=np.int64)
        for row in range(len(spans)):
            for text, start in answers_of(column, row)[:1]:
                spans[row] = start, start + len(text)
            if not spans[row, 1] and not self.may_lack:
                raise column.wrong(row, "an answer, as all training questions have one")
        return spans

    def predicted(self, outputs: NDArray[Any]) -> NDArray[np.int64]:
        """See the base class; positions of the first and the last token of the best span, (n, 2), of (n, 2, S)."""
        anywhere = np.ones((len(outputs), outputs.shape[-1]), dtype=bool)
        found = best_spans(outputs, anywhere, anywhere, self.longest)
        return np.stack([found.first, found.last], axis=1)

    def scores(self, examples: Examples, predicted: NDArray[Any], names: Sequence[str]) -> dict[str, float]:
        """See the base class.

        Args:
            examples: Questions.
            predicted: Spans of characters, (n, 2), or (n, 3) with the score of no answer less that of the span.
            names: Names of the metrics; with those at the best threshold go the thresholds.
        """
        assert examples.answers is not None
        texts = [text[int(one[0]) : int(one[1])] for text, one in zip(examples.texts[1], predicted, strict=True)]
        is_empty = np.array([not text for text in texts])
        margins = predicted[:, 2] if predicted.shape[1] > 2 else np.where(is_empty, CERTAIN, -CERTAIN)
        is_given = (margins <= self.threshold) | (not self.may_lack)
        given = [text if kept else "" for text, kept in zip(texts, is_given, strict=True)]
        lacks = np.array([not one for one in examples.answers])
        found: dict[str, float] = {}
        for name, judge in (("answer_f1", answer_f1), ("exact_match", exact_match)):
            own = self._judged(judge, examples, given)
            short = name.removeprefix("answer_")
            found |= {name: float(own.mean()), f"has_answer_{short}": _mean(own[~lacks])}
            found[f"no_answer_{short}"] = _mean(own[lacks])
            if f"best_{name}" in names:
                gains = np.where(lacks, is_empty.astype(float), self._judged(judge, examples, texts))
                found[f"best_{name}"], found[f"best_{name}_threshold"] = best_threshold(margins, gains, lacks)
        return {name: value for name, value in found.items() if name.removesuffix("_threshold") in names}

    def _judged(self, judge: Any, examples: Examples, texts: Sequence[str]) -> NDArray[np.float64]:
        pairs = zip(examples.answers or (), texts, strict=True)
        return np.array([judge(answers, text, self.may_lack) for answers, text in pairs], dtype=np.float64)

    @classmethod
    def may_lack_in(cls, column: Column) -> bool:
        """Tells whether questions of a training column may lack an answer.

        Raises:
            DataError: When none has an answer, or a value is not a list of answers.
        """
        counts = [len(answers_of(column, row)) for row in range(len(column.values))]
        if counts and not any(counts):
            raise DataError(f"{column.table.path}: no question has an answer in column '{column.name}'. Expected some.")
        return not all(counts)


def answers_of(column: Column, row: int) -> list[Answer]:
    """Returns a row's answers: lists of texts and of places, as the data set ``squad`` has them, or a list of both.

    Raises:
        DataError: When it holds anything else.
    """
    value = column.values[row]
    try:
        pairs = (
            list(zip(value["text"], value["answer_start"], strict=True))
            if isinstance(value, dict)
            else [(one["text"], one["answer_start"]) for one in value]
        )
    except (KeyError, TypeError, ValueError, IndexError):
        raise column.wrong(row, "answers, each with its text and its answer_start") from None
    for text, start in pairs:
        if not (isinstance(text, str) and text) or isinstance(start, bool) or not isinstance(start, int) or start < 0:
            raise column.wrong(row, "a text that is not empty for each answer, and a whole number for its answer_start")
    return pairs


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else 0.0
