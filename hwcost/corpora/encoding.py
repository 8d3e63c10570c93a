"""Encodes a corpus block by block into flat files of numbers, so that neither the text nor its tokens are ever in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from hwcost.corpora.corpus import Corpus
from hwcost.corpora.tokenizer import Tokenizer

DTYPES = {"tokens": "<i4", "sentences": "<i8", "documents": "<i8"}
"""Numbers of each file: tokens, and the places where sentences and documents begin."""


def write(corpus: Corpus, tokenizer: Tokenizer, files: Mapping[str, IO[bytes]], content: Any = None) -> dict[str, int]:
    """Writes a corpus as numbers; returns how many each file got.

    Args:
        corpus: The text.
        tokenizer: Tokenizer of the text.
        files: Files that are open, by the names of :data:`DTYPES`.
        content: Hash that the text is added to; None for none.

    Raises:
        OSError: When a file cannot be written.
    """
    counts = dict.fromkeys(DTYPES, 0)

    def add(name: str, numbers: NDArray[Any]) -> None:
        files[name].write(np.ascontiguousarray(numbers, dtype=DTYPES[name]).tobytes())
        counts[name] += len(numbers)

    add("sentences", np.zeros(1))
    add("documents", np.zeros(1))
    for lengths, tokens, ends in _blocks(corpus, tokenizer, content):
        add("sentences", counts["tokens"] + np.cumsum(lengths))
        add("tokens", tokens)
        add("documents", ends)
    return counts


def _blocks(
    corpus: Corpus, tokenizer: Tokenizer, content: Any
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]]:
    """Yields runs of sentences: tokens of each, all tokens, and the number of sentences up to the end of each document."""
    held = 0
    for texts, ends in corpus.runs(content):
        pieces = [np.array(numbers, dtype=np.int32) for numbers in tokenizer.encode(texts)]
        lengths = np.array([len(piece) for piece in pieces], dtype=np.int64)
        kept = np.concatenate([[0], np.cumsum(lengths > 0)])
        yield lengths[lengths > 0], np.concatenate([*pieces, np.zeros(0, np.int32)]), held + kept[np.array(ends, dtype=int)]
        held += int(kept[-1])
