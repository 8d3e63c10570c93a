"""Small real tasks, one of each kind, from the sources that every Python carries: nothing is downloaded.

What is asked is a fact about real text, so that no label can be wrong. Training and validation share no module and no text.
Another version of Python gives other examples; a task's digest says which.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import numpy as np

from hwcost.tasks.classification import Classes
from hwcost.tasks.examples import Examples
from hwcost.tasks.python_functions import Function, Module, is_judged, modules
from hwcost.tasks.regression import Number
from hwcost.tasks.spans import Spans
from hwcost.tasks.tagging import Tags
from hwcost.tasks.target import Target
from hwcost.tasks.task import Task

__all__ = ["docstring", "function_length", "missing_word", "own_docstring", "truecasing"]

Row = TypeVar("Row", bound=tuple[Any, ...])

SOURCE = "the standard library"
CASES = ("lower", "title", "upper", "mixed", "none")
"""Ways of writing a word: all letters small, only the first one large, all large, otherwise, or no letter at all."""
PASSAGE = 4
"""Number of sentences of a text that is asked about."""
LACKING = 3
"""Number of questions of which one has no answer in its text, where questions may have none."""

_WORD = re.compile(r"\w+|[^\w\s]")
_LONG = re.compile(r"[A-Za-z]{4,}")
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


def docstring() -> Task:
    """Makes a classification of single sentences: a sentence of a docstring, or of a comment? As many of each."""
    target = Classes(("comment", "docstring"))

    def rows(module: Module) -> Iterator[tuple[str, int]]:
        yield from ((text, 0) for text in module.comments)
        yield from ((text, 1) for text in module.docstrings)

    return _of_texts("docstring", target, rows, np.int64, is_balanced=True)


def own_docstring() -> Task:
    """Makes a classification of pairs: a function's name, and the first sentence of its docstring or of another one's."""
    target = Classes(("another", "own"))

    def rows(module: Module) -> Iterator[tuple[str, str, int]]:
        found = [one for one in module.functions if not one.name.startswith("__")]
        for place, one in enumerate(found):
            other = found[(place + 1 + len(found) // 2) % len(found)]
            if place % 2:
                yield words_of(one), one.summary, 1
            elif other.name != one.name:
                yield words_of(one), other.summary, 0

    return _of_texts("own-docstring", target, rows, np.int64, is_balanced=True)


def function_length() -> Task:
    """Makes a regression: the binary logarithm of a function's number of lines, from the first sentence of its docstring."""

    def rows(module: Module) -> Iterator[tuple[str, float]]:
        yield from ((one.summary, math.log2(one.lines)) for one in module.functions)

    return _of_texts("function-length", Number(), rows, np.float32)


def truecasing() -> Task:
    """Makes a tagging: how each word of a docstring's sentence was written, from the words in small letters."""
    target = Tags(CASES, is_closed=True)
    train, validation = (_tagged(side) for side in _sides(lambda module: ((text,) for text in module.docstrings)))
    return Task("truecasing", SOURCE, target, train, {"validation": validation}, ("accuracy", "macro_f1"))


def missing_word(unanswerable: bool = False) -> Task:
    """Makes extractive question answering: the word that stands in a docstring's sentence where the question has "what".

    Args:
        unanswerable: Whether a third of the questions is asked of another text, which does not have the word.
    """

    def rows(module: Module) -> Iterator[tuple[str, str, str, int]]:
        starts = range(0, len(module.docstrings), PASSAGE)
        passages = [" ".join(module.docstrings[start : start + PASSAGE]) for start in starts]
        asked: set[tuple[str, str]] = set()
        for place, sentence in enumerate(module.docstrings):
            own = passages[place // PASSAGE]
            found = [word for word in _LONG.findall(sentence) if own.count(word) == 1]
            word = max(found, key=len, default="")
            lacks = unanswerable and place % LACKING == LACKING - 1
            text = passages[(place // PASSAGE + len(passages) // 2) % len(passages)] if lacks else own
            question = sentence.replace(word, "what", 1)
            if word and not (lacks and word in text) and (question, text) not in asked:
                asked.add((question, text))
                yield question, text, word, -1 if lacks else text.index(word)

    target = Spans(may_lack=unanswerable)
    train, validation = map(_asked, _sides(rows))
    return Task("missing-word", SOURCE, target, train, {"validation": validation}, target.metrics)


def words_of(function: Function) -> str:
    """Returns the words that a function's name is made of, in small letters."""
    return " ".join(_PARTS.findall(function.name)).lower()


def _of_texts(
    name: str, target: Target, rows: Callable[[Module], Iterable[Row]], dtype: type[Any], is_balanced: bool = False
) -> Task:
    """Makes a task of rows of texts with a target behind them."""

    def examples(side: list[Row]) -> Examples:
        *texts, targets = zip(*(_balanced(side) if is_balanced else side), strict=True)
        return Examples(tuple(map(tuple, texts)), np.array(targets, dtype=dtype))

    train, validation = map(examples, _sides(rows))
    return Task(name, SOURCE, target, train, {"validation": validation}, target.metrics)


def _sides(rows: Callable[[Module], Iterable[Row]]) -> tuple[list[Row], list[Row]]:
    """Returns the rows to train on and those to judge by; a text stands in one of them, where it comes first."""
    seen: set[str] = set()
    sides: tuple[list[Row], list[Row]] = [], []
    for module in modules():
        for row in rows(module):
            text = " ".join(one for one in row if isinstance(one, str))
            if text not in seen:
                seen.add(text)
                sides[is_judged(module)].append(row)
    return sides


def _balanced(rows: list[Row]) -> list[Row]:
    """Returns as many rows of either class, evenly spaced in the order of the text."""
    classes = [[row for row in rows if row[-1] == label] for label in (0, 1)]
    count = min(map(len, classes))
    kept = {id(rows[int(place)]) for rows in classes for place in np.linspace(0, len(rows) - 1, count).round()}
    return [row for row in rows if id(row) in kept]


def _tagged(rows: list[tuple[str]]) -> Examples:
    sentences = [_WORD.findall(text) for (text,) in rows]
    words = [word for sentence in sentences for word in sentence]
    tags = np.array([CASES.index(case_of(word)) for word in words], dtype=np.int64)
    return Examples((tuple(map(str.lower, words)),), tags, np.array(list(map(len, sentences)), dtype=np.int64))


def _asked(rows: list[tuple[str, str, str, int]]) -> Examples:
    questions, texts, words, starts = zip(*rows, strict=True)
    found = list(zip(words, starts, strict=True))
    spans = np.array([(start, start + len(word)) if start >= 0 else (0, 0) for word, start in found], dtype=np.int64)
    return Examples((questions, texts), spans, answers=tuple((word,) if start >= 0 else () for word, start in found))


def case_of(word: str) -> str:
    """Returns how a word is written, one of ``CASES``."""
    if word.lower() == word.upper():
        return "none"
    if word.islower():
        return "lower"
    if word[0].isupper() and (len(word) == 1 or word[1:].islower()):
        return "title"
    return "upper" if word.isupper() else "mixed"
