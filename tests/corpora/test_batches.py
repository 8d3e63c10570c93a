"""Batches: what they hold, that they follow from seed and step alone, and that epochs leave nothing out."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.corpora import Corpus, Document, MlmBatches
from hwcost.corpora.encoded import encode
from hwcost.corpora.masking import IGNORED
from hwcost.errors import DataError, UsageError
from tests.corpora.synthetic import Words, synthetic

CORPUS = synthetic()
WORDS = Words(CORPUS)
FLAT = encode(CORPUS, WORDS)  # type: ignore[arg-type]
TEXT = FLAT.tokens.tolist()


def batches(corpus: Corpus = CORPUS, seq_len: int = 24, batch_size: int = 4, **options: Any) -> MlmBatches:
    return MlmBatches(corpus, WORDS, seq_len, batch_size, **options)  # type: ignore[arg-type]


def originals(batch: dict[str, np.ndarray]) -> np.ndarray:
    return np.where(batch["labels"] == IGNORED, batch["input_ids"], batch["labels"])


def texts(row: np.ndarray) -> list[list[int]]:
    """The segments of a row, which must stand between the special tokens and before any padding."""
    tokens = row.tolist()
    while tokens[-1] == WORDS.pad:
        tokens.pop()
    assert tokens[0] == WORDS.start
    assert tokens[-1] == WORDS.separator
    groups = itertools.groupby(tokens[1:], key=lambda token: token == WORDS.separator)
    return [list(group) for is_separator, group in groups if not is_separator]


@pytest.mark.parametrize("next_sentence", [False, True])
def test_keys_shapes_and_types(next_sentence: bool) -> None:
    batch = batches(next_sentence=next_sentence).batch(3)
    shapes = dict.fromkeys(("input_ids", "attention_mask", "token_type_ids", "labels"), (4, 24))
    assert {key: values.shape for key, values in batch.items()} == shapes | ({"is_next": (4,)} if next_sentence else {})
    assert all(values.dtype == np.int64 for values in batch.values())


@pytest.mark.parametrize("next_sentence", [False, True])
@given(steps=st.lists(st.integers(0, 10_000), min_size=1, max_size=6), seed=st.integers(0, 2**40))
def test_a_batch_follows_from_seed_and_step_alone(next_sentence: bool, steps: list[int], seed: int) -> None:
    used, fresh = (batches(seed=seed, next_sentence=next_sentence) for _ in range(2))
    seen = {step: used.batch(step) for step in steps}
    for step in reversed(steps):
        again = fresh.batch(step)
        assert all(np.array_equal(values, again[key]) for key, values in seen[step].items())


def test_other_seeds_and_steps_give_other_batches() -> None:
    first = batches().batch(0)["input_ids"]
    assert not np.array_equal(first, batches(seed=1).batch(0)["input_ids"])
    assert not np.array_equal(first, batches().batch(1)["input_ids"])
    made = batches()
    again = [made.batch(step * made.sequences)["input_ids"] for step in range(2)]  # both begin an epoch
    assert not np.array_equal(*again)


@pytest.mark.parametrize("batch_size", [1, 3, 4, 7])
def test_an_epoch_visits_every_sequence_once(batch_size: int) -> None:
    made = batches(batch_size=batch_size)
    rows = np.concatenate([originals(made.batch(step)) for step in range(3 * len(made))])
    epochs = [rows[epoch * made.sequences : (epoch + 1) * made.sequences] for epoch in range(2)]
    for epoch in epochs:
        seen = sorted(TEXT.index(texts(row)[0][0]) for row in epoch)
        assert seen == list(range(0, len(TEXT), 22))
    assert not np.array_equal(*epochs)


def test_the_length_is_the_steps_of_an_epoch() -> None:
    made = batches(batch_size=7)
    assert made.tokens == len(TEXT) == 888
    assert made.sequences == 41  # 22 tokens of text each
    assert len(made) == 6


def test_a_segment_is_the_text_as_it_runs() -> None:
    made = batches()
    for row in np.concatenate([originals(batch) for batch in made.fixed(len(made))]):
        (segment,) = texts(row)
        begin = TEXT.index(segment[0])
        assert segment == TEXT[begin : begin + len(segment)]
        assert len(segment) == 22 or begin + len(segment) == len(TEXT)


@pytest.mark.parametrize("next_sentence", [False, True])
def test_masks_and_types_of_tokens(next_sentence: bool) -> None:
    for batch in batches(next_sentence=next_sentence).fixed(10):
        true = originals(batch)
        assert np.array_equal(batch["attention_mask"], true != WORDS.pad)
        assert not np.isin(batch["labels"], WORDS.specials).any()
        assert (batch["labels"] != IGNORED).any(axis=1).all()
        for row, types in zip(true, batch["token_type_ids"], strict=True):
            first, *second = map(len, texts(row))
            expected = [0] * (first + 2) + [1] * (second[0] + 1 if second else 0)
            assert types.tolist() == expected + [0] * (24 - len(expected))


def owner(token: int) -> int:
    sentence = np.searchsorted(FLAT.sentences, TEXT.index(token), side="right") - 1
    return int(np.searchsorted(FLAT.documents, sentence, side="right"))


@pytest.mark.parametrize("seq_len", [8, 16, 24, 64])
def test_second_segments_follow_or_come_from_elsewhere(seq_len: int) -> None:
    made = batches(seq_len=seq_len, next_sentence=True)
    for batch in made.fixed(40):
        for row, is_next in zip(originals(batch), batch["is_next"], strict=True):
            first, second = texts(row)
            assert TEXT[TEXT.index(first[0]) :][: len(first)] == first
            assert TEXT[TEXT.index(second[0]) :][: len(second)] == second
            assert TEXT.index(second[0]) in FLAT.sentences
            assert len({owner(token) for token in first}) == len({owner(token) for token in second}) == 1
            assert (owner(first[0]) == owner(second[0])) == bool(is_next)
            assert not is_next or TEXT.index(second[0]) == TEXT.index(first[-1]) + 1


def test_half_of_the_second_segments_follow() -> None:
    made = batches(next_sentence=True, batch_size=20)
    follows = np.concatenate([batch["is_next"] for batch in made.fixed(200)])
    assert set(follows) == {0, 1}
    assert follows.mean() == pytest.approx(0.5, abs=4 * 0.5 / 4000**0.5)


def test_lengths_hardly_tell_whether_the_second_segment_follows() -> None:
    corpus = synthetic(documents=6, sentences=60)
    made = MlmBatches(corpus, Words(corpus), 32, 20, next_sentence=True)  # type: ignore[arg-type]
    several = made.fixed(100)
    follows = np.concatenate([batch["is_next"] for batch in several]) == 1
    lengths = np.concatenate([batch["token_type_ids"].sum(axis=1) for batch in several])
    assert lengths[follows].mean() == pytest.approx(lengths[~follows].mean(), rel=0.03)


def test_pairs_cover_every_sentence() -> None:
    made = batches(next_sentence=True, seq_len=40)
    rows = itertools.chain(*(zip(originals(b), b["is_next"], strict=True) for b in made.fixed(12 * len(made))))
    seen = {token for row, is_next in rows if is_next for token in itertools.chain(*texts(row))}
    assert seen == set(TEXT)


def test_steps_go_on_from_any_one() -> None:
    made = batches()
    some = list(made.steps(5, 3))
    assert len(some) == 3
    assert np.array_equal(some[2]["input_ids"], made.batch(7)["input_ids"])
    endless = list(itertools.islice(made.steps(5), 4))
    assert np.array_equal(endless[3]["labels"], made.batch(8)["labels"])
    assert np.array_equal(made.fixed(2)[1]["labels"], made.batch(1)["labels"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"seq_len": 7}, "at least 8 tokens, got seq_len=7"),
        ({"batch_size": 0}, "at least 1 sequence, got batch_size=0"),
        ({"seed": -1}, "a seed must not be negative, got -1"),
        ({"mask_probability": 0.0}, "above 0 and below 1, got 0"),
        ({"mask_probability": 1.0}, "above 0 and below 1, got 1"),
        ({"mask_probability": float("nan")}, "above 0 and below 1, got nan"),
    ],
)
def test_arguments_that_make_no_batches(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        batches(**wrong)


def test_a_negative_step() -> None:
    with pytest.raises(UsageError, match="a step must not be negative, got -1"):
        batches().batch(-1)


def test_a_corpus_too_small_for_a_batch() -> None:
    with pytest.raises(DataError, match="made-up corpus: 888 tokens give 41 sequences of 24, fewer than a batch of 42"):
        batches(batch_size=42)


def test_pairs_need_another_document_and_a_second_sentence() -> None:
    with pytest.raises(DataError, match="at least two documents"):
        batches(synthetic(documents=1), next_sentence=True)
    with pytest.raises(DataError, match="give 0 sequences of 24"):
        batches(Corpus([Document("a", ("x y z",)), Document("b", ("x",))]), next_sentence=True)


def test_frequencies_are_those_of_the_text() -> None:
    found = batches().frequencies()
    counts = np.bincount(TEXT, minlength=WORDS.size) + 1.0
    counts[list(WORDS.specials)] = 1
    assert found == pytest.approx(counts / counts.sum())
    assert found.sum() == pytest.approx(1)


def test_frequencies_of_long_text_are_those_of_a_part(monkeypatch) -> None:
    monkeypatch.setattr("hwcost.corpora.batches.COUNTED", len(TEXT) - 1)
    found = batches().frequencies()
    counts = np.bincount(TEXT[::2], minlength=WORDS.size) + 1.0
    counts[list(WORDS.specials)] = 1
    assert found == pytest.approx(counts / counts.sum())
