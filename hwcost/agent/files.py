"""Small files of ``proc`` and ``sys``; the folder in which they lie can be another one, for tests."""

from __future__ import annotations

import os


def text(*path: str | os.PathLike[str]) -> str:
    """Returns the text of a file without the spaces around it.

    Raises:
        OSError: When it cannot be read.
    """
    with open(os.path.join(*path), encoding="utf-8", errors="replace") as file:
        return file.read().strip("\0 \n\t")


def text_or_empty(*path: str | os.PathLike[str]) -> str:
    """Returns the text of a file; empty when it cannot be read."""
    try:
        return text(*path)
    except OSError:
        return ""
