"""What the prose of this project is checked for: arguments described by noun phrases, and no words of its own making."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from tests.syntax import tree_of

FRAGMENTS = {
    "as", "at", "by", "for", "from", "how", "if", "in", "likewise", "of", "on", "over", "see", "since", "through", "to",
    "under", "until", "what", "when", "where", "which", "who", "why", "with",
}  # fmt: skip
"""Words that begin no noun phrase: a description that begins with one has no subject."""

PREPOSITIONS = {"as", "at", "by", "in", "of", "on", "over", "through", "to", "under", "until", "with", "likewise"}
"""Words that begin no whole sentence of a docstring."""

COMPARED = "longer|more|less|fewer|greater|larger|smaller|better|worse|wider|narrower|surer|other|use"
"""Words that may follow "is no", which otherwise stands behind "there" only."""

RETIRED = {
    r"\b(told)\b": "reported, given, says",
    r"\b(youngest)\b": "latest",
    r"\b(settled)\b": "steady; for hyperparameters: chosen, fixed",
    r"\b(woven|unwoven)\b": "interleaved",
    r"\b(certif(?:y|ied|ies))\b": "check",
    r"\b(unpaid)\b": "not synchronised",
    r"\b(taken[ _]up)\b": "resumed",
    r"\b(topped[ _]up)\b": "extended by further rounds",
    r"\b(gone on with|goes on from there)\b": "resumed",
    r"\b(so to say)\b": "",
    r"\b(dear|dearer|dearest)\b": "expensive",
    r"\b(attained)\b": "convergence",
    r"\b(complaints?)\b": "errors",
    r"\b(synonyms?|has_synonyms)\b": "isomorphs",
    r"\b(undisturbed)\b": "uncontended",
    r"\b(brings? the policy)\b": "updates the policy",
    rf"(?<!there )\b((?:is|are|was|were) no)\b(?! (?:{COMPARED}))": "is not a, is not one of",
}  # fmt: skip
"""Words and turns that a reader of the field does not know, or that say less than the field's term, which stands beside."""

_ANY_RETIRED = re.compile(r"\b(?:" + "|".join(pattern.removeprefix(r"\b") for pattern in RETIRED) + ")")
"""All of them at once, for a text in small letters: a file without any takes a fifth of the time."""

_SECTION = re.compile(r"^(Args|Attributes):\s*$")
_ENTRY = re.compile(r"^ {4}(?P<name>\*{0,2}\w+)(?: \([^)]*\))?: (?P<text>.+)$")


def descriptions(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yields line, name and description of every argument, attribute and command-line option of a module."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)):
            yield from _of_docstring(node)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", None) in ("Option", "Argument"):
            for keyword in node.keywords:
                if keyword.arg == "help" and (text := _beginning(keyword.value)):
                    yield node.lineno, "help", text


def _beginning(value: ast.expr) -> str:
    """Returns the literal text that a value begins with; empty where it begins with something else."""
    if isinstance(value, ast.JoinedStr) and value.values:
        return _beginning(value.values[0])
    if isinstance(value, ast.BinOp):
        return _beginning(value.left)
    return str(value.value) if isinstance(value, ast.Constant) else ""


Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module


def _of_docstring(node: Documented) -> Iterator[tuple[int, str, str]]:
    text = ast.get_docstring(node)
    if text is None:
        return
    line, is_listed = getattr(node, "lineno", 1), False
    for one in text.split("\n"):
        if _SECTION.match(one):
            is_listed = True
        elif one and not one.startswith(" "):
            is_listed = False
        elif is_listed and (entry := _ENTRY.match(one)):
            yield line, entry["name"], entry["text"]


def fragments(path: Path) -> list[str]:
    """Returns the descriptions of a module that have no subject."""
    return [
        f"{path.name}:{line} {name}: {text}"
        for line, name, text in descriptions(path)
        if re.split(r"\W+", text.lower(), maxsplit=1)[0] in FRAGMENTS
    ]


def headless(path: Path) -> list[str]:
    """Returns what else of a module's prose has no subject.

    These are descriptions of constants, results under "Returns:", and docstrings that begin with a preposition.
    """
    tree = tree_of(path)
    found = [(line, text, FRAGMENTS - {"see"}) for line, text in (*_of_constants(tree), *_of_results(tree))]
    found += [(line, text, PREPOSITIONS) for line, text in _docstrings(tree)]
    return [f"{path.name}:{line} {text}" for line, text, words in found if _first_word(text) in words]


def _first_word(text: str) -> str:
    return re.split(r"\W+", text.strip().lower(), maxsplit=1)[0]


def _docstrings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, Documented) and (text := ast.get_docstring(node)):
            yield getattr(node, "lineno", 1), text.split("\n")[0]


def _of_results(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, Documented) and (text := ast.get_docstring(node)):
            for found in re.findall(r"^(?:Returns|Yields):\n {4}(.*)", text, re.MULTILINE):
                yield getattr(node, "lineno", 1), found


def _of_constants(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yields the strings behind assignments, which describe what is assigned."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for before, after in itertools.pairwise(body) if isinstance(body, list) else ():
            is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            if is_text and isinstance(after.value.value, str) and isinstance(before, (ast.Assign, ast.AnnAssign)):
                yield after.lineno, after.value.value.split("\n")[0]


def retired(path: Path) -> list[str]:
    """Returns the lines of a file that hold a retired word, with what to write."""
    found, text = [], path.read_text(encoding="utf-8")
    for number, line in enumerate(text.split("\n") if _ANY_RETIRED.search(text.lower()) else (), 1):
        for pattern, instead in RETIRED.items():
            hit = re.search(pattern, line, re.IGNORECASE)
            if hit:
                found.append(f"{path.name}:{number} '{hit[1]}' (write: {instead}): {line.strip()}")
    return found
