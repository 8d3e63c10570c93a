"""Examples as numbers: their tokens in flat arrays, from which batches are cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost.corpora import Tokenizer
from hwcost.corpora.inputs import Segments, inputs
from hwcost.tasks.target import Target

__all__ = ["SKIPPED", "EncodedExamples", "Numbers", "joined", "pieces_of"]

Numbers = NDArray[np.int64]

SKIPPED = -100
"""Label of positions that have no target: those of special tokens, and of all but the first piece of a word."""

AT_ONCE = 4096
"""Number of texts given to the tokenizer at a time."""


@dataclass(frozen=True)
class EncodedExamples:
    """Examples as tokens.

    Attributes:
        tokens: Tokens of all texts, (tokens,).
        segments: Place of each example's text, or of both of its texts, in them; they fit into a sequence.
        targets: Targets, (examples,); where words have targets, (tokens,); where answers are spans, positions of the first
            and the last token, (examples, 2).
        is_per_word: Whether words have targets.
        seq_len: Tokens of a sequence, special ones included.
        tokenizer: Tokenizer of the texts.
    """

    tokens: NDArray[np.int32]
    segments: tuple[Segments, ...]
    targets: NDArray[Any]
    is_per_word: bool
    seq_len: int
    tokenizer: Tokenizer

    def __len__(self) -> int:
        return len(self.segments[0].starts)

    def batch(self, rows: Numbers) -> dict[str, NDArray[Any]]:
        """Returns some of the examples.

        Args:
            rows: Numbers of the examples, (B,).

        Returns:
            ``input_ids``, ``attention_mask`` and ``token_type_ids``, each (B, S), and ``labels``: (B,), (B, 2)
            where answers are spans, or (B, S) where words have targets, ``SKIPPED`` at positions without.
        """
        chosen = tuple(Segments(one.starts[rows], one.lengths[rows]) for one in self.segments)
        found: dict[str, NDArray[Any]] = dict(inputs(self.tokens, chosen, self.seq_len, self.tokenizer))
        found["labels"] = self._of_positions(chosen[0]) if self.is_per_word else self.targets[rows]
        return found

    def batches(self, batch_size: int) -> Iterator[dict[str, NDArray[Any]]]:
        """Yields all examples in their order; the last batch may be smaller."""
        for start in range(0, len(self), batch_size):
            yield self.batch(np.arange(start, min(start + batch_size, len(self))))

    def predicted(self, outputs: NDArray[Any], target: Target) -> NDArray[Any]:
        """Returns predictions as metrics compare them with the targets of the task: (n,), one per example or per word.

        Args:
            outputs: Outputs of a head for all examples or words, (n, outputs).
            target: Target of the task.
        """
        return target.predicted(outputs)

    def _of_positions(self, segment: Segments) -> Numbers:
        column = np.arange(self.seq_len)
        inside = (column >= 1) & (column < 1 + segment.lengths[:, None])
        labels = np.full(inside.shape, SKIPPED, dtype=np.int64)
        labels[inside] = self.targets[(column - 1 + segment.starts[:, None])[inside]]
        return labels


def pieces_of(texts: Sequence[str], tokenizer: Tokenizer) -> list[list[int]]:
    """Returns the tokens of each text."""
    parts = (tokenizer.encode(texts[start : start + AT_ONCE]) for start in range(0, len(texts), AT_ONCE))
    return list(chain.from_iterable(parts))


def joined(pieces: list[list[int]]) -> NDArray[np.int32]:
    """Returns the tokens of all texts one after the other, (tokens,)."""
    return np.fromiter(chain.from_iterable(pieces), dtype=np.int32)
