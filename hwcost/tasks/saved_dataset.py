"""Tables of a data set that the library ``datasets`` of Hugging Face saved to disk, by split."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hwcost.corpora.dataset_folder import load
from hwcost.errors import DataError
from hwcost.tasks.table import Table


def read_saved_dataset(folder: Path) -> Mapping[str, Table]:
    """Reads a folder that ``DatasetDict.save_to_disk`` wrote: a table per split.

    Raises:
        MissingExtraError: When ``datasets`` is not installed.
        DataError: When the folder cannot be read, or holds a single data set without splits.
    """
    loaded = load(folder)
    if not isinstance(loaded, dict):
        raise DataError(f"{folder}: this is a single data set. Expected splits: a DatasetDict with train and validation.")
    return {name: _table(f"{folder}, split {name}", rows) for name, rows in loaded.items()}


def _table(path: str, rows: Any) -> Table:
    names = {name: found for name, feature in rows.features.items() if (found := _class_names(feature))}
    return Table(
        path, tuple(rows.column_names), lambda name: rows.with_format(None)[name][:], range(len(rows)), "row", names
    )


def _class_names(feature: Any) -> tuple[str, ...]:
    """Returns the names of the classes of a column of labels, or of lists of labels; none of any other."""
    inner = getattr(feature, "feature", feature)
    return tuple(getattr(inner, "names", None) or ())
