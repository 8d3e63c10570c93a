"""Syntax trees of the files of this project, which several tests of one process read and none changes."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


@cache
def tree_of(path: Path) -> ast.Module:
    """Returns the syntax tree of a file; all of those of the package take seconds."""
    return ast.parse(path.read_text(encoding="utf-8"))
