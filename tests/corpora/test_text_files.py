"""The user's own text: files, folders, and what is wrong with them; and the choice between kinds of source."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from hwcost.corpora import Corpus, Tokenizer, corpus, text_files
from hwcost.corpora.encoded import encode
from hwcost.errors import DataError, UsageError


def test_a_file_is_a_document(tmp_path: Path) -> None:
    (tmp_path / "tale.txt").write_bytes("\ufeffOnce. Twice\r\nover.\r\n\r\nA paragraph".encode())
    (document,) = text_files(tmp_path / "tale.txt")
    assert document.name == "tale"
    assert document.sentences == ("Once.", "Twice over.", "A paragraph")


def test_a_folder_is_read_at_any_depth(tmp_path: Path) -> None:
    for name in ("b.txt", "a/spring.txt", "a/deep/x.txt", "notes.md", "empty.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("" if name == "empty.txt" else f"Text of {name}.")
    found = {document.name: document.sentences for document in corpus(tmp_path)}
    assert found == {
        "a.deep.x": ("Text of a/deep/x.txt.",), "a.spring": ("Text of a/spring.txt.",), "b": ("Text of b.txt.",),
    }  # fmt: skip
    assert text_files(tmp_path).digest == corpus(str(tmp_path)).digest


def test_a_missing_path(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="gone.txt: No such file or directory. Give a text file"):
        corpus(tmp_path / "gone.txt")


def test_a_folder_without_text_files(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("Text.")
    with pytest.raises(DataError, match="the folder holds no .txt file. Give"):
        corpus(tmp_path)


def test_a_file_that_is_no_utf8(tmp_path: Path) -> None:
    (tmp_path / "fine.txt").write_text("Text.")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9 au lait")
    with pytest.raises(DataError, match="latin.txt: byte 3 is not UTF-8 text. Save the file as UTF-8"):
        corpus(tmp_path)


def test_large_text_is_read_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file of many blocks, with characters of several bytes at their borders; tokens, digest and sides are the same."""
    pytest.importorskip("tokenizers")
    rng = np.random.default_rng(0)
    for name, lines in (("large", 4000), ("small", 3), ("other", 40)):
        words = rng.choice(["Über", "naïve", "word", "End.", "日本。", "\u2028"], size=(lines, 9))
        blank = np.where(rng.random(lines) < 0.1, "\n", "")
        (tmp_path / f"{name}.txt").write_text("\n".join(" ".join(row) + end for row, end in zip(words, blank, strict=True)))
    held = text_files(tmp_path)
    tokenizer = Tokenizer.train(held, 100)
    expected = encode(held, tokenizer)
    module = sys.modules[text_files.__module__]
    monkeypatch.setattr(module, "HELD_BYTES", 0)
    monkeypatch.setattr(module, "AT_ONCE_BYTES", 101)
    monkeypatch.setattr(sys.modules[Corpus.__module__], "AT_ONCE", 64)
    monkeypatch.setattr(module.TextDocuments, "read", lambda *_: pytest.fail("a document was held as a whole"))
    lazy = text_files(tmp_path)
    assert (len(lazy), lazy.digest) == (len(held), held.digest)
    assert Tokenizer.train(lazy, 100).digest == tokenizer.digest
    found = encode(lazy, tokenizer)
    for array in ("tokens", "sentences", "documents"):
        np.testing.assert_array_equal(getattr(found, array), getattr(expected, array))
    assert [side.digest for side in lazy.split(0.8)] == [side.digest for side in held.split(0.8)]


def test_the_place_of_a_wrong_byte_is_that_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[text_files.__module__], "AT_ONCE_BYTES", 4)
    for text, place in ((b"caf\xc3\xa9 \xff", 6), (b"abc\xc3", 3), (b"abc\xc3 d", 3)):
        (tmp_path / "wrong.txt").write_bytes(text)
        with pytest.raises(DataError, match=f"byte {place} is not UTF-8"):
            text_files(tmp_path)


def test_files_without_any_text(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text(" \n\n")
    with pytest.raises(DataError, match="there is no text"):
        corpus(tmp_path / "empty.txt")


def test_options_that_the_source_does_not_take(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Text.")
    with pytest.raises(UsageError, match="does not take these options: .*'column'"):
        corpus(tmp_path, column="text")
    with pytest.raises(UsageError, match="corpus 'stdlib' does not take these options"):
        corpus("stdlib", split="train")
