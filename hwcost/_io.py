"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import Path


def absolute(path: Path) -> Path:
    """Returns an absolute path, with a user's home in place of ``~``; a name that begins so and is no user's stays."""
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        return path.absolute()


def read_at_most(path: Path, most: int) -> bytes | None:
    """Returns the bytes of a file or pipe; None where it has more than ``most``, or never ends.

    Raises:
        OSError: When it cannot be read.
    """
    with path.open("rb") as file:
        found = file.read(most + 1)
    return found if len(found) <= most else None


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


def write_folder(folder: Path, texts: Mapping[str, str], own: Collection[str] = ()) -> None:
    """Writes text files into a folder: all of them beside it first, so that a failure leaves what was there.

    A new folder appears whole. In an old one each file is replaced at once, in the given order; other files stay.

    Args:
        folder: The folder.
        texts: Content of each file; the one that tells whether the others belong together comes last.
        own: Names of files of an old folder that are removed where they are not written again.

    Raises:
        OSError: When the folder cannot be written, or is not a folder.
    """
    is_new = not folder.exists()
    if is_new:
        folder.parent.mkdir(parents=True, exist_ok=True)
    part = (folder.parent if is_new else folder) / f".{folder.name}.{os.getpid()}-{threading.get_ident()}.part"
    try:
        part.mkdir()
        for name, text in texts.items():
            (part / name).write_bytes(text.encode())
        if is_new:
            os.rename(part, folder)
            return
        for name in texts:
            os.replace(part / name, folder / name)
        for name in set(own) - set(texts):
            (folder / name).unlink(missing_ok=True)
    finally:
        shutil.rmtree(part, ignore_errors=True)
