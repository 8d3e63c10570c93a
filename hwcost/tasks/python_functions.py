"""Functions of Python's standard library that say in a sentence what they do: text with facts about it that need no judge.

Like :mod:`hwcost.corpora.standard_library`, it reads sources as text and imports nothing. Part of the library is enough:
packages that every installation carries, and that document themselves in prose.
"""

from __future__ import annotations

import ast
import hashlib
import sysconfig
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hwcost.corpora.prose import comments, prose
from hwcost.errors import DataError

__all__ = ["Function", "Module", "is_judged", "modules"]

PACKAGES = (
    "asyncio", "concurrent", "email", "http", "importlib", "json", "logging", "multiprocessing", "unittest", "urllib", "xml",
)  # fmt: skip
"""Packages that are read."""

JUDGED = 0.15
"""Expected share of the modules that is kept to judge by."""

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Function:
    """A function with a docstring.

    Attributes:
        name: Name of the function.
        summary: First sentence of its docstring.
        lines: Number of lines from its first statement to its last, the docstring left out.
    """

    name: str
    summary: str
    lines: int


@dataclass(frozen=True)
class Module:
    """What is read of a module.

    Attributes:
        name: Dotted name.
        functions: Functions whose docstring begins with prose.
        docstrings: Sentences of docstrings.
        comments: Sentences of comments.
    """

    name: str
    functions: tuple[Function, ...]
    docstrings: tuple[str, ...]
    comments: tuple[str, ...]


@cache
def modules() -> tuple[Module, ...]:
    """Reads the modules, in the order of their names.

    Raises:
        DataError: When the installation carries no sources.
    """
    folder = Path(sysconfig.get_path("stdlib"))
    paths = [path for package in PACKAGES for path in (folder / package).rglob("*.py")]
    if not paths:
        raise DataError(
            f"{folder}: this Python carries no sources of its standard library. Install them (python3-full or "
            "libpython3-stdlib on Debian), or give a task of your own: --task DIR"
        )
    return tuple(_read(path, ".".join(path.relative_to(folder).with_suffix("").parts)) for path in sorted(paths))


def is_judged(module: Module) -> bool:
    """Tells whether a module is kept to judge by, from the hash of its name."""
    return hashlib.sha256(module.name.encode()).digest()[0] < JUDGED * 256


def _read(path: Path, name: str) -> Module:
    """Reads a module; nothing of one that cannot be read as Python."""
    try:
        with tokenize.open(path) as file:
            source = file.read()
        nodes = list(ast.walk(ast.parse(source)))
    except (OSError, SyntaxError, UnicodeDecodeError, ValueError):
        return Module(name, (), (), ())
    documented = [(node, text) for node in nodes if isinstance(node, _FUNCTIONS) and (text := ast.get_docstring(node))]
    found = tuple(_functions(documented))
    texts = tuple(sentence for _, text in documented for sentence in prose(text))
    return Module(name, found, texts, tuple(sentence for text in comments(source, nodes) for sentence in prose(text)))


def _functions(documented: list[tuple[ast.FunctionDef | ast.AsyncFunctionDef, str]]) -> Iterator[Function]:
    for node, text in documented:
        sentences = prose(text.split("\n\n")[0])
        if sentences and len(node.body) > 1:
            lines = (node.body[-1].end_lineno or 0) - node.body[1].lineno + 1
            yield Function(node.name, sentences[0], lines)
