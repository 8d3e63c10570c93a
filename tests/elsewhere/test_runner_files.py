"""The runner's files run on Python 3.8 with the standard library alone, and import nothing of hwcost's."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

FILES = sorted((ROOT / "hwcost" / "agent").glob("*.py"))
RUNTIMES = {"torch", "numpy", "onnxruntime"}
"""What the machine may have beside the standard library; each is imported by one file, or within a function."""

NEW = {"removeprefix", "removesuffix", "pairwise", "bit_count"}
"""Methods and functions that Python 3.8 lacks."""


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0], node.level


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_is_of_python_3_8_and_stands_alone(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
    for name, level in imported(tree):
        assert level == 1 or name in sys.stdlib_module_names or name in RUNTIMES or (path.name, name) == (
            "run.py", "hwcost_agent",
        ), f"{path.name} imports {name}"  # fmt: skip
        assert name not in ("pickle", "socket", "socketserver", "http")
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not names & NEW
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "zip":
            assert not node.keywords, "zip() has no strict= in Python 3.8"
