"""A task as numbers: its tokens in flat arrays, from which batches are cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost.corpora import Tokenizer
from hwcost.corpora.inputs import SHORTEST, Segments, inputs
from hwcost.corpora.order import Order
from hwcost.errors import UsageError
from hwcost.tasks.examples import Examples
from hwcost.tasks.task import Task

__all__ = ["EncodedExamples", "EncodedTask", "encode"]

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
        targets: Targets, (examples,) or, where words have targets, (tokens,).
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
            ``input_ids``, ``attention_mask`` and ``token_type_ids``, each (B, S), and ``labels``: (B,), or (B, S) where
            words have targets, ``SKIPPED`` at positions without.
        """
        chosen = tuple(Segments(one.starts[rows], one.lengths[rows]) for one in self.segments)
        found: dict[str, NDArray[Any]] = dict(inputs(self.tokens, chosen, self.seq_len, self.tokenizer))
        found["labels"] = self._of_positions(chosen[0]) if self.is_per_word else self.targets[rows]
        return found

    def batches(self, batch_size: int) -> Iterator[dict[str, NDArray[Any]]]:
        """Yields all examples in their order; the last batch may be smaller."""
        for start in range(0, len(self), batch_size):
            yield self.batch(np.arange(start, min(start + batch_size, len(self))))

    def _of_positions(self, segment: Segments) -> Numbers:
        column = np.arange(self.seq_len)
        inside = (column >= 1) & (column < 1 + segment.lengths[:, None])
        labels = np.full(inside.shape, SKIPPED, dtype=np.int64)
        labels[inside] = self.targets[(column - 1 + segment.starts[:, None])[inside]]
        return labels


@dataclass(frozen=True)
class EncodedTask:
    """A task as tokens.

    Attributes:
        task: The task.
        train: Examples to train on.
        validation: Examples to judge by, by the name of the split.
        seed: Seed of the order of batches.
    """

    task: Task
    train: EncodedExamples
    validation: dict[str, EncodedExamples]
    seed: int = 0

    def batch(self, step: int, batch_size: int) -> dict[str, NDArray[Any]]:
        """Returns a batch of the training examples; it follows from the seed and the arguments alone.

        Args:
            step: Number of the step, from 0; every epoch visits each example once, in an order of its own.
            batch_size: Examples of the batch.

        Raises:
            UsageError: When the step is negative or the batch empty.
        """
        if batch_size < 1:
            raise UsageError(f"a batch must have at least 1 example, got batch_size={batch_size}")
        return self.train.batch(Order(len(self.train), self.seed).step(step, batch_size))


def encode(task: Task, tokenizer: Tokenizer, seq_len: int, seed: int = 0) -> EncodedTask:
    """Encodes a task's texts, once.

    The longer text of a pair is cut until both fit; a sentence whose words have targets is divided, so that none is lost.

    Args:
        task: The task.
        tokenizer: Tokenizer of the texts.
        seq_len: Tokens of a sequence, special ones included.
        seed: Seed of the order of batches.

    Raises:
        UsageError: When sequences are shorter than ``SHORTEST``, or the seed is negative.
    """
    if seq_len < SHORTEST or seed < 0:
        raise UsageError(
            f"a task needs {SHORTEST} tokens a sequence and a seed that is not negative, got seq_len={seq_len}, seed={seed}"
        )
    how = _of_words if task.target.is_per_word else _of_texts
    validation = {name: how(one, tokenizer, seq_len) for name, one in task.validation.items()}
    return EncodedTask(task, how(task.train, tokenizer, seq_len), validation, seed)


def _of_texts(examples: Examples, tokenizer: Tokenizer, seq_len: int) -> EncodedExamples:
    pieces = [piece for texts in examples.texts for piece in _pieces(texts, tokenizer)]
    lengths = np.array([len(piece) for piece in pieces], dtype=np.int64).reshape(len(examples.texts), -1)
    starts = (np.cumsum(lengths) - lengths.ravel()).reshape(lengths.shape)
    kept = _fitting(lengths, seq_len - 1 - len(lengths))
    segments = tuple(map(Segments, starts, kept))
    return EncodedExamples(_joined(pieces), segments, examples.targets, False, seq_len, tokenizer)


def _fitting(lengths: Numbers, room: int) -> Numbers:
    """Returns how many tokens of each text are kept, so that an example's fit: (texts, examples) -> the same shape."""
    if len(lengths) == 1:
        return np.minimum(lengths, room)
    first = np.minimum(lengths[0], np.maximum(room // 2, room - lengths[1]))
    return np.stack([first, np.minimum(lengths[1], room - first)])


def _of_words(examples: Examples, tokenizer: Tokenizer, seq_len: int) -> EncodedExamples:
    """Gives a word's target to its first piece; a word that the tokenizer knows nothing of is one unknown piece."""
    assert examples.words is not None
    room = seq_len - 2
    pieces = [(piece or [tokenizer.unknown])[:room] for piece in _pieces(examples.texts[0], tokenizer)]
    lengths = np.array([len(piece) for piece in pieces], dtype=np.int64)
    places = np.concatenate([[0], np.cumsum(lengths)])
    targets = np.full(places[-1], SKIPPED, dtype=np.int64)
    targets[places[:-1]] = examples.targets
    ends = np.cumsum(examples.words)
    sentences = zip(ends - examples.words, ends, strict=True)
    cuts = np.array([cut for first, end in sentences for cut in _cuts(places, first, end, room)])
    segment = Segments(places[cuts[:, 0]], places[cuts[:, 1]] - places[cuts[:, 0]])
    return EncodedExamples(_joined(pieces), (segment,), targets, True, seq_len, tokenizer)


def _cuts(places: Numbers, first: int, end: int, room: int) -> Iterator[tuple[int, int]]:
    """Yields runs of whole words that fill the room as far as they go: each one's first word, and the one after its last."""
    while first < end:
        after = min(end, int(np.searchsorted(places, places[first] + room, side="right")) - 1)
        yield first, after
        first = after


def _pieces(texts: Sequence[str], tokenizer: Tokenizer) -> list[list[int]]:
    parts = (tokenizer.encode(texts[start : start + AT_ONCE]) for start in range(0, len(texts), AT_ONCE))
    return list(chain.from_iterable(parts))


def _joined(pieces: list[list[int]]) -> NDArray[np.int32]:
    return np.fromiter(chain.from_iterable(pieces), dtype=np.int32)
