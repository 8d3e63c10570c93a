"""Tasks as tokens: what fits is kept whole, what does not is cut as it should be, and batches follow from their number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.errors import UsageError
from hwcost.tasks import Classes, Examples, Number, Tags, Task, encode
from hwcost.tasks.encoded import SKIPPED


class Letters:
    """A tokenizer of one token per letter, 100 for ``a``; full stops are not known to it."""

    pad, unknown, start, separator, mask = 0, 7, 3, 4, 9

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        return [[ord(letter) + 3 for letter in text if letter not in " ."] for text in texts]


LETTERS = Letters()
A = 100


def made(texts: tuple[tuple[str, ...], ...], targets: Sequence[float], words: Sequence[int] | None = None) -> Examples:
    dtype = np.float32 if any(isinstance(one, float) for one in targets) else np.int64
    return Examples(texts, np.array(targets, dtype=dtype), None if words is None else np.array(words))


def encoded(target, examples: Examples, seq_len: int = 10):
    task = Task("made", "here", target, examples, {"validation": examples}, target.metrics)
    return encode(task, LETTERS, seq_len)  # type: ignore[arg-type]


def test_a_text_stands_between_start_and_separator() -> None:
    found = encoded(Number(), made((("aab", "", "a" * 30),), [0.5, 1.5, 2.5])).train.batch(np.array([2, 0, 1]))
    assert found["input_ids"].tolist() == [
        [3, *[A] * 8, 4], [3, A, A, A + 1, 4, 0, 0, 0, 0, 0], [3, 4, 0, 0, 0, 0, 0, 0, 0, 0],
    ]  # fmt: skip
    assert found["attention_mask"].sum(1).tolist() == [10, 5, 2]
    assert found["labels"].tolist() == [2.5, 0.5, 1.5]
    assert found["labels"].dtype == np.float32


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=8), st.integers(8, 24))
def test_the_longer_text_of_a_pair_is_cut(lengths: list[tuple[int, int]], seq_len: int) -> None:
    first, second = (tuple("ab"[place] * one[place] for one in lengths) for place in (0, 1))
    found = encoded(Classes(("no", "yes")), made((first, second), [0] * len(lengths)), seq_len).train.batch(
        np.arange(len(lengths))
    )
    kept = np.stack([(found["input_ids"] == A + place).sum(1) for place in (0, 1)])
    room = seq_len - 3
    for (one, other), (short_one, short_other) in zip(lengths, kept.T.tolist(), strict=True):
        assert short_one + short_other == min(one + other, room)
        assert short_one == one or short_one >= min(other, room // 2)
        assert short_other == other or short_other >= min(one, room // 2)
    assert found["token_type_ids"].sum(1).tolist() == (kept[1] + 1).tolist()


@given(st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=9), min_size=1, max_size=6), st.integers(8, 20))
def test_every_word_has_its_tag_once_on_its_first_piece(sentences: list[list[int]], seq_len: int) -> None:
    """Words of no known letter count as one unknown piece; long sentences are divided between words."""
    words = tuple("." if length == 0 else chr(97 + n % 26) * length for one in sentences for n, length in enumerate(one))
    tags = [n % 3 for n in range(len(words))]
    target = Tags(("x", "y", "z"), is_closed=True)
    found = encoded(target, made((words,), tags, list(map(len, sentences))), seq_len).train
    labels, firsts = [], []
    for batch in found.batches(4):
        rows, columns = np.nonzero(batch["labels"] != SKIPPED)
        labels += batch["labels"][rows, columns].tolist()
        firsts += batch["input_ids"][rows, columns].tolist()
        assert (batch["input_ids"][:, 0] == LETTERS.start).all()
        assert not (batch["labels"][batch["attention_mask"] == 0] != SKIPPED).any()
    assert labels == tags
    assert firsts == [LETTERS.unknown if word == "." else ord(word[0]) + 3 for word in words]
    assert len(found) >= len(sentences)


@given(st.integers(0, 2**40), st.integers(0, 1000), st.integers(1, 9))
def test_a_batch_follows_from_seed_and_step_alone(seed: int, step: int, batch_size: int) -> None:
    examples = made((tuple("abcde"),), [0, 1, 0, 1, 0])
    task = Task("made", "here", Classes(("no", "yes")), examples, {"validation": examples}, ("accuracy",))
    one, other = (encode(task, LETTERS, 8, seed).batch(step, batch_size) for _ in range(2))  # type: ignore[arg-type]
    assert all(len(values) == batch_size and np.array_equal(values, other[name]) for name, values in one.items())


def test_an_epoch_visits_every_example_once() -> None:
    found = encoded(Classes(("no", "yes")), made((tuple("abcde"),), [0, 1, 0, 1, 0]))
    seen = np.concatenate([found.batch(step, 2)["input_ids"][:, 1] for step in range(5)])
    assert sorted(seen[:5]) == sorted(seen[5:]) == list(range(A, A + 5))


def test_batches_that_cannot_be() -> None:
    found = encoded(Number(), made((("a",),), [0.5]))
    with pytest.raises(UsageError, match="at least 1 example"):
        found.batch(0, 0)
    with pytest.raises(UsageError, match="needs 8 tokens a sequence and a seed that is not negative"):
        encode(found.task, LETTERS, 7)  # type: ignore[arg-type]
