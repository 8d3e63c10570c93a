"""A labelled task from a folder: GLUE's own files, other tables, data sets on disk, SQuAD, or words with tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwcost.errors import UsageError
from hwcost.tasks.classification import Classes
from hwcost.tasks.entities import WIKIANN, Entities, is_iob
from hwcost.tasks.examples import Examples
from hwcost.tasks.iob import TAG_COLUMNS
from hwcost.tasks.layouts import Layout, layout_of
from hwcost.tasks.regression import Number
from hwcost.tasks.spans import Spans
from hwcost.tasks.splits import Splits, read_splits
from hwcost.tasks.squad_json import QUESTION_COLUMNS
from hwcost.tasks.table import Column
from hwcost.tasks.tagging import Tags
from hwcost.tasks.target import Target
from hwcost.tasks.task import Task
from hwcost.tasks.translated import translated

__all__ = ["KINDS", "labelled_folder"]

KINDS = ("classification", "regression", "tagging", "span")
"""Kinds of task."""
SPAN = "span"
OF_SPANS: dict[str, type[int] | type[float]] = {"stride": int, "longest": int, "threshold": float}
"""Options of spans, and what they are."""


@dataclass(frozen=True)
class _Columns:
    """What is read of a folder's tables, and as what."""

    name: str
    texts: tuple[str, ...]
    label: str
    target: Target
    metrics: tuple[str, ...]


def labelled_folder(
    path: str | Path, layout: str | None = None, text: str | None = None, text_pair: str | None = None,
    label: str | None = None, kind: str | None = None, metric: str | None = None, name: str | None = None,
    language: str | None = None, stride: str | None = None, longest: str | None = None, threshold: str | None = None,
    train: str | None = None, train_languages: str | None = None,
) -> Task:  # fmt: skip
    """Reads a labelled task. Columns are those named here, or of a layout of GLUE's, XNLI, SQuAD or WikiAnn that they fit.

    Args:
        path: Folder with a training and a validation split, see :func:`hwcost.tasks.splits.read_splits`.
        layout: Name of the layout, such as ``rte``, where the header fits several.
        text: Name of the column of texts, or of lists of words where words have tags; of questions, where answers are spans.
        text_pair: Name of the column of second texts, where examples are pairs; of those that are asked about.
        label: Name of the column of labels, numbers, tags or answers; of CoNLL-U ``upos``, ``xpos`` or ``feats``.
        kind: ``classification``, ``regression``, ``tagging`` or ``span``; None for what the layout or the files say.
        metric: Name of the metric that nets are selected by; None for the usual one.
        name: Name of the task in reports; None for the layout's, or the folder's.
        language: Name of the column of languages, by which scores are reported too; None for ``language`` or ``langs``.
        stride: Number of tokens by which windows over a long text move, where answers are spans; None for a third of a
            sequence.
        longest: Number of tokens of an answer, at most; None for 30.
        threshold: Score of no answer less that of the best span, up to which the span is given; None for 0.
        train: Folder of XNLI's translated training files, or one of them, in place of the training split of XNLI's own
            files, see :func:`hwcost.tasks.translated.translated`.
        train_languages: Languages to train on, of such a folder, joined by ``+``; None for all.

    Raises:
        DataError: When the folder cannot be read, lacks a split or a column, or a label is not one; names file and line.
        MissingExtraError: When it is a data set and ``datasets`` is not installed.
        UnknownNameError: When there is no such layout or metric.
        UsageError: When options contradict each other.
    """
    folder = Path(path)
    _check_options(layout, text, text_pair, label, kind)
    if train_languages is not None and train is None:
        raise UsageError(f"train_languages={train_languages} is of translated training files: give their folder, train=DIR")
    splits = read_splits(folder, None if train is None else translated(train, train_languages))
    of_spans = _numbers({"stride": stride, "longest": longest, "threshold": threshold})
    read = _read_as(splits, layout, (text, text_pair), label, kind, of_spans)
    if of_spans and not read.target.is_span:
        raise UsageError(f"{', '.join(of_spans)} are options of answers that are spans, and this is {read.target.kind}")
    every = {"train": splits.train, **splits.validation}
    examples = {
        split: Examples.read(one, read.texts, read.label, read.target, language) for split, one in every.items()
    }
    metrics = tuple(dict.fromkeys([*([metric] if metric else []), *read.metrics]))
    own = name or read.name or folder.resolve().name
    return Task(own, str(folder), read.target, examples.pop("train"), examples, metrics)


