"""Layouts of GLUE and XNLI: which columns hold texts and labels, by the names of the columns.

Sources: Wang et al., "GLUE", Table 1; the files of its distribution, and those of the data set ``glue`` of Hugging Face.
Conneau et al., "XNLI", section 3, and the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from hwcost.errors import DataError, UnknownNameError
from hwcost.tasks.table import Table

__all__ = ["INFERENCE", "LAYOUTS", "Layout", "layout_of", "named_layouts"]

COLA_COLUMNS = ("source", "label", "mark", "sentence")
"""Names given here to the columns of CoLA's files, which have no header."""
QQP_COLUMNS = ("id", "qid1", "qid2", "question1", "question2", "is_duplicate")
"""Header of Quora Question Pairs, in whose file some rows are cut short."""

IGNORED = {"idx"}
"""Columns that a data set may have or not."""


@dataclass(frozen=True)
class Layout:
    """Columns of a task.

    Attributes:
        name: Name of the task; None where a data set gives it.
        columns: Names of all columns of the training file.
        text: Column of the text, or of the first of two.
        text_pair: Column of the second text; None where there is one.
        label: Column of the labels.
        classes: Names of the classes; None where labels are numbers, empty where the training file has the names.
        metrics: Metrics of the task, the one first that nets are selected by; empty for those of its kind.
        is_open: Whether a file may have more columns.
    """

    name: str | None
    columns: tuple[str, ...]
    text: str
    text_pair: str | None = None
    label: str = "label"
    classes: tuple[str, ...] | None = ()
    metrics: tuple[str, ...] = ()
    is_open: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        """Columns of the texts."""
        return (self.text, self.text_pair) if self.text_pair else (self.text,)


_BINARY = ("0", "1")
_ENTAILMENT = ("entailment", "not_entailment")
INFERENCE = ("entailment", "neutral", "contradiction")
"""Classes of MNLI and XNLI."""
_CORRELATIONS = ("spearman", "pearson")
_PARAPHRASE = ("accuracy", "f1")
_PAIR = ("sentence1", "sentence2")
_XNLI_COLUMNS = ("language", "premise", "hypothesis", "label")
_MNLI = (
    "index", "promptID", "pairID", "genre", "sentence1_binary_parse", "sentence2_binary_parse", "sentence1_parse",
    "sentence2_parse", *_PAIR,
)  # fmt: skip

_COLA = Layout("cola", COLA_COLUMNS, "sentence", None, "label", _BINARY, ("matthews", "accuracy"))
_SST2 = Layout("sst2", ("sentence", "label"), "sentence", None, "label", _BINARY, ("accuracy",))
_STRINGS = ("#1 String", "#2 String")
_MRPC = Layout("mrpc", ("Quality", "#1 ID", "#2 ID", *_STRINGS), *_STRINGS, "Quality", _BINARY, _PARAPHRASE)
_QQP = Layout("qqp", QQP_COLUMNS, "question1", "question2", "is_duplicate", _BINARY, _PARAPHRASE)
_STSB = Layout(
    "stsb", ("index", "genre", "filename", "year", "old_index", "source1", "source2", *_PAIR, "score"), *_PAIR, "score",
    None, _CORRELATIONS,
)  # fmt: skip
_MNLI_FILE = Layout("mnli", (*_MNLI, "label1", "gold_label"), *_PAIR, "gold_label", INFERENCE, ("accuracy",))
_QUESTION = ("question", "sentence")
_QNLI = Layout("qnli", ("index", *_QUESTION, "label"), *_QUESTION, "label", _ENTAILMENT, ("accuracy",))
_RTE = Layout("rte", ("index", *_PAIR, "label"), *_PAIR, "label", _ENTAILMENT, ("accuracy",))
_WNLI = replace(_RTE, name="wnli", classes=_BINARY)
_XNLI = Layout(
    "xnli", ("language", *_PAIR, "gold_label"), *_PAIR, "gold_label", INFERENCE, ("accuracy",), is_open=True
)


def _data_set(layout: Layout, text: str, text_pair: str | None, classes: tuple[str, ...] | None) -> Layout:
    """Returns a layout as the data set ``glue`` of Hugging Face has it."""
    columns = tuple(name for name in (text, text_pair, "label") if name)
    return replace(layout, columns=columns, text=text, text_pair=text_pair, label="label", classes=classes)


