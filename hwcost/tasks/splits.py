"""The splits of a labelled folder: which file, or part of a data set, is to train on and which to judge by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hwcost.corpora.dataset_folder import is_dataset_folder
from hwcost.errors import DataError
from hwcost.tasks.conllu import read_conllu
from hwcost.tasks.json_lines import read_json_lines
from hwcost.tasks.saved_dataset import read_saved_dataset
from hwcost.tasks.table import Table
from hwcost.tasks.tsv import read_tsv

__all__ = ["Splits", "read_splits"]

READERS = {".tsv": read_tsv, ".jsonl": read_json_lines, ".conllu": read_conllu}
"""Readers by the ending of files."""
FORMS = {".tsv": "tsv", ".jsonl": "data set", ".conllu": "words"}

TRAIN = "train"
VALIDATION = (("validation", "dev"), ("validation_matched", "dev_matched"), ("validation_mismatched", "dev_mismatched"))
"""Names of the splits to judge by, each as data sets and as GLUE's files call it."""

EXPECTED = (
    "Expected train and validation (or dev, or validation_matched and validation_mismatched) as .tsv, .jsonl or .conllu "
    "files, or a folder that save_to_disk of the library datasets wrote"
)


@dataclass(frozen=True)
class Splits:
    """The tables of a folder.

    Attributes:
        form: Form of the files: ``tsv``, ``data set`` or ``words``.
        train: Rows to train on.
        validation: Rows to judge by, by the name of the split.
    """

    form: str
    train: Table
    validation: Mapping[str, Table]


def read_splits(folder: Path) -> Splits:
    """Reads a folder's splits.

    Raises:
        DataError: When there is no such folder, it lacks a split or has one twice, or a file cannot be read.
        MissingExtraError: When it is a data set and ``datasets`` is not installed.
    """
    if not folder.is_dir():
        what = "this is a file" if folder.exists() else "there is no such folder"
        raise DataError(f"{folder}: {what}. {EXPECTED}; or the name of a task.")
    if is_dataset_folder(folder):
        tables = read_saved_dataset(folder)
        chosen = _chosen(folder, tables)
        return Splits("data set", tables[chosen.pop(TRAIN)], {name: tables[found] for name, found in chosen.items()})
    ending = _ending(folder)
    files = dict(_files(folder, ending))
    read = {name: READERS[ending](files[found]) for name, found in _chosen(folder, files).items()}
    return Splits(FORMS[ending], read.pop(TRAIN), read)


def _ending(folder: Path) -> str:
    endings = sorted({path.suffix for path in folder.iterdir() if path.suffix in READERS and path.is_file()})
    if len(endings) != 1:
        found = f"files of several kinds, {', '.join(endings)}" if endings else "no file of a labelled task"
        raise DataError(f"{folder}: the folder holds {found}. {EXPECTED}, of one kind.")
    return endings[0]


def _files(folder: Path, ending: str) -> Iterator[tuple[str, Path]]:
    """Yields files by split; in Universal Dependencies the split is the last part of a file's name, ``en_ewt-ud-dev``."""
    for path in sorted(folder.glob(f"*{ending}")):
        yield path.stem.rpartition("-")[2] if ending == ".conllu" else path.stem, path


def _chosen(folder: Path, known: Iterable[str]) -> dict[str, str]:
    """Returns the names of the splits that are used, as data sets call them, with what they are called here."""
    names = list(known)
    found = {TRAIN: TRAIN} if TRAIN in names else {}
    for aliases in VALIDATION:
        here = [name for name in aliases if name in names]
        if len(here) > 1:
            raise DataError(f"{folder}: {here[0]} and {here[1]} are one split twice. Remove one of them.")
        if here:
            found[aliases[0]] = here[0]
    if TRAIN not in found or len(found) < 2:
        lacking = "validation" if TRAIN in found else TRAIN
        raise DataError(f"{folder}: there is no split '{lacking}'. Found: {', '.join(names) or 'none'}. {EXPECTED}.")
    return found
