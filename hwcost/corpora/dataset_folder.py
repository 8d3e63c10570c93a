"""A corpus from a data set that the library ``datasets`` of Hugging Face saved to disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hwcost._extras import imported
from hwcost.corpora.corpus import Corpus, Document
from hwcost.corpora.sentences import sentences
from hwcost.errors import DataError

MARKS = ("state.json", "dataset_dict.json")
"""Files by which such a folder is recognised: of one data set, and of several splits."""


def is_dataset_folder(path: str | Path) -> bool:
    """Tells whether ``save_to_disk`` wrote this folder."""
    return any((Path(path) / mark).is_file() for mark in MARKS)


def dataset_folder(path: str | Path, column: str = "text", split: str | None = None) -> Corpus:
    """Reads one column of text into memory: a document per row, named after its split and number.

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
    return Corpus(_documents(path, rows, column, split or str(rows.split or "train")), str(path))


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


def _documents(path: str | Path, rows: Any, column: str, split: str) -> Iterator[Document]:
    for number, row in enumerate(rows.select_columns([column])):
        text = row[column]
        if not isinstance(text, str):
            what = "nothing" if text is None else type(text).__name__
            raise DataError(f"{path}: row {number} of column '{column}' holds {what}, not text. Name a column of text.")
        yield Document(f"{split}.{number}", tuple(sentences(text)))
