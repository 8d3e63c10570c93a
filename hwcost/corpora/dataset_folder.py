"""A corpus from a data set that the library ``datasets`` of Hugging Face saved to disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hwcost._extras import imported
from hwcost.corpora.corpus import Corpus, Document, LazyDocuments
from hwcost.corpora.sentences import sentences
from hwcost.errors import DataError

MARKS = ("state.json", "dataset_dict.json")
"""Files by which such a folder is recognised: of one data set, and of several splits."""


def is_dataset_folder(path: str | Path) -> bool:
    """Tells whether ``save_to_disk`` wrote this folder."""
    return any((Path(path) / mark).is_file() for mark in MARKS)


def dataset_folder(path: str | Path, column: str = "text", split: str | None = None) -> Corpus:
    """Reads one column of text: a document per row, named after its split and number.

    The rows stay on disk, as the library maps them, and are read when they are asked for.

    Args:
        path: A folder written by ``Dataset.save_to_disk`` or ``DatasetDict.save_to_disk``.
        column: The column that holds the text.
        split: Name of the split; None takes ``train`` where there are splits.

    Raises:
        MissingExtraError: When ``datasets`` is not installed.
        DataError: When the folder cannot be read, lacks the split or the column, or the column holds no text.
    """
    rows = _split(path, load(path), split)
    if column not in rows.column_names:
        raise DataError(f"{path}: there is no column '{column}'. Known: {', '.join(rows.column_names)}. Name one of them.")
    return Corpus(Rows(path, rows.select_columns([column]), column, split or str(rows.split or "train")), str(path))


def load(path: str | Path) -> Any:
    """Loads a folder that the library ``datasets`` saved: a data set, or a dictionary of data sets by split.

    Raises:
        MissingExtraError: When ``datasets`` is not installed.
        DataError: When the folder cannot be read.
    """
    library = imported("datasets", "hf")
    try:
        return library.load_from_disk(str(path))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: this is not a data set on disk, or it is damaged: {error}. Give a folder written by save_to_disk."
        ) from None


def _split(path: str | Path, loaded: Any, split: str | None) -> Any:
    if not isinstance(loaded, dict):
        if split not in (None, str(loaded.split)):
            raise DataError(f"{path}: there is no split '{split}': the folder holds a single data set. Name no split.")
        return loaded
    wanted = split or "train"
    if wanted not in loaded:
        raise DataError(f"{path}: there is no split '{wanted}'. Known: {', '.join(loaded)}. Name one of them.")
    return loaded[wanted]


class Rows(LazyDocuments):
    """The rows of a data set that hold text; each is read once here, and again whenever it is asked for.

    Args:
        path: Folder of the data set, for messages.
        rows: The data set, with one column.
        column: The column.
        split: Name of the split.

    Raises:
        DataError: When a row holds no text.
    """

    def __init__(self, path: str | Path, rows: Any, column: str, split: str) -> None:
        self._path, self._rows, self._column, self._split = path, rows, column, split
        self._numbers = np.flatnonzero([bool(text.strip()) for text in self._texts()])

    def __len__(self) -> int:
        return len(self._numbers)

    def name(self, index: int) -> str:
        """See the base class."""
        return f"{self._split}.{self._numbers[index]}"

    def read(self, index: int) -> Document:
        """See the base class."""
        return Document(self.name(index), tuple(sentences(self._rows[int(self._numbers[index])][self._column])))

    def _texts(self) -> Iterator[str]:
        for number, row in enumerate(self._rows):
            text = row[self._column]
            if not isinstance(text, str):
                what = "nothing" if text is None else type(text).__name__
                raise DataError(
                    f"{self._path}: row {number} of column '{self._column}' holds {what}, not text. Name a column of text."
                )
            yield text
