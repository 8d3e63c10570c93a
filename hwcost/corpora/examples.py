"""Passages with the classes they belong to, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost.corpora.corpus import Corpus
from hwcost.corpora.encoded import encode
from hwcost.corpora.inputs import Segments, inputs
from hwcost.corpora.tokenizer import Tokenizer
from hwcost.errors import DataError


@dataclass(frozen=True)
class Examples:
    """Passages and the classes they belong to.

    Attributes:
        input_ids: Shape (n, seq_len).
        attention_mask: Shape (n, seq_len); 0 on padding.
        token_type_ids: Shape (n, seq_len); all 0.
        labels: Shape (n,): places in the task's ``labels``.
    """

    input_ids: NDArray[np.int64]
    attention_mask: NDArray[np.int64]
    token_type_ids: NDArray[np.int64]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, chosen: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
        """Returns some of the examples, by attribute."""
        return {name: values[chosen] for name, values in vars(self).items()}


def examples(corpus: Corpus, labels: tuple[str, ...], tokenizer: Tokenizer, seq_len: int, seed: int) -> Examples:
    """Cuts documents into passages of whole sentences that fill a sequence, and takes as many of each class.

    Args:
        corpus: Documents of these classes only.
        labels: The classes: parts of the corpus.
        tokenizer: Tokenizer of the text.
        seq_len: Tokens of a sequence, special ones included; a longer sentence is cut.
        seed: Decides which passages of the larger classes are left out.

    Raises:
        DataError: When a class has no passage.
    """
    encoded = encode(corpus, tokenizer)
    runs = encoded.passages(seq_len - 2)
    owners = np.searchsorted(encoded.documents, runs[:, 0], side="right") - 1
    classes = np.array([labels.index(document.part) for document in corpus])[owners]
    counts = np.bincount(classes, minlength=len(labels))
    if not counts.all():
        raise DataError(f"{corpus.source}: there is no passage of '{labels[int(counts.argmin())]}'. Give more text of it.")
    chosen = _balanced(classes, int(counts.min()), np.random.default_rng(seed))
    starts, ends = encoded.sentences[runs[chosen].T]
    segments = Segments(starts, np.minimum(ends - starts, seq_len - 2))
    return Examples(**inputs(encoded.tokens, (segments,), seq_len, tokenizer), labels=classes[chosen])


def _balanced(classes: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Chooses so many rows of every class, in the order of the text."""
    mixed = rng.permutation(len(classes))
    chosen = [mixed[classes[mixed] == label][:count] for label in range(classes.max() + 1)]
    return np.sort(np.concatenate(chosen))
