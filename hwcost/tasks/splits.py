"""The splits of a labelled folder: which file, or part of a data set, is to train on and which to judge by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hwcost.corpora.dataset_folder import is_dataset_folder
from hwcost.errors import DataError
from hwcost.tasks.conllu import read_conllu
from hwcost.tasks.iob import read_iob
from hwcost.tasks.json_lines import read_json_lines
from hwcost.tasks.saved_dataset import read_saved_dataset
from hwcost.tasks.squad_json import read_squad
from hwcost.tasks.table import Table
from hwcost.tasks.tsv import read_tsv

__all__ = ["Splits", "read_splits"]

READERS = {
    ".tsv": read_tsv, ".jsonl": read_json_lines, ".conllu": read_conllu, ".json": read_squad, ".iob2": read_iob,
    ".conll": read_iob, "": read_iob,
}  # fmt: skip
"""Readers by the ending of files; WikiAnn's have none."""
FORMS = {".tsv": "tsv", ".conllu": "words"}
"""Forms of files with columns of their own; the others have those of data sets."""
UNMARKED = (".json", "")
"""Endings of other files too, which count only where the file has the name of a split."""

TRAIN = "train"
VALIDATION = (("validation", "dev"), ("validation_matched", "dev_matched"), ("validation_mismatched", "dev_mismatched"))
"""Names of the splits to judge by, each as data sets and as GLUE's files call it."""

EXPECTED = (
    "Expected train and validation (or dev, or validation_matched and validation_mismatched) as .tsv, .jsonl, .conllu, "
    ".iob2 or SQuAD's .json files, or a folder that save_to_disk of the library datasets wrote"
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


def read_splits(folder: Path, train: Table | None = None) -> Splits:
    """Reads a folder's splits.

    Args:
        folder: The folder.
        train: Rows to train on in place of the folder's own, which it then need not have.

    Raises:
        DataError: When there is no such folder, it lacks a split or has one twice, or a file cannot be read.
        MissingExtraError: When it is a data set and ``datasets`` is not installed.
    """
    if not folder.is_dir():
        what = "this is a file" if folder.exists() else "there is no such folder"
        raise DataError(f"{folder}: {what}. {EXPECTED}; or the name of a task.")
    if is_dataset_folder(folder):
        tables = read_saved_dataset(folder)
        chosen = _chosen(folder, tables, train is None)
        own = tables[chosen[TRAIN]] if train is None else train
        return Splits("data set", own, {name: tables[found] for name, found in chosen.items() if name != TRAIN})
    ending = _ending(folder)
    files: dict[str, Path] = {}
    for split, path in _files(folder, ending):
        if split in files:
            raise DataError(f"{folder}: {files[split].name} and {path.name} are one split twice. Remove one of them.")
        files[split] = path
    read = {name: READERS[ending](files[found]) for name, found in _chosen(folder, files, train is None).items()}
    return Splits(FORMS.get(ending, "data set"), read.pop(TRAIN) if train is None else train, read)


def _ending(folder: Path) -> str:
    endings = sorted({path.suffix for path in folder.iterdir() if path.is_file() and _is_labelled(path)})
    if len(endings) != 1:
        several = f"files of several kinds, {', '.join(one or 'no ending' for one in endings)}"
        found = several if endings else "no file of a labelled task"
        raise DataError(f"{folder}: the folder holds {found}. {EXPECTED}, of one kind.")
    return endings[0]


def _is_labelled(path: Path) -> bool:
    names = {TRAIN, *(name for aliases in VALIDATION for name in aliases)}
    return path.suffix in READERS and (path.suffix not in UNMARKED or _split_of(path) in names)


def _split_of(path: Path) -> str:
    """Returns the split that a file holds.

    It is the last part of a file's name in Universal Dependencies, ``en_ewt-ud-dev``, and in XNLI, ``xnli.dev``; the first
    one in SQuAD, ``dev-v1.1``.
    """
    if path.suffix == ".json":
        return path.stem.partition("-")[0]
    return path.stem.rpartition("-" if path.suffix == ".conllu" else ".")[2]


def _files(folder: Path, ending: str) -> Iterator[tuple[str, Path]]:
    """Yields files by split."""
    for path in sorted(folder.iterdir()):
        if path.suffix == ending and path.is_file() and _is_labelled(path):
            yield _split_of(path), path


def _chosen(folder: Path, known: Iterable[str], trains: bool) -> dict[str, str]:
    """Returns the names of the splits that are used, as data sets call them, with what they are called here.

    Args:
        folder: The folder, for messages.
        known: Names of the splits that are there.
        trains: Whether the one to train on is used.
    """
    names = list(known)
    found: dict[str, str] = {}
    for aliases in VALIDATION:
        here = [name for name in aliases if name in names]
        if len(here) > 1:
            raise DataError(f"{folder}: {here[0]} and {here[1]} are one split twice. Remove one of them.")
        if here:
            found[aliases[0]] = here[0]
    lacks_train = trains and TRAIN not in names
    if lacks_train or not found:
        lacking = TRAIN if lacks_train else "validation"
        raise DataError(f"{folder}: there is no split '{lacking}'. Found: {', '.join(names) or 'none'}. {EXPECTED}.")
    return {TRAIN: TRAIN, **found} if trains else found
