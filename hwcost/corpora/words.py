"""Batches of plain text that say where words begin, for a teacher that labels the words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwcost.corpora.corpus import Corpus
from hwcost.corpora.encoded import encode
from hwcost.corpora.inputs import SHORTEST, inputs
from hwcost.corpora.masking import IGNORED
from hwcost.corpora.order import Order
from hwcost.corpora.sequences import Stream
from hwcost.corpora.token_files import TokenFiles
from hwcost.corpora.tokenizer import Tokenizer
from hwcost.errors import DataError, UsageError

WORD = 0
"""Label of the first piece of a word, in place of one that is not known yet."""


class WordBatches:
    """Batches of a corpus, nothing of it masked, in an order of their own for each epoch.

    A batch follows from the seed and its step alone. The text is encoded once, here, unless it is on disk as tokens already.

    Args:
        corpus: The text, or its tokens on disk.
        tokenizer: Tokenizer of the text.
        seq_len: Tokens of a sequence, special ones included.
        batch_size: Sequences of a batch.
        seed: Seed of the order, not negative.

    Raises:
        UsageError: When ``seq_len`` is below ``SHORTEST``, the batch has no sequence, the seed is negative, or the pieces of
            the tokenizer do not say where words begin.
        DataError: When the corpus gives fewer sequences than a batch holds.
    """

    def __init__(
        self, corpus: Corpus | TokenFiles, tokenizer: Tokenizer, seq_len: int, batch_size: int, seed: int = 0
    ) -> None:
        if seq_len < SHORTEST or batch_size < 1:
            raise UsageError(
                f"a batch has at least 1 sequence of at least {SHORTEST} tokens, got batch_size={batch_size}, "
                f"seq_len={seq_len}"
            )
        self.seq_len, self.batch_size, self._tokenizer = seq_len, batch_size, tokenizer
        self._begins = tokenizer.word_starts()
        encoded = corpus.encoded if isinstance(corpus, TokenFiles) else encode(corpus, tokenizer)
        self._tokens, self._sequences = encoded.tokens, Stream(encoded, seq_len - 2)
        self._order = Order(len(self._sequences), seed)
        if len(self._sequences) < batch_size:
            raise DataError(
                f"{corpus.source}: the text gives {len(self._sequences)} sequences of {seq_len} tokens, fewer than a batch "
                f"of {batch_size}. Give more text, or a smaller batch or sequence."
            )

    def batch(self, step: int) -> dict[str, NDArray[np.int64]]:
        """Makes the batch of a step, from 0 on; epochs follow each other without end.

        Returns:
            ``input_ids``, ``attention_mask``, ``token_type_ids`` and ``labels`` (``WORD`` at the first piece of each word,
            -100 elsewhere), each of shape (batch_size, seq_len). A sequence that begins within a word leaves its rest out,
            unless there is nothing else in it.

        Raises:
            UsageError: When the step is negative.
        """
        rows = self._order.step(step, self.batch_size)
        segments, _ = self._sequences.draw(rows, np.random.default_rng(0))
        made = inputs(self._tokens, segments, self.seq_len, self._tokenizer)
        begins = self._begins[made["input_ids"]]
        begins[~begins.any(axis=1), 1] = True
        return {**made, "labels": np.where(begins, WORD, IGNORED)}
