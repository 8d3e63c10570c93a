"""Text that supernets train on: corpora, tokenizers, and batches of masked language modelling.

Everything here is numpy; nothing needs torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hwcost.corpora.batches import MlmBatches
from hwcost.corpora.corpus import Corpus, Document
from hwcost.corpora.dataset_folder import dataset_folder, is_dataset_folder
from hwcost.corpora.standard_library import standard_library
from hwcost.corpora.text_files import text_files
from hwcost.corpora.tokenizer import Tokenizer
from hwcost.registry import made

__all__ = [
    "Corpus", "Document", "MlmBatches", "Tokenizer", "corpus", "dataset_folder", "standard_library",
    "text_files",
]  # fmt: skip


def corpus(source: str | Path = "stdlib", **options: Any) -> Corpus:
    """Reads a corpus from wherever it lies.

    Args:
        source: ``stdlib`` for the prose of Python's standard library, a folder written by ``save_to_disk`` of the library
            ``datasets``, a text file, or a folder of ``.txt`` files.
        **options: Options of that kind of source: ``column`` and ``split`` for a data set, none for the others.

    Raises:
        DataError: When the source cannot be read or holds no text.
        MissingExtraError: When a data set is given and ``datasets`` is not installed.
        UsageError: When the kind of source does not take an option.
    """
    what = f"corpus '{source}'"
    found: Corpus
    if source == "stdlib":
        found = made(what, standard_library, **options)
    elif is_dataset_folder(source):
        found = made(what, dataset_folder, source, **options)
    else:
        found = made(what, text_files, source, **options)
    return found
