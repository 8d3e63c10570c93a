"""SentencePiece's unigram model: trained on text in many scripts, saved, loaded, and read from SentencePiece's own file."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from hwcost.corpora import MlmBatches, Tokenizer
from hwcost.errors import DataError, MissingExtraError, UsageError
from tests.corpora.multilingual import SCRIPTS, multilingual

pytest.importorskip("tokenizers")

TEXT = multilingual()
ALL = [text for document in TEXT for text in document.sentences]
SIZE = 600
TRAINED = Tokenizer.train_unigram(TEXT, SIZE)


def test_text_in_every_script_is_known_and_found_again() -> None:
    assert TRAINED.specials == (0, 1, 2, 3, 4)
    assert 300 < TRAINED.size <= SIZE
    for text, numbers in zip(ALL, TRAINED.encode(ALL), strict=True):
        assert TRAINED.unknown not in numbers
        assert max(numbers) < TRAINED.size
        assert TRAINED._inner.decode(numbers) == unicodedata.normalize("NFKC", text)


def test_frequent_words_of_every_script_are_few_pieces() -> None:
    """Pieces go across characters in every script, and white space is a part of them."""
    for document in TEXT:
        characters = sum(len(text) for text in document.sentences)
        pieces = sum(map(len, TRAINED.encode(document.sentences)))
        assert pieces < 0.6 * characters, document.name
    assert len(TEXT) == len(SCRIPTS)


def test_two_trainings_find_the_same_pieces() -> None:
    """Their scores differ in the last digits, and so do the numbers of pieces."""
    again = Tokenizer.of("unigram", TEXT, SIZE)
    assert set(again._inner.get_vocab()) == set(TRAINED._inner.get_vocab())


def test_it_is_saved_and_loaded(tmp_path: Path) -> None:
    TRAINED.save(tmp_path)
    for again in (Tokenizer.load(tmp_path), Tokenizer.of(str(tmp_path), TEXT, SIZE)):
        assert again.digest == TRAINED.digest
        assert again.encode(ALL) == TRAINED.encode(ALL)


def test_batches_are_masked_as_those_of_wordpiece() -> None:
    batch = MlmBatches(TEXT, TRAINED, 16, 4, 0).batch(0)
    assert (batch["input_ids"][:, 0] == TRAINED.start).all()
    assert (batch["labels"] >= 0).any()


def test_case_and_accents_stay() -> None:
    assert TRAINED.encode(["Á"]) != TRAINED.encode(["a"])
    assert TRAINED.encode(["[MASK]"])[0].count(TRAINED.mask) == 0
    assert TRAINED.encode(["", "  "]) == [[], []]


def test_a_model_file_of_sentencepiece_gives_its_pieces(tmp_path: Path) -> None:
    library = pytest.importorskip("sentencepiece")
    pytest.importorskip("google.protobuf")
    text = tmp_path / "text.txt"
    text.write_text("\n".join(ALL), encoding="utf-8")
    library.SentencePieceTrainer.train(
        input=str(text), model_prefix=str(tmp_path / "own"), vocab_size=300, character_coverage=1.0, minloglevel=2
    )
    theirs = library.SentencePieceProcessor(model_file=str(tmp_path / "own.model"))
    ours = Tokenizer.of(str(tmp_path / "own.model"), TEXT, SIZE)
    assert ours.specials == (0, 1, 2, 3, 4)
    names = ours._inner.id_to_token
    for row, own in zip(ours.encode(ALL), ALL, strict=True):
        assert [names(number) for number in row] == theirs.encode(own, out_type=str)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a tokenizer is wordpiece or unigram"):
        Tokenizer.of("bpe", TEXT, SIZE)
    with pytest.raises(UsageError, match="at least 32 tokens"):
        Tokenizer.train_unigram(TEXT, 8)
    broken = tmp_path / "broken.model"
    broken.write_bytes(b"no model")
    with pytest.raises((DataError, MissingExtraError)):
        Tokenizer.from_sentencepiece(broken)
