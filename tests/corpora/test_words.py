"""Batches of plain text: where words begin by either kind of tokenizer, as tagging tasks have their words."""

from __future__ import annotations

import re

import numpy as np
import pytest

from hwcost.corpora import Corpus, Document, Tokenizer, WordBatches
from hwcost.corpora.masking import IGNORED
from hwcost.errors import DataError, UsageError
from tests.corpora.multilingual import multilingual

tokenizers = pytest.importorskip("tokenizers")

SENTENCES = tuple(
    f"measure the {one} of a layer, then its {one}s: unbelievable!" for one in ("latency", "level", "round", "drift")
)
TEXT = Corpus([Document("one", SENTENCES * 20)], "the text")
PIECES = Tokenizer.train(TEXT, 60)


def test_every_word_of_wordpiece_has_one_beginning() -> None:
    """Pieces of words by themselves, as tagging tasks give them to the tokenizer, begin where batches say so."""
    words = re.findall(r"\w+|[^\w\s]", " ".join(SENTENCES))
    starts = PIECES.word_starts()
    assert starts.shape == (PIECES.size,)
    pieces = PIECES.encode(words)
    assert max(map(len, pieces)) > 1
    assert all(starts[one].tolist() == [True] + [False] * (len(one) - 1) for one in pieces)
    assert sum(starts[PIECES.encode([" ".join(SENTENCES)])[0]]) == len(words)
    assert starts[PIECES.unknown]
    assert not starts[[PIECES.pad, PIECES.start, PIECES.separator, PIECES.mask]].any()


def test_words_of_a_unigram_model_begin_behind_white_space() -> None:
    corpus = multilingual()
    trained = Tokenizer.train_unigram(corpus, 600)
    starts = trained.word_starts()
    for document in corpus:
        for text, numbers in zip(document.sentences, trained.encode(document.sentences), strict=True):
            assert sum(starts[numbers]) == len(text.split()), text


def test_batches_hold_the_text_as_it_is() -> None:
    found = WordBatches(TEXT, PIECES, 16, 4, seed=3)
    one, again = found.batch(5), WordBatches(TEXT, PIECES, 16, 4, seed=3).batch(5)
    assert all(np.array_equal(one[name], again[name]) for name in one)
    assert PIECES.mask not in one["input_ids"]
    starts = PIECES.word_starts()[one["input_ids"]]
    assert np.array_equal(one["labels"] != IGNORED, starts)
    assert set(np.unique(one["labels"])) == {0, IGNORED}
    flat = [token for text in PIECES.encode(SENTENCES * 20) for token in text]
    rows = {tuple(row[1:15]) for step in range(30) for row in found.batch(step)["input_ids"].tolist()}
    assert {tuple(flat[start : start + 14]) for start in range(0, len(flat) - 14, 14)} <= rows


def test_a_sequence_within_one_word_has_a_label_all_the_same() -> None:
    letters = Tokenizer.train(Corpus([Document("a", ("ab ba " * 30,))], "letters"), 32)
    corpus = Corpus([Document("long", ("abba" * 20,))], "one word")
    batch = WordBatches(corpus, letters, 8, 2).batch(0)
    assert ((batch["labels"] == 0).sum(axis=1) == 1).all()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UsageError, match="seq_len=7"):
        WordBatches(TEXT, PIECES, 7, 4)
    with pytest.raises(DataError, match="fewer than a batch of 4000"):
        WordBatches(TEXT, PIECES, 16, 4000)
    bpe = tokenizers.Tokenizer(tokenizers.models.BPE({"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4}, []))
    with pytest.raises(UsageError, match=r"\(BPE\) do not say where words begin"):
        WordBatches(TEXT, Tokenizer(bpe), 16, 4)
