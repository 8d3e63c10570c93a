"""A small made-up corpus, and a tokenizer that knows its words: what batches hold can be told without a library."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from hwcost.corpora.corpus import Corpus, Document

LENGTHS = (5, 9, 4, 12, 7)
"""Words of the sentences of a document, over and over."""


def synthetic(documents: int = 12, sentences: int = 10, parts: int = 4) -> Corpus:
    """Every word of it is unique: ``d3s1w2`` is word 2 of sentence 1 of document 3."""
    return Corpus(
        [
            Document(f"part{d % parts}.doc{d}", tuple(sentence(d, s) for s in range(sentences)))
            for d in range(documents)
        ],
        "the made-up corpus",
    )  # fmt: skip


def sentence(document: int, number: int) -> str:
    return " ".join(f"d{document}s{number}w{word}" for word in range(LENGTHS[number % len(LENGTHS)]))


@dataclass
class Words:
    """A tokenizer for which every word is a token; the special ones lie among the others, as in BERT's vocabulary."""

    corpus: Corpus
    pad, unknown, start, separator, mask = 0, 7, 3, 4, 9

    def __post_init__(self) -> None:
        words = {word for document in self.corpus for text in document.sentences for word in text.split()}
        free = (number for number in itertools.count() if number not in self.specials)
        self.vocabulary = dict(zip(sorted(words), free, strict=False))

    @property
    def specials(self) -> tuple[int, ...]:
        return (self.pad, self.unknown, self.start, self.separator, self.mask)

    @property
    def size(self) -> int:
        return max(*self.vocabulary.values(), *self.specials) + 1

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        return [[self.vocabulary.get(word, self.unknown) for word in text.split()] for text in texts]
