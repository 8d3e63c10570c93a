"""Unigram models of SentencePiece's model files give the pieces that its own library gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwcost.corpora import Tokenizer
from hwcost.errors import DataError
from tests.corpora.sentencepiece_models import BPE, BYTES, HAS_LIBRARY, NORMAL, UNUSED, model, require_reader

pytest.importorskip("tokenizers")

LETTERS = [(letter, -6.0, NORMAL) for letter in "adehlorwx0<>[]"]
WORDS = [("\u2581", -3.0, NORMAL), ("\u2581hello", -2.0, NORMAL), ("\u2581<", -4.0, NORMAL), ("\u2581world", -2.5, NORMAL)]
PIECES = [*LETTERS, *WORDS]
SPACES = [*PIECES, ("\u2581\u2581", -2.5, NORMAL), ("\u2581\u2581\u2581", -2.5, NORMAL)]
FALLBACK = {"byte_fallback": 1}

CASES = [
    (model([*BYTES, *PIECES], FALLBACK), "hello \u2603", "\u2581hello \u2581 <0xE2> <0x98> <0x83>"),
    (model([*BYTES, *PIECES], FALLBACK), "\u2603\U0001f600a", "\u2581 <0xE2> <0x98> <0x83> <0xF0> <0x9F> <0x98> <0x80> a"),
    (model([*BYTES, *PIECES], FALLBACK), "<0x00> x<0xAD>", "\u2581< 0 x 0 0 > \u2581 x < 0 x <0x41> <0x44> >"),
    (model([*BYTES, *PIECES], FALLBACK), "[PAD]", "\u2581 [ <0x50> <0x41> <0x44> ]"),
    (model(PIECES), "hello \u2603\u2603 a", "\u2581hello \u2581 [UNK] \u2581 a"),
    (model([*PIECES, ("\u2581hellox", -1.0, UNUSED)]), "hellox", "\u2581hello x"),
    (model([*BYTES, *PIECES], FALLBACK), "\ufb02 h\u00e9", "\u2581 <0xEF> <0xAC> <0x82> \u2581 h <0xC3> <0xA9>"),
    (model(PIECES, normalizer={"add_dummy_prefix": 0}), " hello  world ", "h e l l o \u2581world"),
    (model(SPACES, normalizer={"remove_extra_whitespaces": 0}), " hello   a", "\u2581 \u2581hello \u2581\u2581\u2581 a"),
    (model(PIECES, normalizer={"remove_extra_whitespaces": 0}), "a  ", "\u2581 a \u2581 \u2581"),
    (model(PIECES), "", ""),
]  # fmt: skip
"""A model file, a text, and the pieces that SentencePiece 0.2 gives it."""


def read(path: Path, content: bytes) -> Tokenizer:
    path.write_bytes(content)
    return Tokenizer.from_sentencepiece(path)


@pytest.mark.parametrize(("content", "text", "expected"), CASES)
def test_text_gives_the_pieces_of_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, text: str, expected: str
) -> None:
    require_reader(monkeypatch)
    made = read(tmp_path / "own.model", content)
    (numbers,) = made.encode([text])
    assert " ".join(map(made._inner.id_to_token, numbers)) == expected
    if HAS_LIBRARY:
        import sentencepiece

        theirs = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "own.model"))
        unknown = theirs.id_to_piece(theirs.unk_id())
        pieces = [theirs.id_to_piece(number) for number in theirs.encode(text)]
        assert ["[UNK]" if piece == unknown else piece for piece in pieces] == expected.split()


def test_unknown_characters_come_back_from_their_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_reader(monkeypatch)
    made = read(tmp_path / "own.model", model([*BYTES, *PIECES], FALLBACK))
    made.save(tmp_path / "saved")
    for text in ("hello \u2603", "\u00e4\u00f6 \U0001f600", "<0x41>", "[MASK] \ufb02"):
        for one in (made, Tokenizer.load(tmp_path / "saved")):
            assert one._inner.decode(one.encode([text])[0]) == text
            assert one.unknown not in one.encode([text])[0]
    (whole,) = made.encode_with_offsets(["a\u2603d"])
    assert [made._inner.id_to_token(number) for number in whole[0]][2:5] == ["<0xE2>", "<0x98>", "<0x83>"]
    assert whole[1][2:5] == [(1, 2)] * 3
    starts = made.word_starts()
    assert [bool(starts[number]) for number in whole[0]] == [True] + [False] * 5


def test_models_of_another_kind_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_reader(monkeypatch)
    suffixes = {"treat_whitespace_as_suffix": 1}
    for options, what in (({"model_type": BPE}, "not a unigram one"), (suffixes, "white space ends its pieces")):
        with pytest.raises(DataError, match=what):
            read(tmp_path / "own.model", model(PIECES, options))
