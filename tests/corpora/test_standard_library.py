"""What counts as prose in Python source, and the corpus that the standard library gives."""

from __future__ import annotations

import ast
import sysconfig
from pathlib import Path

import pytest

from hwcost.corpora import Corpus, corpus
from hwcost.corpora.prose import comments, docstrings, prose
from hwcost.corpora.standard_library import standard_library
from hwcost.errors import DataError

SOURCE = '''"""The module says what it is for."""

# A comment over two lines, which
# goes on here and ends.
x = 1  # a remark at the end of a line is no block


class Thing:
    """A thing has words of its own."""

    def act(self):
        """Acts in a way that words describe."""
        text = """
        # This line is inside of a string.
        """
        return text
'''


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A standard library of its own, without any module."""
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    return tmp_path


def test_docstrings_and_comments_are_found() -> None:
    nodes = list(ast.walk(ast.parse(SOURCE)))
    assert docstrings(nodes) == [
        "The module says what it is for.", "A thing has words of its own.", "Acts in a way that words describe.",
    ]  # fmt: skip
    assert comments(SOURCE, nodes) == ["A comment over two lines, which\ngoes on here and ends."]


def test_prose_without_what_is_none() -> None:
    text = """Return the sum of two numbers.

    >>> add(1, 2)
    3

    Here is how it goes, in code::

        for x in it: this is not a text at all

        nor is this one, after a blank line

    +------+-------+
    | some | table |
    ==============
    value = first + second
    compute(a, b)
    - The first item of a list.
    * The second item of a list.
    Too short this.
    """
    assert prose(text) == [
        "Return the sum of two numbers.", "Here is how it goes, in code::", "The first item of a list.",
        "The second item of a list.",
    ]  # fmt: skip


def test_modules_become_documents(library: Path) -> None:
    (library / "pack").mkdir()
    (library / "pack" / "__init__.py").write_text(SOURCE)
    (library / "pack" / "part.py").write_text('"""Only this sentence is new here. A thing has words of its own."""')
    (library / "pydoc_data").mkdir()
    (library / "pydoc_data" / "topics.py").write_text("topics = {'assert': 'A topic that reads as prose does.'}")
    found = {document.name: document.sentences for document in standard_library()}
    assert list(found) == ["pack", "pack.part", "pydoc_data.topics"]
    assert found["pack"][-1] == "A comment over two lines, which goes on here and ends."
    assert found["pack.part"] == ("Only this sentence is new here.",)
    assert found["pydoc_data.topics"] == ("A topic that reads as prose does.",)


def test_what_is_no_module_is_skipped(library: Path) -> None:
    (library / "good.py").write_text(SOURCE)
    (library / "wrong.py").write_text('"""This text is in no Python file."""\ndef (')
    (library / "latin.py").write_bytes('"""These words are not in UTF-8: café."""'.encode("latin-1"))
    for folder in ("test", "site-packages", "encodings", "json/tests"):
        (library / folder).mkdir(parents=True)
        (library / folder / "some.py").write_text('"""This text is not meant to be read."""')
    assert [document.name for document in standard_library()] == ["good"]


def test_an_installation_without_sources(library: Path) -> None:
    with pytest.raises(DataError, match="carries no sources .* or give text of your own"):
        standard_library()


@pytest.fixture(scope="module")
def real() -> Corpus:
    return corpus("stdlib")


def test_the_standard_library_has_text_to_train_on(real: Corpus) -> None:
    assert real.words > 200_000
    assert len(real) > 300
    names = [document.name for document in real]
    assert names == sorted(names)
    assert {"argparse", "asyncio.tasks", "email", "pydoc_data.topics"} <= set(names)


def test_its_sentences_are_prose_and_stand_once(real: Corpus) -> None:
    texts = [text for document in real for text in document.sentences]
    assert len(set(texts)) == len(texts)
    assert all(len(text.split()) >= 4 and ">>>" not in text.split() for text in texts)


def test_it_splits(real: Corpus) -> None:
    train, held_out = real.split()
    assert len(train) + len(held_out) == len(real)
    assert 0.04 < len(held_out) / len(real) < 0.2