LAYOUTS: dict[str, tuple[Layout, ...]] = {
    "tsv": (_COLA, _SST2, _MRPC, _QQP, _STSB, _MNLI_FILE, _QNLI, _RTE, _WNLI, _XNLI),
    "data set": (
        _data_set(_COLA, "sentence", None, ("unacceptable", "acceptable")),
        _data_set(_SST2, "sentence", None, ("negative", "positive")),
        _data_set(_MRPC, *_PAIR, ("not_equivalent", "equivalent")),
        _data_set(_QQP, "question1", "question2", ("not_duplicate", "duplicate")),
        _data_set(_STSB, *_PAIR, None),
        _data_set(_MNLI_FILE, "premise", "hypothesis", INFERENCE),
        _data_set(_QNLI, *_QUESTION, _ENTAILMENT),
        _data_set(_RTE, *_PAIR, _ENTAILMENT),
        _data_set(_WNLI, *_PAIR, _ENTAILMENT[::-1]),
        replace(_data_set(_MNLI_FILE, "premise", "hypothesis", INFERENCE), name="xnli", columns=_XNLI_COLUMNS), _XNLI,
    ),
}
"""The layouts by the form of the files: those of GLUE's and XNLI's own, and those of data sets and JSON Lines."""

_PLAIN = (
    Layout(None, ("text", "label"), "text"), Layout(None, ("sentence", "label"), "sentence"),
    Layout(None, ("text", "text_pair", "label"), "text", "text_pair"),
)  # fmt: skip
"""Layouts that no data set of GLUE has, and whose names leave no doubt."""


def named_layouts(name: str) -> list[Layout]:
    """Returns a task's layouts by its name.

    Raises:
        UnknownNameError: When there is none; lists the known names.
    """
    every = [layout for layouts in LAYOUTS.values() for layout in layouts]
    found = [layout for layout in every if layout.name == name]
    if not found:
        raise UnknownNameError("layout", name, {str(layout.name) for layout in every})
    return found


def layout_of(table: Table, form: str, name: str | None = None) -> Layout:
    """Finds the layout of a training file by its columns and, where several have these, by its labels.

    Args:
        table: The training rows.
        form: Form of the files: ``tsv`` or ``data set``.
        name: Name of the layout, where the user gives it.

    Raises:
        DataError: When no layout has these columns, or several do and the labels do not decide.
        UnknownNameError: When there is no layout of the name given.
    """
    own = set(table.names) - IGNORED
    known = named_layouts(name) if name else [*LAYOUTS[form], *_PLAIN]
    found = [one for one in known if set(one.columns) == own or (one.is_open and own >= set(one.columns))]
    chosen = found if len(found) < 2 else _by_labels(table, found)
    if len(chosen) != 1:
        raise DataError(_unclear(table, chosen or found, name))
    return chosen[0]


def _by_labels(table: Table, layouts: Sequence[Layout]) -> list[Layout]:
    """Returns those of several layouts that a table's labels allow; the plain ones where no task of GLUE's has them."""
    label = layouts[0].label
    names, values = table.classes.get(label), table.column(label).values
    labels = set(map(str, values))

    def is_possible(layout: Layout) -> bool:
        if layout.classes is None:
            return names is None and all(isinstance(value, float) for value in values)
        if names is not None:
            return layout.classes == names
        return labels <= {*layout.classes, *map(str, range(len(layout.classes)))}

    possible = [one for one in layouts if one.name and is_possible(one)]
    exact = [one for one in possible if names is None and set(one.classes or ()) == labels]
    return exact if len(exact) == 1 else possible or [one for one in layouts if one.name is None]


def _unclear(table: Table, found: Iterable[Layout], name: str | None) -> str:
    columns = ", ".join(table.names) or "none"
    advice = "ame the columns: text=COLUMN, label=COLUMN, and text_pair=COLUMN where there are two texts"
    names = [one.name for one in found if one.name]
    if names:
        return f"{table.path}: the columns {columns} may be those of {', '.join(names)}. Say layout=NAME, or n{advice}."
    which = f"layout '{name}'" if name else "a data set of GLUE's"
    return f"{table.path}: the columns {columns} are not those of {which}. N{advice}."
