"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Fills a new file beside ``path``, then renames it to ``path`` in one step.

    A reader sees the old file or the new one, never a part of either. On failure the old file stays, and the new one is
    removed.

    Args:
        path: The file.
        write: Function that writes the whole content to the path that it is given.

    Raises:
        OSError: When the file cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part{path.suffix}")
    try:
        write(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes text atomically, in UTF-8 and without changing line ends; see :func:`write_atomically`."""
    write_atomically(path, lambda part: part.write_bytes(text.encode()))
