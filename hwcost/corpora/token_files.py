"""A corpus as token numbers on disk: written once, mapped into memory, and so of any size.

A folder holds ``header.json``, ``tokenizer.json`` and, for text to train on and for held-out text, three flat arrays of
little-endian numbers: tokens (int32), and the places where sentences and documents begin (int64), as
:class:`~hwcost.corpora.encoded.Encoded` has them. Several processes that map one folder share the memory.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._io import write_text
from hwcost.corpora.corpus import Corpus
from hwcost.corpora.encoded import Encoded, mapped
from hwcost.corpora.encoding import DTYPES, write
from hwcost.corpora.tokenizer import Tokenizer
from hwcost.errors import DataError, UsageError
from hwcost.files import cannot_write

__all__ = ["TokenFiles", "is_token_folder", "prepare", "token_folder"]

HEADER = "header.json"
KIND, VERSION = "hwcost tokens", 1
SIDES = ("training", "held-out")


@dataclass(frozen=True)
class TokenFiles:
    """One side of such a folder, in place of a corpus and its encoding.

    Attributes:
        source: Name of the place, for messages.
        digest: SHA-256 of the text that was encoded, in hexadecimal.
        encoded: Tokens, mapped and not read.
        tokenizer: Tokenizer that made them.
    """

    source: str
    digest: str
    encoded: Encoded
    tokenizer: Tokenizer


def is_token_folder(path: str | Path) -> bool:
    """Tells whether :func:`prepare` wrote this folder."""
    return (Path(path) / HEADER).is_file()


def prepare(training: Corpus, held_out: Corpus, tokenizer: Tokenizer, folder: str | Path) -> None:
    """Encodes text into a folder, a few thousand sentences at a time; the folder appears when it is whole.

    Args:
        training: Text to train on.
        held_out: Text to judge by.
        tokenizer: Tokenizer of the text, which is saved with it.
        folder: The folder.

    Raises:
        UsageError: When the folder is there already, or cannot be written.
        StoreError: When the disk is full, or it fails.
    """
    target = Path(folder)
    if target.exists():
        raise UsageError(f"'{folder}' is there already. Give --out another folder, or remove it")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.mkdir(parents=True)
        header: dict[str, Any] = {"kind": KIND, "schema_version": VERSION, "dtypes": DTYPES}
        for side, corpus in zip(SIDES, (training, held_out), strict=True):
            header[side] = {"source": corpus.source, **_write(corpus, tokenizer, part, side)}
        tokenizer.save(part)
        write_text(part / HEADER, json.dumps(header, indent=1))
        os.rename(part, target)
    except OSError as error:
        raise cannot_write(f"'{folder}'", error) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def token_folder(folder: str | Path) -> tuple[TokenFiles, TokenFiles]:
    """Opens such a folder: text to train on, and held-out text.

    Raises:
        DataError: When it is damaged, or another version of hwcost wrote it.
        MissingExtraError: When ``tokenizers`` is not installed.
    """
    path = Path(folder)
    try:
        header = json.loads((path / HEADER).read_text(encoding="utf-8"))
        if (header["kind"], header["schema_version"]) != (KIND, VERSION):
            raise DataError(f"'{folder}' was written by another version of hwcost. Prepare the corpus again")
        tokenizer = Tokenizer.load(path)
        first, second = (
            TokenFiles(f"{folder}, {side}", header[side]["digest"], _mapped(path, side, header[side]), tokenizer)
            for side in SIDES
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"'{folder}' holds no tokens of a corpus, or it is damaged: {error}. Prepare it again") from None
    return first, second


def _mapped(folder: Path, side: str, counts: dict[str, Any]) -> Encoded:
    arrays: dict[str, NDArray[Any]] = {}
    for name, dtype in DTYPES.items():
        path, count = folder / f"{side}.{name}", int(counts[name])
        if path.stat().st_size != count * np.dtype(dtype).itemsize:
            raise ValueError(f"'{path.name}' has not the size of {count} numbers")
        arrays[name] = mapped(path, name, count)
    return Encoded(**arrays)


def _write(corpus: Corpus, tokenizer: Tokenizer, folder: Path, side: str) -> dict[str, Any]:
    """Writes one side; returns how many numbers each file has, and the digest of the text."""
    content = hashlib.sha256()
    with ExitStack() as opened:
        files = {name: opened.enter_context((folder / f"{side}.{name}").open("wb")) for name in DTYPES}
        counts = write(corpus, tokenizer, files, content)
    return {**counts, "digest": content.hexdigest()}
