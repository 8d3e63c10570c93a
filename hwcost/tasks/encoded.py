"""A task as numbers, from which the batches of a training follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost.corpora import Tokenizer
from hwcost.corpora.inputs import SHORTEST, Segments
from hwcost.corpora.order import Order
from hwcost.errors import UsageError
from hwcost.tasks.encoded_examples import SKIPPED, EncodedExamples, Numbers, joined, pieces_of
from hwcost.tasks.examples import Examples
from hwcost.tasks.questions import encode_questions
from hwcost.tasks.spans import Spans
from hwcost.tasks.target import Target
from hwcost.tasks.task import Task

__all__ = ["SKIPPED", "EncodedExamples", "EncodedTask", "encode"]


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

    The longer text of a pair is cut until both fit; a sentence whose words have targets is divided, so that none is lost;
    a text that is asked about is seen through windows that overlap, each of them an example.

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
    validation = {name: _encoded(one, task.target, tokenizer, seq_len) for name, one in task.validation.items()}
    return EncodedTask(task, _encoded(task.train, task.target, tokenizer, seq_len), validation, seed)


def _encoded(examples: Examples, target: Target, tokenizer: Tokenizer, seq_len: int) -> EncodedExamples:
    if isinstance(target, Spans):
        return encode_questions(examples, target, tokenizer, seq_len)
    return (_of_words if target.is_per_word else _of_texts)(examples, tokenizer, seq_len)


def _of_texts(examples: Examples, tokenizer: Tokenizer, seq_len: int) -> EncodedExamples:
    pieces = [piece for texts in examples.texts for piece in pieces_of(texts, tokenizer)]
    lengths = np.array([len(piece) for piece in pieces], dtype=np.int64).reshape(len(examples.texts), -1)
    starts = (np.cumsum(lengths) - lengths.ravel()).reshape(lengths.shape)
    kept = _fitting(lengths, seq_len - 1 - len(lengths))
    segments = tuple(map(Segments, starts, kept))
    return EncodedExamples(joined(pieces), segments, examples.targets, False, seq_len, tokenizer)


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
    pieces = [(piece or [tokenizer.unknown])[:room] for piece in pieces_of(examples.texts[0], tokenizer)]
    lengths = np.array([len(piece) for piece in pieces], dtype=np.int64)
    places = np.concatenate([[0], np.cumsum(lengths)])
    targets = np.full(places[-1], SKIPPED, dtype=np.int64)
    targets[places[:-1]] = examples.targets
    ends = np.cumsum(examples.words)
    sentences = zip(ends - examples.words, ends, strict=True)
    cuts = np.array([cut for first, end in sentences for cut in _cuts(places, first, end, room)])
    segment = Segments(places[cuts[:, 0]], places[cuts[:, 1]] - places[cuts[:, 0]])
    return EncodedExamples(joined(pieces), (segment,), targets, True, seq_len, tokenizer)


def _cuts(places: Numbers, first: int, end: int, room: int) -> Iterator[tuple[int, int]]:
    """Yields runs of whole words that fill the room as far as they go: each one's first word, and the one after its last."""
    while first < end:
        after = min(end, int(np.searchsorted(places, places[first] + room, side="right")) - 1)
        yield first, after
        first = after
