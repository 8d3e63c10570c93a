"""XNLI's own training files: MNLI's training split, translated by machine, a file per language.

Source: Conneau et al., "XNLI: Evaluating Cross-lingual Sentence Representations" (translated training data), and the files
that it distributes as ``XNLI-MT``: ``multinli.train.de.tsv`` and its like with the columns ``premise``, ``hypo`` and
``label``, which call contradictions ``contradictory``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hwcost.errors import DataError, UsageError
from hwcost.tasks.layouts import INFERENCE
from hwcost.tasks.table import Table
from hwcost.tasks.tsv import read_tsv

__all__ = ["translated"]

BEFORE, ENDING = "multinli.train.", ".tsv"
"""Parts of the name of a file before and behind the language."""
OTHER_NAMES = {"contradictory": "contradiction"}
"""Names of classes in these files that differ from those of the files to judge by."""

COLUMNS = ("language", "sentence1", "sentence2", "gold_label")
"""Names of the columns here, as XNLI's files to judge by have them."""


def translated(path: str | Path, languages: str | None = None) -> Table:
    """Reads training rows in one or several languages, under the names that the columns of XNLI's other files have.

    Args:
        path: Folder of the files, or one of them.
        languages: Languages to take, joined by ``+``, such as ``de+sw``; None for all that are there.

    Raises:
        DataError: When there is no such file, a column is missing, or a label is not one; names file and line.
        UsageError: When a file and languages are given.
    """
    files = _files(Path(path))
    if languages is not None:
        if Path(path).is_file():
            raise UsageError(f"train={path} is a file of one language: leave train_languages={languages} out")
        wanted = languages.split("+")
        missing = [one for one in wanted if one not in files]
        if missing:
            raise DataError(f"{path}: there is no {BEFORE}{missing[0]}{ENDING}. Known languages: {', '.join(files)}.")
        files = {one: files[one] for one in wanted}
    read = [(language, *columns) for language, file in files.items() for columns in _rows(read_tsv(file))]
    values = dict(zip(COLUMNS, map(list, zip(*read, strict=True)), strict=True))
    return Table(str(path), COLUMNS, values.__getitem__, range(1, 1 + len(read)), unit="row")


def _files(path: Path) -> dict[str, Path]:
    """Returns the files by their languages."""
    candidates = [path] if path.is_file() else sorted(path.iterdir()) if path.is_dir() else []
    found = {
        file.name.removeprefix(BEFORE).removesuffix(ENDING): file
        for file in candidates if file.name.startswith(BEFORE) and file.name.endswith(ENDING)
    }  # fmt: skip
    if not found:
        what = "there is no such file or folder" if not path.exists() else f"there is no file {BEFORE}LANGUAGE{ENDING}"
        raise DataError(f"{path}: {what}. Expected those of XNLI-MT, such as {BEFORE}de{ENDING}.")
    return found


def _rows(table: Table) -> Iterator[tuple[str, str, str]]:
    """Yields premise, hypothesis and class of every row of a file."""
    premises, hypotheses, labels = (table.column(name) for name in ("premise", "hypo", "label"))
    if not len(table):
        raise DataError(f"{table.path}: there is no example in it. Expected at least one.")
    named = [OTHER_NAMES.get(label, label) for label in labels.values]
    for row, label in enumerate(named):
        if label not in INFERENCE:
            raise labels.wrong(row, f"one of {', '.join((*INFERENCE, *OTHER_NAMES))}")
    return zip(premises.values, hypotheses.values, named, strict=True)
