"""Batches for masked language modelling, each computed from its number alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hwcost.corpora.corpus import Corpus
from hwcost.corpora.encoded import encode
from hwcost.corpora.inputs import SHORTEST, inputs
from hwcost.corpora.masking import Masking
from hwcost.corpora.order import Order
from hwcost.corpora.sequences import Pairs, Stream
from hwcost.corpora.token_files import TokenFiles
from hwcost.corpora.tokenizer import Tokenizer
from hwcost.errors import DataError, UsageError

COUNTED = 2**22
"""Number of tokens, at most, by which frequencies are found."""

_BATCH = 1
"""Separates the random numbers of a batch from those of the order of an epoch."""


class MlmBatches:
    """Batches of a corpus: sequences in an order of their own for each epoch, masked anew each time.

    A batch follows from the seed and its step alone: a training that resumes at any step sees what it would have seen
    without the break, and no state of the batches has to be saved. The text is encoded once, here, unless it is on disk as
    tokens already, which are mapped and not read.

    Args:
        corpus: The text, or its tokens on disk.
        tokenizer: Tokenizer of the text.
        seq_len: Tokens of a sequence, special ones included.
        batch_size: Sequences of a batch.
        seed: Seed of order and masking, not negative.
        next_sentence: Whether sequences are pairs of segments, with a label that says whether the second follows the first.
        mask_probability: Chance of a token to be chosen for prediction.

    Raises:
        UsageError: When ``seq_len`` is below ``SHORTEST``, the batch has no sequence, the seed is negative, or the
            probability is not above 0 and below 1.
        DataError: When the corpus gives fewer sequences than a batch holds, or no pairs.
    """

    def __init__(
        self, corpus: Corpus | TokenFiles, tokenizer: Tokenizer, seq_len: int, batch_size: int, seed: int = 0,
        next_sentence: bool = False, mask_probability: float = 0.15,
    ) -> None:  # fmt: skip
        _check(seq_len, batch_size, mask_probability)
        self.seq_len = seq_len
        self.batch_size = batch_size
        self._tokenizer = tokenizer
        self._masking = Masking(tokenizer, mask_probability)
        encoded = corpus.encoded if isinstance(corpus, TokenFiles) else encode(corpus, tokenizer)
        self._tokens = encoded.tokens
        self._sequences = Pairs(encoded, seq_len - 3) if next_sentence else Stream(encoded, seq_len - 2)
        self._order = Order(len(self._sequences), seed)
        if self.sequences < batch_size:
            raise DataError(
                f"{corpus.source}: {self.tokens} tokens give {self.sequences} sequences of {seq_len}, fewer than a batch of "
                f"{batch_size}. Give more text, or a smaller batch or sequence."
            )

    @property
    def tokens(self) -> int:
        """Number of tokens of the corpus."""
        return len(self._tokens)

    @property
    def sequences(self) -> int:
        """Number of sequences, which is how many an epoch visits."""
        return len(self._sequences)

    def __len__(self) -> int:
        """Steps after which every sequence was visited; the last of them may begin the next epoch."""
        return -(-self.sequences // self.batch_size)

    @property
    def mask(self) -> int:
        """Number of the word piece ``[MASK]``."""
        return self._tokenizer.mask

    def frequencies(self) -> NDArray[np.float64]:
        """Returns the share of each word piece in the text, (word pieces of the tokenizer,), by which words can be guessed.

        Of a long text, evenly spaced tokens are counted. Every word piece counts once more than it was found, so that none
        has the share 0; the special ones, which are not to be predicted, count once.
        """
        counted = self._tokens[:: -(-self.tokens // COUNTED)]
        counts = np.bincount(counted, minlength=self._tokenizer.size) + 1.0
        counts[list(self._tokenizer.specials)] = 1
        frequencies: NDArray[np.float64] = counts / counts.sum()
        return frequencies

    def batch(self, step: int) -> dict[str, NDArray[np.int64]]:
        """Makes the batch of a step, from 0 on; epochs follow each other without end.

        Returns:
            ``input_ids``, ``attention_mask``, ``token_type_ids`` and ``labels`` (the true token where it is to be predicted,
            -100 elsewhere), each of shape (batch_size, seq_len); with next-sentence prediction also ``is_next`` of shape
            (batch_size,), 1 where the second segment follows the first.

        Raises:
            UsageError: When the step is negative.
        """
        rows = self._order.step(step, self.batch_size)
        rng = np.random.default_rng([self._order.seed, step, _BATCH])
        segments, is_next = self._sequences.draw(rows, rng)
        made = inputs(self._tokens, segments, self.seq_len, self._tokenizer)
        made["input_ids"], made["labels"] = self._masking.apply(made["input_ids"], rng)
        return made if is_next is None else {**made, "is_next": is_next}

    def steps(self, first: int = 0, count: int | None = None) -> Iterator[dict[str, NDArray[np.int64]]]:
        """Yields batches in order.

        Args:
            first: The step to begin at.
            count: Number of batches; None for an endless stream.
        """
        numbers = itertools.count(first) if count is None else range(first, first + count)
        return map(self.batch, numbers)

    def fixed(self, count: int) -> list[dict[str, NDArray[np.int64]]]:
        """Returns the first batches, masked once and for all: for judging models by the same task."""
        return list(self.steps(0, count))


def _check(seq_len: int, batch_size: int, probability: float) -> None:
    if seq_len < SHORTEST:
        raise UsageError(f"a sequence must have at least {SHORTEST} tokens, got seq_len={seq_len}")
    if batch_size < 1:
        raise UsageError(f"a batch must have at least 1 sequence, got batch_size={batch_size}")
    if not 0 < probability < 1:
        raise UsageError(f"the probability of masking must lie above 0 and below 1, got {probability:g}")
