"""The classification task: its classes, its parts, and its batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.corpora import ClassificationTask, Corpus, Document
from hwcost.corpora.classification import TESTED, is_tested
from hwcost.errors import DataError, UsageError
from tests.corpora.synthetic import Words, synthetic

CORPUS = synthetic(documents=24, sentences=20, parts=6)
WORDS = Words(CORPUS)


def task(corpus: Corpus = CORPUS, **options: Any) -> ClassificationTask:
    return ClassificationTask.from_corpus(corpus, WORDS, **options)  # type: ignore[arg-type]


TASK = task()
TEXTS = [(document.part, text) for document in CORPUS for text in document.sentences]
PARTS = {WORDS.vocabulary[word]: part for part, text in TEXTS for word in text.split()}
SIDES = {WORDS.vocabulary[word]: is_tested(text) for _, text in TEXTS for word in text.split()}


@pytest.mark.parametrize("tested", [False, True])
def test_examples_hold_text_of_their_class_and_side(tested: bool) -> None:
    examples = TASK.test if tested else TASK.train
    for ids, mask, label in zip(examples.input_ids, examples.attention_mask, examples.labels, strict=True):
        start, *text, end = ids[mask == 1].tolist()
        assert (start, end) == (WORDS.start, WORDS.separator)
        assert {PARTS[token] for token in text} == {TASK.labels[label]}
        assert {SIDES[token] for token in text} == {tested}


def test_no_sentence_stands_in_both_parts() -> None:
    assert not set(TASK.train.input_ids.ravel()) & set(TASK.test.input_ids.ravel()) - set(WORDS.specials)


def test_classes_are_balanced() -> None:
    for examples in (TASK.train, TASK.test):
        counts = np.bincount(examples.labels, minlength=4)
        assert len(set(counts)) == 1
        assert counts[0] > 0
        assert len(examples) == counts.sum()
        assert examples.input_ids.shape == examples.attention_mask.shape == (len(examples), 32)
        assert not examples.token_type_ids.any()


def test_about_a_fifth_is_for_the_test() -> None:
    assert np.mean([is_tested(f"Sentence {number}.") for number in range(20_000)]) == pytest.approx(TESTED, abs=0.015)


def test_the_largest_parts_of_several_documents_come_first() -> None:
    sizes = {"big": (2, 40), "middle": (2, 30), "small": (2, 20), "lone": (1, 200)}
    corpus = Corpus(
        Document(f"{part}.{number}", tuple(f"{part} {number} {sentence} word" for sentence in range(sentences)))
        for part, (documents, sentences) in sizes.items() for number in range(documents)
    )  # fmt: skip
    assert task(corpus, classes=2).labels == ("big", "middle")
    assert task(corpus, classes=4).labels == ("big", "lone", "middle", "small")


@given(st.integers(0, 2**40), st.integers(0, 1000), st.integers(1, 40))
def test_a_batch_follows_from_seed_and_step_alone(seed: int, step: int, batch_size: int) -> None:
    made = ClassificationTask(TASK.labels, TASK.train, TASK.test, seed)
    one, other = made.batch(step, batch_size), made.batch(step, batch_size)
    assert set(one) == {"input_ids", "attention_mask", "token_type_ids", "labels"}
    assert all(len(values) == batch_size and np.array_equal(values, other[key]) for key, values in one.items())


def test_an_epoch_visits_every_example_once() -> None:
    rows = np.concatenate([TASK.batch(step, 5)["input_ids"] for step in range(len(TASK.train))])
    epoch = rows[: len(TASK.train)]
    assert np.array_equal(np.unique(epoch, axis=0), np.unique(TASK.train.input_ids, axis=0))


def test_equal_arguments_make_an_equal_task() -> None:
    again = task()
    assert np.array_equal(again.train.input_ids, TASK.train.input_ids)
    assert np.array_equal(again.batch(9, 8)["labels"], TASK.batch(9, 8)["labels"])
    assert not np.array_equal(again.batch(9, 8)["input_ids"], task(seed=1).batch(9, 8)["input_ids"])


def test_too_few_parts() -> None:
    with pytest.raises(DataError, match=r"its documents belong to 2 parts \(part0, part1\), fewer than the 4 classes"):
        task(synthetic(parts=2))


def test_parts_with_too_little_text() -> None:
    corpus = Corpus([Document(f"{name}.x", ("d0s0w0 d0s0w1",)) for name in "abcd"])
    with pytest.raises(DataError, match="part of the classes: there is no text|there is no passage of"):
        task(corpus)


@pytest.mark.parametrize("wrong", [{"classes": 1}, {"seq_len": 7}, {"seed": -1}])
def test_arguments_that_make_no_task(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="at least 2 classes, 8 tokens a sequence and a seed that is not negative"):
        task(**wrong)


def test_batches_that_cannot_be() -> None:
    with pytest.raises(UsageError, match="at least 1 example"):
        TASK.batch(0, 0)
    with pytest.raises(UsageError, match="a step must not be negative"):
        TASK.batch(-1, 4)
