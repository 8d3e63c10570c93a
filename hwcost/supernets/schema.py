"""What every file of a training or a net has in common: a version, and one way to say that it cannot be written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hwcost.errors import DataError, StoreError

VERSION = 1
"""Of settings, checkpoints, and descriptions of nets."""


def check_version(described: dict[str, Any], path: Path) -> None:
    """Raises DataError when a file was written by a later hwcost."""
    if described["schema_version"] != VERSION:
        raise DataError(
            f"'{path}' has schema version {described['schema_version']}; this hwcost reads {VERSION}. A later one wrote it"
        )


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what the system says while a file is written into a StoreError.

    Raises:
        StoreError: When the disk is full, or it fails.
    """
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"cannot write '{path}': {error.strerror or error}. What was written before is whole; make room, then run the "
            f"same command again"
        ) from None
