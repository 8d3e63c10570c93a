"""A small classification task on any corpus: which part of it a passage comes from."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost.corpora.corpus import Corpus, Document
from hwcost.corpora.examples import Examples, examples
from hwcost.corpora.inputs import SHORTEST
from hwcost.corpora.order import Order
from hwcost.corpora.tokenizer import Tokenizer
from hwcost.errors import DataError, UsageError

TESTED = 0.2
"""Expected share of the sentences that the test part is made of."""


@dataclass(frozen=True)
class ClassificationTask:
    """Passages of the largest parts of a corpus, as many of each, in a train and a test part that share no sentence.

    Attributes:
        labels: Names of the classes.
        train: Examples to train on.
        test: Examples to judge by.
        seed: Decides the order of batches.
    """

    labels: tuple[str, ...]
    train: Examples
    test: Examples
    seed: int = 0

    @classmethod
    def from_corpus(
        cls, corpus: Corpus, tokenizer: Tokenizer, classes: int = 4, seq_len: int = 32, seed: int = 0
    ) -> ClassificationTask:
        """Makes the task.

        A document belongs to the part of its name before the first dot. Parts of several documents come before those of a
        single one, then those with more words. The hash of a sentence decides whether it goes to the train or the test
        part; on each side the sentences of a document are joined, in order, to passages that fill a sequence.

        Args:
            corpus: The text.
            tokenizer: Tokenizer of the text.
            classes: Number of classes.
            seq_len: Tokens of a sequence, special ones included.
            seed: Decides which passages of the larger classes are left out, and the order of batches.

        Raises:
            UsageError: When fewer than two classes or sequences of fewer than ``SHORTEST`` tokens are asked for, or the
                seed is negative.
            DataError: When the corpus has too few parts, or one of them too little text.
        """
        if classes < 2 or seq_len < SHORTEST or seed < 0:
            raise UsageError(
                f"a task needs at least 2 classes, {SHORTEST} tokens a sequence and a seed that is not negative, "
                f"got classes={classes}, seq_len={seq_len}, seed={seed}"
            )
        labels = _largest_parts(corpus, classes)
        sides = (_side(corpus, labels, tested) for tested in (False, True))
        train, test = (examples(side, labels, tokenizer, seq_len, seed) for side in sides)
        return cls(labels, train, test, seed)

    def batch(self, step: int, batch_size: int) -> dict[str, NDArray[np.int64]]:
        """Makes a batch of the train part; follows from the seed and the arguments alone.

        Args:
            step: Number of the step, from 0; every epoch visits each example once, in an order of its own.
            batch_size: Examples of the batch.

        Returns:
            The attributes of :class:`Examples` by name, each with ``batch_size`` rows.

        Raises:
            UsageError: When the step is negative or the batch empty.
        """
        if batch_size < 1:
            raise UsageError(f"a batch must have at least 1 example, got batch_size={batch_size}")
        return self.train.rows(Order(len(self.train), self.seed).step(step, batch_size))


def is_tested(sentence: str) -> bool:
    """Tells whether a sentence goes to the test part, by its hash."""
    return hashlib.sha256(sentence.encode()).digest()[0] < TESTED * 256


def _largest_parts(corpus: Corpus, classes: int) -> tuple[str, ...]:
    words: Counter[str] = Counter()
    for document in corpus:
        words[document.part] += document.words
    documents = Counter(document.part for document in corpus)
    if len(words) < classes:
        raise DataError(
            f"{corpus.source}: its documents belong to {len(words)} parts ({', '.join(sorted(words))}), fewer than the "
            f"{classes} classes asked for. Ask for fewer, or give text in more folders."
        )
    ranked = sorted(words, key=lambda name: (documents[name] == 1, -words[name], name))
    return tuple(sorted(ranked[:classes]))


def _side(corpus: Corpus, labels: tuple[str, ...], tested: bool) -> Corpus:
    """Returns the sentences of these parts that belong to one side."""
    chosen = (document for document in corpus if document.part in labels)
    kept = (Document(one.name, tuple(text for text in one.sentences if is_tested(text) is tested)) for one in chosen)
    return Corpus(kept, f"{corpus.source}, {'test' if tested else 'train'} part of the classes")
