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


def cpu_list(listed: str) -> tuple[int, ...]:
    """Reads a list of the kernel's, such as ``0-3,8``.

    Raises:
        ValueError: When the text is not such a list.
    """
    found: set[int] = set()
    for part in listed.strip().split(","):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return tuple(sorted(found))
