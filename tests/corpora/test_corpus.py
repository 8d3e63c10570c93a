"""Documents, digests and the split into text to train on and text to judge by."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.corpora import Corpus, Document
from hwcost.errors import DataError, UsageError
from tests.corpora.synthetic import synthetic

NAMES = st.lists(st.text(min_size=1, max_size=8), min_size=30, max_size=60, unique=True)


def named(names: list[str]) -> Corpus:
    return Corpus([Document(name, (f"Text of {name!r}.",)) for name in names])


def test_a_corpus_is_a_sequence_of_documents() -> None:
    corpus = synthetic(documents=3, sentences=5)
    assert [document.name for document in corpus] == ["part0.doc0", "part1.doc1", "part2.doc2"]
    assert len(corpus) == 3
    assert corpus[-1].part == "part2"
    assert [document.name for document in corpus[1:]] == ["part1.doc1", "part2.doc2"]
    assert corpus.words == 3 * corpus[0].words == 3 * (5 + 9 + 4 + 12 + 7)


def test_documents_without_text_are_left_out() -> None:
    assert len(Corpus([Document("empty", ()), Document("full", ("Some text.",))])) == 1


@pytest.mark.parametrize("documents", [[], [Document("empty", ())]])
def test_a_corpus_needs_text(documents: list[Document]) -> None:
    with pytest.raises(DataError, match="the letters: there is no text. .* give a file or folder"):
        Corpus(documents, "the letters")


def test_equal_content_has_an_equal_digest() -> None:
    assert synthetic().digest == synthetic().digest
    assert len(synthetic().digest) == 64


def test_the_digest_tells_where_documents_and_sentences_end() -> None:
    variants = [
        Corpus([Document("a", ("b", "c"))]), Corpus([Document("a", ("b c",))]), Corpus([Document("a", ("c", "b"))]),
        Corpus([Document("a", ("b",)), Document("a", ("c",))]), Corpus([Document("b", ("b", "c"))]),
    ]  # fmt: skip
    assert len({corpus.digest for corpus in variants}) == len(variants)


@given(NAMES, st.randoms())
def test_the_split_is_disjoint_complete_and_free_of_order(names: list[str], chance: random.Random) -> None:
    train, held_out = named(names).split(0.5)
    sides = {document.name for document in train}, {document.name for document in held_out}
    assert not sides[0] & sides[1]
    assert sides[0] | sides[1] == set(names)
    chance.shuffle(names)
    assert {document.name for document in named(names).split(0.5)[1]} == sides[1]
    assert {document.name for document in named([*names, "one more"]).split(0.5)[1]} - {"one more"} == sides[1]


def test_the_share_held_out_is_near_the_one_asked_for() -> None:
    train, held_out = named([f"d{number}" for number in range(5000)]).split(0.1)
    assert len(held_out) == pytest.approx(500, abs=65)  # three standard deviations
    assert len(train) + len(held_out) == 5000


def test_a_larger_share_holds_out_the_same_documents_and_more() -> None:
    corpus = named([f"d{number}" for number in range(200)])
    assert set(corpus.split(0.1)[1]) < set(corpus.split(0.3)[1])


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan")])
def test_shares_that_cannot_be_held_out(share: float) -> None:
    with pytest.raises(UsageError, match="above 0 and below 1"):
        synthetic().split(share)


def test_no_side_of_a_split_is_empty() -> None:
    with pytest.raises(DataError, match="no document would be held out of 1 with a share of 0.01"):
        named(["a"]).split(0.01)
    with pytest.raises(DataError, match="no document would be to train on of 1"):
        named(["a"]).split(0.999)
