"""Tables of the JSON files of SQuAD, versions 1.1 and 2.0: a question per row.

Source: https://rajpurkar.github.io/SQuAD-explorer: articles hold paragraphs, these a context and questions with answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hwcost.errors import DataError
from hwcost.tasks.table import Table
from hwcost.tasks.text_lines import text_of

__all__ = ["QUESTION_COLUMNS", "read_squad"]

QUESTION_COLUMNS = ("question", "context", "answers")
"""Columns of a question, of the text that it is asked of, and of its answers, as the data set ``squad`` calls them."""

EXPECTED = (
    'Expected a file of SQuAD: {"data": [{"paragraphs": [{"context": TEXT, "qas": [{"question": TEXT, "answers": [{"text": '
    'TEXT, "answer_start": NUMBER}]}]}]}]}'
)


def read_squad(path: Path) -> Table:
    """Reads a file of SQuAD.

    Raises:
        DataError: When the file cannot be read or is not one of SQuAD's, or a question has no answer and is not marked as
            impossible, or has one and is.
    """
    try:
        content = json.loads(text_of(path))
    except ValueError as error:
        raise DataError(f"{path}: this is not JSON: {error}. {EXPECTED}.") from None
    rows = [_row(path, number, *found) for number, found in enumerate(_questions(path, content), 1)]
    return Table(str(path), QUESTION_COLUMNS, lambda name: [row[name] for row in rows], range(1, len(rows) + 1), "question")


def _questions(path: Path, content: Any) -> Iterator[tuple[str, Any]]:
    """Yields contexts and the questions about them."""
    for article in _member(path, content, "data", list):
        for paragraph in _member(path, article, "paragraphs", list):
            context = _member(path, paragraph, "context", str)
            for question in _member(path, paragraph, "qas", list):
                yield context, question


def _row(path: Path, number: int, context: str, question: Any) -> dict[str, Any]:
    asked = _member(path, question, "question", str)
    is_impossible = question.get("is_impossible", False)
    answers = _member(path, question, "answers", list)
    if bool(answers) == (is_impossible is True):
        has, mark = ("answers", "is") if answers else ("no answer", "is not")
        raise DataError(
            f"{path}, question {number}: '{asked[:60]}' has {has} and {mark} marked as impossible. Expected an answer, or "
            "\"is_impossible\": true and no answers."
        )
    return dict(zip(QUESTION_COLUMNS, (asked, context, answers), strict=True))


def _member(path: Path, holder: Any, name: str, kind: type[Any]) -> Any:
    if not isinstance(holder, dict) or not isinstance(holder.get(name), kind):
        what = f"'{name}' is missing or not a {'list' if kind is list else 'text'}"
        raise DataError(f"{path}: {what} where a file of SQuAD has one. {EXPECTED}.")
    return holder[name]
