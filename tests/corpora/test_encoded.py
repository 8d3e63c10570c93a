"""Corpora as numbers, and how they are parted into runs of sentences."""

from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.corpora import Corpus, Document
from hwcost.corpora.encoded import Encoded, encode
from tests.corpora.synthetic import LENGTHS, Words, synthetic

DOCUMENTS = st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=9), min_size=1, max_size=6)


def of_lengths(documents: list[list[int]]) -> Encoded:
    sentences = list(itertools.chain(*documents))
    return Encoded(
        np.arange(sum(sentences), dtype=np.int32),
        np.cumsum([0, *sentences]),
        np.cumsum([0, *map(len, documents)]),
    )


def test_tokens_and_offsets() -> None:
    corpus = synthetic(documents=3, sentences=5)
    words = Words(corpus)
    encoded = encode(corpus, words)  # type: ignore[arg-type]
    assert encoded.tokens.dtype == np.int32
    assert encoded.tokens.tolist() == list(itertools.chain(*words.encode([s for d in corpus for s in d.sentences])))
    assert np.diff(encoded.sentences).tolist() == [*LENGTHS] * 3
    assert encoded.documents.tolist() == [0, 5, 10, 15]


def test_sentences_are_encoded_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = synthetic()
    whole = encode(corpus, Words(corpus))  # type: ignore[arg-type]
    monkeypatch.setattr(sys.modules[Corpus.__module__], "AT_ONCE", 7)
    parts = encode(corpus, Words(corpus))  # type: ignore[arg-type]
    assert np.array_equal(whole.tokens, parts.tokens)
    assert np.array_equal(whole.sentences, parts.sentences)
    assert np.array_equal(whole.documents, parts.documents)


def test_sentences_without_tokens_are_left_out() -> None:
    corpus = Corpus([Document("a", ("x y", " ", "z")), Document("b", (" ",)), Document("c", ("x",))])
    encoded = encode(corpus, Words(corpus))  # type: ignore[arg-type]
    assert encoded.sentences.tolist() == [0, 2, 3, 4]
    assert encoded.documents.tolist() == [0, 2, 2, 3]


@given(DOCUMENTS, st.integers(3, 30))
def test_passages_hold_each_sentence_once_and_fill_the_room(documents: list[list[int]], room: int) -> None:
    encoded = of_lengths(documents)
    runs = encoded.passages(room)
    assert list(itertools.chain(*(range(first, end) for first, end in runs))) == list(range(len(encoded.sentences) - 1))
    for first, end in runs:
        assert end - first == 1 or encoded.sentences[end] - encoded.sentences[first] <= room
        more = end not in encoded.documents
        assert not more or encoded.sentences[end + 1] - encoded.sentences[first] > room


@given(DOCUMENTS, st.integers(3, 30))
def test_passages_of_two_sentences_at_least(documents: list[list[int]], room: int) -> None:
    encoded = of_lengths(documents)
    runs = encoded.passages(room, least=2).tolist()
    covered = set(itertools.chain(*(range(first, end) for first, end in runs)))
    owners = np.repeat(np.arange(len(documents)), [len(document) for document in documents])
    assert covered == {s for s, owner in enumerate(owners) if len(documents[owner]) >= 2}
    assert all(end - first >= 2 and owners[first] == owners[end - 1] for first, end in runs)
