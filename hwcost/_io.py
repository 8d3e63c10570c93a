"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Lets ``write`` fill a file beside ``path``, then puts it in place at once.

    A reader sees the old file or the new one, never a part of either. On failure the
    old file stays and nothing else is left.

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
    """Writes a text file atomically, in UTF-8, with the line ends that it has; see :func:`write_atomically`."""
    def write(part: Path) -> None:
        part.write_bytes(text.encode())

    write_atomically(path, write)
