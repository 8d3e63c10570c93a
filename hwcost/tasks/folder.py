"""A labelled task from a folder: GLUE's own files, other tables, data sets on disk, or Universal Dependencies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hwcost.errors import UsageError
from hwcost.tasks.classification import Classes
from hwcost.tasks.examples import Examples
from hwcost.tasks.layouts import Layout, layout_of
from hwcost.tasks.regression import Number
from hwcost.tasks.splits import Splits, read_splits
from hwcost.tasks.table import Column
from hwcost.tasks.tagging import Tags
from hwcost.tasks.target import Target
from hwcost.tasks.task import Task

__all__ = ["KINDS", "labelled_folder"]

KINDS = ("classification", "regression", "tagging")
"""Kinds of task."""


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
) -> Task:  # fmt: skip
    """Reads a labelled task. Columns are those named here, or of a layout of GLUE's that the header fits.

    Args:
        path: Folder with a training and a validation split, see :func:`hwcost.tasks.splits.read_splits`.
        layout: Name of the layout, such as ``rte``, where the header fits several.
        text: Name of the column of texts, or of lists of words where words have tags.
        text_pair: Name of the column of second texts, where examples are pairs.
        label: Name of the column of labels, numbers or tags; of CoNLL-U ``upos``, ``xpos`` or ``feats``.
        kind: ``classification``, ``regression`` or ``tagging``; None for what the layout or the files say.
        metric: Name of the metric that nets are selected by; None for the usual one.
        name: Name of the task in reports; None for the layout's, or the folder's.

    Raises:
        DataError: When the folder cannot be read, lacks a split or a column, or a label is not one; names file and line.
        MissingExtraError: When it is a data set and ``datasets`` is not installed.
        UnknownNameError: When there is no such layout or metric.
        UsageError: When options contradict each other.
    """
    folder = Path(path)
    _check_options(layout, text, text_pair, label, kind)
    splits = read_splits(folder)
    if splits.form == "words":
        read = _of_words(splits, text, label, kind)
    elif text is not None and label is not None:
        read = _of_options(splits, (text, text_pair) if text_pair else (text,), label, kind or "classification")
    elif label is not None:
        raise UsageError(f"label={label} names the column of labels: give text, the column of texts, too")
    else:
        found = layout_of(splits.train, splits.form, layout)
        read = _of_options(splits, found.texts, found.label, kind) if kind else _of_layout(splits, found)
    train = Examples.read(splits.train, read.texts, read.label, read.target)
    validation = {split: Examples.read(one, read.texts, read.label, read.target) for split, one in splits.validation.items()}
    metrics = tuple(dict.fromkeys([*([metric] if metric else []), *read.metrics]))
    return Task(name or read.name or folder.resolve().name, str(folder), read.target, train, validation, metrics)


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


def _of_words(splits: Splits, text: str | None, label: str | None, kind: str | None) -> _Columns:
    if kind not in (None, "tagging") or text is not None:
        given = f"kind={kind}" if text is None else f"text={text}"
        raise UsageError(f"files of Universal Dependencies hold tags of words: give label=upos, xpos or feats, got {given}")
    target = Tags.of(splits.train.column(label or "upos"))
    return _Columns("", ("form",), label or "upos", target, target.metrics)


def _of_options(splits: Splits, texts: tuple[str, ...], label: str, kind: str) -> _Columns:
    target = _target(splits.train.column(label), kind)
    return _Columns("", texts, label, target, target.metrics)


def _target(column: Column, kind: str) -> Target:
    if kind == "regression":
        return Number()
    return Classes.of(column) if kind == "classification" else Tags.of(column)


def _of_layout(splits: Splits, layout: Layout) -> _Columns:
    target: Target
    if layout.classes is None:
        target = Number()
    elif layout.classes:
        target = Classes(layout.classes, is_numbered=splits.form == "data set")
    else:
        target = Classes.of(splits.train.column(layout.label))
    return _Columns(layout.name or "", layout.texts, layout.label, target, layout.metrics or target.metrics)
