"""The text that a pipeline trains on and evaluates on, as numbers."""

from __future__ import annotations

from typing import Any

from hwcost.corpora import MlmBatches, WordBatches, halves
from hwcost.supernets.run import HELD_OUT, first_tokenizer


class Text:
    """A corpus, divided into training and held-out documents, and its tokenizer.

    Args:
        source: ``stdlib``, or the path of text files, of a data set on disk, or of prepared tokens.
        vocabulary: Number of word pieces.
        seq_len: Number of tokens in a sequence.
        seed: Seed of the batches.
        weights: Folder of a BERT whose tokenizer is used; None trains one.
        kind: Kind of the tokenizer that is trained, or path of one, see :meth:`hwcost.corpora.Tokenizer.of`.
    """

    def __init__(
        self, source: str, vocabulary: int, seq_len: int, seed: int, weights: str | None = None, kind: str = "wordpiece"
    ) -> None:
        self.training, self.held_out = halves(source, HELD_OUT)
        self.tokenizer = first_tokenizer(self.training, weights, vocabulary, kind)
        self.seq_len, self.seed = seq_len, seed
        self._made: dict[tuple[int, bool, int], MlmBatches] = {}

    def batches(self, batch_size: int, next_sentence: bool = False, seq_len: int | None = None) -> MlmBatches:
        """Returns batches of training text, of sequences of another length where one is given."""
        kind = batch_size, next_sentence, seq_len or self.seq_len
        if kind not in self._made:  # a batch follows from its number, so that trainings can share them
            length = seq_len or self.seq_len
            self._made[kind] = MlmBatches(self.training, self.tokenizer, length, batch_size, self.seed, next_sentence)
        return self._made[kind]

    def words(self, batch_size: int, seq_len: int) -> WordBatches:
        """Returns batches of training text whose words a teacher labels."""
        return WordBatches(self.training, self.tokenizer, seq_len, batch_size, self.seed)

    def held_out_batches(self, count: int, batch_size: int = 32, next_sentence: bool = False) -> list[dict[str, Any]]:
        """Returns batches of held-out text."""
        held_out = MlmBatches(self.held_out, self.tokenizer, self.seq_len, batch_size, self.seed + 1, next_sentence)
        return held_out.fixed(count)

    def provenance(self, what: str) -> dict[str, Any]:
        """Returns what identifies a training on this text, for its checkpoint."""
        return {"what": what, "text": self.training.digest, "seed": self.seed}
