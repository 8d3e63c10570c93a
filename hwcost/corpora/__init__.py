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
from hwcost.corpora.token_files import TokenFiles, is_token_folder, prepare, token_folder
from hwcost.corpora.tokenizer import Tokenizer
from hwcost.corpora.words import WordBatches
from hwcost.registry import made

__all__ = [
    "Corpus", "Document", "MlmBatches", "TokenFiles", "Tokenizer", "WordBatches", "corpus", "dataset_folder", "halves",
    "prepare", "standard_library", "text_files", "token_folder",
]  # fmt: skip


def halves(source: str | Path, held_out: float) -> tuple[Corpus | TokenFiles, Corpus | TokenFiles]:
    """Returns the text of a source to train on, and held-out text; see :func:`corpus` and :meth:`Corpus.split`.

    Args:
        source: Anything that :func:`corpus` reads, or a folder that :func:`prepare` wrote, which is divided already.
        held_out: Expected share of documents that are held out.
    """
    return token_folder(source) if is_token_folder(source) else corpus(source).split(held_out)


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
