"""Small files of ``proc`` and ``sys``."""

from __future__ import annotations

from pathlib import Path


def text(path: Path) -> str:
    """Returns the text of a file without the spaces around it.

    Raises:
        OSError: When it cannot be read.
    """
    return path.read_text(encoding="utf-8", errors="replace").strip("\0 \n\t")


def text_or_empty(path: Path) -> str:
    """Returns the text of a file without the spaces around it; empty when it cannot be read."""
    try:
        return text(path)
    except OSError:
        return ""
