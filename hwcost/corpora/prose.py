"""Finds the prose in Python source: docstrings, block comments, and the sentences among them that are not code."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterable, Iterator

from hwcost.corpora.sentences import sentences

LEAST_WORDS = 4
"""Plain words that a sentence must have."""

PLAIN_SHARE = 0.6
"""Share of plain words among all words of a sentence, at least."""

_PLAIN = re.compile(r"[\"'(\[`*]*[^\W\d_]+(?:['’-][^\W\d_]+)*[\"')\]`*.,;:!?]*")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")
_CODE = re.compile(
    r"\s*(?:def |class |@|from \S+ import|import )[\w. ,()*=]*:?$"  # statements that fill a line
    r"|\s*[\w.]+\(.*\)\s*:?$"  # calls
    r"|\s*[\w.\[\]]+(?:, [\w.\[\]]+)* [-+*/|&]?= "  # assignments
    r"|.*(?:->|::=|==|[{};]$)"  # signatures, grammars, comparisons, other languages
)
_COMMENT = re.compile(r"\s*#+!? ?(.*)")
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def docstrings(nodes: Iterable[ast.AST]) -> list[str]:
    """Returns the docstrings of modules, classes and functions in the order of lines, without common indentation."""
    documented = [node for node in nodes if isinstance(node, _DOCUMENTED)]
    found = map(ast.get_docstring, sorted(documented, key=lambda node: getattr(node, "lineno", 0)))
    return [text for text in found if text]


def strings(nodes: Iterable[ast.AST]) -> list[str]:
    """Returns every string constant: for modules that are nothing but text."""
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def comments(source: str, nodes: Iterable[ast.AST]) -> list[str]:
    """Returns the comments that stand on lines of their own, neighbouring lines as one text.

    Args:
        source: The text of a module.
        nodes: Its syntax tree's nodes, which tell comments from lines inside of strings.
    """
    quoted = _quoted_lines(nodes)
    lines = (None if number in quoted else _COMMENT.match(line) for number, line in enumerate(source.split("\n"), 1))
    blocks = itertools.groupby(lines, key=lambda match: match is not None)
    return ["\n".join(match[1] for match in block if match) for is_comment, block in blocks if is_comment]


def prose(text: str) -> list[str]:
    """Returns the sentences of a docstring or comment that are prose.

    Left out are examples at a prompt with what they print, literal blocks after ``::``, lines that are code or hold no
    letter, and sentences with fewer than ``LEAST_WORDS`` plain words or with too much of anything else.
    """
    lines = _without_code(_without_literals(_without_examples(text.expandtabs().splitlines())))
    return [sentence for sentence in sentences("\n".join(lines)) if _is_prose(sentence)]


def _quoted_lines(nodes: Iterable[ast.AST]) -> set[int]:
    """Numbers, from 1, of the lines on which a string of several lines goes on."""
    quoted: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.end_lineno:
            quoted.update(range(node.lineno + 1, node.end_lineno + 1))
    return quoted


def _without_examples(lines: Iterable[str]) -> Iterator[str]:
    """Blanks every line from a prompt to the next blank line."""
    inside = False
    for line in lines:
        inside = bool(line.strip()) and (inside or line.lstrip().startswith(">>>"))
        yield "" if inside else line


def _without_literals(lines: Iterable[str]) -> Iterator[str]:
    """Blanks what is indented further than a line before it that ends in two colons."""
    outer: int | None = None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if line.strip() and outer is not None and indent <= outer:
            outer = None
        yield line if outer is None else ""
        if outer is None and line.rstrip().endswith("::"):
            outer = indent


def _without_code(lines: Iterable[str]) -> Iterator[str]:
    """Blanks lines of code and of punctuation; starts a paragraph at each item of a list."""
    for line in lines:
        if _BULLET.match(line):
            yield ""
        is_text = any(map(str.isalpha, line)) and not _CODE.match(line)
        yield _BULLET.sub("", line) if is_text else ""


def _is_prose(sentence: str) -> bool:
    words = sentence.split()
    plain = sum(_PLAIN.fullmatch(word) is not None for word in words)
    return plain >= LEAST_WORDS and plain >= PLAIN_SHARE * len(words)