def _read_as(
    splits: Splits, layout: str | None, texts: tuple[str | None, str | None], label: str | None, kind: str | None,
    of_spans: Mapping[str, Any],
) -> _Columns:  # fmt: skip
    """Returns what is read of the tables: as the options say, or else as a layout that the columns fit."""
    text, text_pair = texts
    if splits.form == "words":
        return _of_words(splits, text, label, kind)
    if text is not None and label is not None:
        given = (text, text_pair) if text_pair else (text,)
        return _of_options(splits, given, label, kind or "classification", of_spans)
    if label is not None:
        raise UsageError(f"label={label} names the column of labels: give text, the column of texts, too")
    if layout is None and kind in (None, SPAN) and {*QUESTION_COLUMNS} <= {*splits.train.names}:
        return _of_squad(splits, of_spans)
    if layout is None and kind in (None, "tagging") and {*TAG_COLUMNS[:2]} <= {*splits.train.names}:
        return _of_wikiann(splits)
    found = layout_of(splits.train, splits.form, layout)
    return _of_options(splits, found.texts, found.label, kind, of_spans) if kind else _of_layout(splits, found)


def _check_options(
    layout: str | None, text: str | None, text_pair: str | None, label: str | None, kind: str | None
) -> None:
    if kind not in (None, *KINDS):
        raise UsageError(f"unknown kind of task '{kind}'. Known: {', '.join(KINDS)}")
    if layout is not None and (text or text_pair or label or kind):
        raise UsageError(f"layout={layout} says what is read, and as what. Leave text, text_pair, label and kind out")
    if text is not None and label is None:
        raise UsageError(f"text={text} names the column of texts: give label, the column of labels, too")
    if text is None and text_pair is not None:
        raise UsageError(f"text_pair={text_pair} names the second text: give text, the column of the first, and label too")
    if text_pair is not None and kind == "tagging":
        raise UsageError("words of pairs of texts have no tags: leave text_pair out")
    if kind == SPAN and text is not None and text_pair is None:
        raise UsageError(f"text={text} names the column of questions: give text_pair, that of the texts asked about, too")


def _numbers(options: Mapping[str, str | None]) -> dict[str, Any]:
    """Returns the options of spans that were given as numbers."""
    found = {}
    for name, value in options.items():
        if value is not None:
            try:
                found[name] = OF_SPANS[name](value)
            except ValueError:
                raise UsageError(f"{name}={value} is not a {'whole ' * (OF_SPANS[name] is int)}number") from None
    return found


def _of_words(splits: Splits, text: str | None, label: str | None, kind: str | None) -> _Columns:
    if kind not in (None, "tagging") or text is not None:
        given = f"kind={kind}" if text is None else f"text={text}"
        raise UsageError(f"files of Universal Dependencies hold tags of words: give label=upos, xpos or feats, got {given}")
    target = Tags.of(splits.train.column(label or "upos"))
    return _Columns("", ("form",), label or "upos", target, target.metrics)


def _of_options(
    splits: Splits, texts: tuple[str, ...], label: str, kind: str, of_spans: Mapping[str, Any]
) -> _Columns:
    target = _target(splits.train.column(label), kind, of_spans)
    return _Columns("", texts, label, target, target.metrics)


def _target(column: Column, kind: str, of_spans: Mapping[str, Any]) -> Target:
    if kind == "regression":
        return Number()
    if kind == SPAN:
        return Spans(may_lack=Spans.may_lack_in(column), **of_spans)
    return Classes.of(column) if kind == "classification" else _tags(Tags.of(column))


def _tags(found: Tags) -> Tags:
    return Entities.completed(found) if is_iob(found.names) else found


def _of_squad(splits: Splits, of_spans: Mapping[str, Any]) -> _Columns:
    question, context, answers = QUESTION_COLUMNS
    target = Spans(may_lack=Spans.may_lack_in(splits.train.column(answers)), **of_spans)
    return _Columns("squad_v2" if target.may_lack else "squad", (question, context), answers, target, target.metrics)


def _of_wikiann(splits: Splits) -> _Columns:
    """Reads words and tags; numbers without names, beside languages, are those of WikiAnn's tags."""
    words, label, languages = TAG_COLUMNS
    found, is_wikiann = Tags.of(splits.train.column(label)), languages in splits.train.names
    if is_wikiann and set(found.names) <= {str(number) for number in range(len(WIKIANN))}:
        found = Tags(WIKIANN, is_closed=True, is_numbered=True)
    target = _tags(found)
    return _Columns("wikiann" if is_wikiann else "", (words,), label, target, target.metrics)


def _of_layout(splits: Splits, layout: Layout) -> _Columns:
    target: Target
    if layout.classes is None:
        target = Number()
    elif layout.classes:
        target = Classes(layout.classes, is_numbered=splits.form == "data set")
    else:
        target = Classes.of(splits.train.column(layout.label))
    return _Columns(layout.name or "", layout.texts, layout.label, target, layout.metrics or target.metrics)
