"""A corpus as numbers: all its tokens in one flat array, with the places where sentences and documents begin."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost.corpora.corpus import Corpus
from hwcost.corpora.tokenizer import Tokenizer

AT_ONCE = 4096
"""Sentences given to the tokenizer at a time."""


@dataclass(frozen=True)
class Encoded:
    """Tokens of a corpus; sentences without any token are left out.

    Attributes:
        tokens: Shape (tokens,).
        sentences: Shape (sentences + 1,): sentence i is ``tokens[sentences[i]:sentences[i + 1]]``.
        documents: Shape (documents + 1,): document i holds the sentences from ``documents[i]`` to before
            ``documents[i + 1]``.
    """

    tokens: NDArray[np.int32]
    sentences: NDArray[np.int64]
    documents: NDArray[np.int64]

    def passages(self, room: int, least: int = 1) -> NDArray[np.int64]:
        """Parts every document into runs of whole sentences that fill the room as far as they go.

        A run of ``least`` sentences may be larger than the room. Where fewer are left over at the end of a document, the
        run takes in sentences of the one before it; a document with fewer gives none.

        Args:
            room: Tokens a run may hold.
            least: Sentences a run must hold.

        Returns:
            Shape (runs, 2): the first sentence of each, and the one after its last.
        """
        runs = [run for first, end in itertools.pairwise(self.documents.tolist())
                for run in self._runs(first, end, room, least)]
        return np.array(runs, dtype=np.int64).reshape(-1, 2)

    def _runs(self, first: int, end: int, room: int, least: int) -> Iterator[tuple[int, int]]:
        if end - first < least:
            return
        while first < end:
            first = min(first, end - least)
            filled = int(np.searchsorted(self.sentences, self.sentences[first] + room, side="right")) - 1
            after = min(max(filled, first + least), end)
            yield first, after
            first = after


def encode(corpus: Corpus, tokenizer: Tokenizer) -> Encoded:
    """Encodes every sentence of a corpus, once.

    Args:
        corpus: The text.
        tokenizer: Tokenizer of the text.
    """
    pieces = list(_pieces(corpus, tokenizer))
    lengths = np.array([len(piece) for piece in pieces], dtype=np.int64)
    owners = np.repeat(np.arange(len(corpus)), [len(document.sentences) for document in corpus])[lengths > 0]
    held = np.bincount(owners, minlength=len(corpus))
    return Encoded(np.concatenate(pieces), _offsets(lengths[lengths > 0]), _offsets(held))


def _pieces(corpus: Corpus, tokenizer: Tokenizer) -> Iterator[NDArray[np.int32]]:
    texts = (sentence for document in corpus for sentence in document.sentences)
    while some := list(itertools.islice(texts, AT_ONCE)):
        yield from sentence_tokens(some, tokenizer)


def sentence_tokens(texts: Sequence[str], tokenizer: Tokenizer) -> list[NDArray[np.int32]]:
    """Returns the tokens of each sentence."""
    return [np.array(numbers, dtype=np.int32) for numbers in tokenizer.encode(texts)]


def _offsets(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
