"""Questions about texts as tokens: a long text is seen through windows that overlap.

Source: Devlin et al., "BERT", section 4.2, and its released code for SQuAD: windows that move by a stride; a window that
does not hold the whole answer points to ``[CLS]``; a token counts in the window in which it has most context.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost.corpora import Tokenizer
from hwcost.corpora.inputs import Segments
from hwcost.tasks.best_spans import best_spans
from hwcost.tasks.encoded_examples import AT_ONCE, EncodedExamples, Numbers, joined, pieces_of
from hwcost.tasks.examples import Examples
from hwcost.tasks.spans import CERTAIN, Spans
from hwcost.tasks.target import Target

__all__ = ["EncodedQuestions", "encode_questions", "window_starts"]

QUESTION_SHARE, STRIDE_SHARE = 6, 3
"""Parts of a sequence of which a question may take one, and a window moves by one: 64 and 128 of BERT's 384 tokens."""


@dataclass(frozen=True)
class EncodedQuestions(EncodedExamples):
    """Windows of texts that are asked about, each behind its question; an example is a window.

    Attributes:
        owners: Number of each window's question, ascending, (windows,); every question has a window at least.
        offsets: First character of each token in its text, and the one after its last, (tokens, 2).
    """

    owners: Numbers
    offsets: Numbers

    def predicted(self, outputs: NDArray[Any], target: Target) -> NDArray[np.float64]:
        """Returns the best span of each question among its windows, and how much better no answer would be.

        Args:
            outputs: Scores of starts and ends, (windows, 2, S).
            target: Target of the task.

        Returns:
            First character, the one after the last, and the least score of ``[CLS]`` less the score of the span, (questions,
            3); an empty span where none is allowed.
        """
        assert isinstance(target, Spans)
        column, begins = np.arange(self.seq_len), self.segments[0].lengths + 2
        inside = (column >= begins[:, None]) & (column < (begins + self.segments[1].lengths)[:, None])
        found = best_spans(outputs, inside & self._has_most_context(begins), inside, target.longest)
        first_windows = np.flatnonzero(np.diff(self.owners, prepend=-1))
        best = np.lexsort((-found.score, self.owners))[first_windows]
        shift = self.segments[1].starts[best] - begins[best]
        has_span = np.isfinite(found.score[best])
        span = np.where(has_span, [found.first[best] + shift, found.last[best] + shift], 0)
        nothing = np.minimum.reduceat(outputs[:, :, 0].astype(np.float64).sum(1), first_windows)
        margins = np.where(has_span, nothing - np.where(has_span, found.score[best], 0), CERTAIN)
        ends = np.stack([self.offsets[span[0], 0], self.offsets[span[1], 1]])
        return np.stack([*np.where(has_span, ends, 0), margins], axis=1)

    def _has_most_context(self, begins: Numbers) -> NDArray[np.bool_]:
        """Tells at which positions no other window of the question gives a token more context: (windows, S)."""
        is_most = np.zeros((len(self), self.seq_len), dtype=bool)
        starts, lengths = self.segments[1].starts, self.segments[1].lengths
        bounds = np.append(np.flatnonzero(np.diff(self.owners, prepend=-1)), len(self))
        for first, after in pairwise(bounds.tolist()):
            own_starts, own_lengths = starts[first:after, None], lengths[first:after, None]
            tokens = np.arange(own_starts[0, 0], (own_starts + own_lengths).max())
            left, right = tokens - own_starts, own_starts + own_lengths - 1 - tokens
            context = np.where((left >= 0) & (right >= 0), np.minimum(left, right) + 0.01 * own_lengths, -1.0)
            for window, best in enumerate((context.argmax(0) == np.arange(after - first)[:, None]) & (context >= 0)):
                own = tokens[best] - own_starts[window] + begins[first + window]
                is_most[first + window, own] = True
        return is_most


def encode_questions(examples: Examples, target: Spans, tokenizer: Tokenizer, seq_len: int) -> EncodedQuestions:
    """Encodes questions and the texts that they are asked of; a text that several questions are about is encoded once.

    Args:
        examples: Questions, texts and answers.
        target: Target, which tells by how much windows move.
        tokenizer: Tokenizer of the texts.
        seq_len: Tokens of a sequence, special ones included; a sixth of it is a question's, at most.
    """
    questions = [piece[: max(1, seq_len // QUESTION_SHARE)] for piece in pieces_of(examples.texts[0], tokenizer)]
    places = {text: number for number, text in enumerate(dict.fromkeys(examples.texts[1]))}
    read = _read(list(places), tokenizer)
    pieces = [*questions, *(ids for ids, _ in read)]
    begins = np.cumsum([0, *map(len, pieces)])
    offsets = np.zeros((max(1, begins[-1]), 2), dtype=np.int64)
    offsets[begins[len(questions)] : begins[-1]] = np.array(list(chain.from_iterable(own for _, own in read))).reshape(-1, 2)
    stride = target.stride or max(1, seq_len // STRIDE_SHARE)
    windows = []
    for number, (question, text) in enumerate(zip(questions, examples.texts[1], strict=True)):
        place = len(questions) + places[text]
        own = offsets[begins[place] : begins[place + 1]]
        answer, room = _tokens_of(own, examples.targets[number]), seq_len - 3 - len(question)
        for start in window_starts(len(own), room, stride):
            length = min(room, len(own) - start)
            label = _label(answer, start, length, len(question) + 2)
            windows.append((number, begins[number], len(question), begins[place] + start, length, *label))
    owners, *segments, first, last = np.array(windows, dtype=np.int64).T
    parts = (Segments(segments[0], segments[1]), Segments(segments[2], segments[3]))
    return EncodedQuestions(
        joined(pieces), parts, np.stack([first, last], axis=1), False, seq_len, tokenizer, owners, offsets
    )


def window_starts(count: int, room: int, stride: int) -> range:
    """Returns the first tokens of the windows over a text, the last of which reaches its end.

    Args:
        count: Number of tokens of the text; a text without any has one window.
        room: Number of tokens of a window.
        stride: Number of tokens by which windows move; they leave no token out.
    """
    step = min(room, stride)
    return range(0, -(-max(0, count - room) // step) * step + 1, step)


def _tokens_of(offsets: Numbers, span: Numbers) -> tuple[int, int]:
    """Returns the first and the last token of a span of characters; the last is before the first where there is none."""
    first, after = int(span[0]), int(span[1])
    if first == after:
        return 0, -1
    begins, ends = offsets[:, 0], offsets[:, 1]
    return int(np.searchsorted(ends, first, side="right")), int(np.searchsorted(begins, after, side="left")) - 1


def _label(answer: tuple[int, int], start: int, length: int, begin: int) -> tuple[int, int]:
    first, last = answer
    if last < first or first < start or last >= start + length:
        return 0, 0
    return begin + first - start, begin + last - start


def _read(texts: Sequence[str], tokenizer: Tokenizer) -> list[tuple[list[int], list[tuple[int, int]]]]:
    parts = (tokenizer.encode_with_offsets(texts[start : start + AT_ONCE]) for start in range(0, len(texts), AT_ONCE))
    return list(chain.from_iterable(parts))
