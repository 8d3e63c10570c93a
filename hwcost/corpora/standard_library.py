"""The prose that every Python installation carries: docstrings and comments of its standard library.

Nothing is downloaded and no module is imported; the sources are read as text. Another version of Python holds another text:
what is to be compared across machines should name the corpus's digest.
"""

from __future__ import annotations

import ast
import sysconfig
import tokenize
from collections.abc import Iterator
from pathlib import Path

from hwcost.corpora.corpus import Corpus, Document
from hwcost.corpora.prose import comments, docstrings, prose, strings
from hwcost.errors import DataError

SKIPPED = frozenset(
    ("test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__", "encodings", "turtledemo", "ensurepip")
)
"""Folders of tests, installed packages, tables and demonstrations."""

TOPICS = "pydoc_data.topics"
"""The module that holds the language reference as strings."""


def standard_library() -> Corpus:
    """Reads the prose of the running Python's standard library: a document per module, in the order of names.

    A sentence that stands in several modules, such as a licence, is kept where it comes first.

    Raises:
        DataError: When the installation carries no sources.
    """
    folder = Path(sysconfig.get_path("stdlib"))
    modules = sorted((_module_name(path.relative_to(folder)), path) for path in _sources(folder))
    if not modules:
        raise DataError(
            f"{folder}: this Python carries no sources of its standard library. Install them (python3-full or "
            "libpython3-stdlib on Debian), or give text of your own: a file or folder of .txt files."
        )
    seen: set[str] = set()
    documents = (Document(name, tuple(_unseen(_read(name, path), seen))) for name, path in modules)
    return Corpus(documents, "the standard library")


def _sources(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*.py"):
        if not SKIPPED.intersection(path.relative_to(folder).parts):
            yield path


def _module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _read(name: str, path: Path) -> Iterator[str]:
    """Yields the sentences of a module; none of a file that cannot be read as Python."""
    try:
        with tokenize.open(path) as file:
            source = file.read()
        nodes = list(ast.walk(ast.parse(source)))
    except (OSError, SyntaxError, UnicodeDecodeError, ValueError):
        return
    texts = strings(nodes) if name == TOPICS else [*docstrings(nodes), *comments(source, nodes)]
    for text in texts:
        yield from prose(text)


def _unseen(texts: Iterator[str], seen: set[str]) -> Iterator[str]:
    for text in texts:
        if text not in seen:
            seen.add(text)
            yield text
