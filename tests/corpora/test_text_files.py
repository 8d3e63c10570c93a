"""The user's own text: files, folders, and what is wrong with them; and the choice between kinds of source."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwcost.corpora import corpus, text_files
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
