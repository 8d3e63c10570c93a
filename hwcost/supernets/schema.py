"""Shared by every file of a training or a net: the version of its format, and the error when it cannot be written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hwcost.errors import DataError, StoreError

VERSION = 1
"""Version of the formats of settings, checkpoints and descriptions of nets."""


def check_version(described: dict[str, Any], path: Path) -> None:
    """Raises DataError when a file was written by a later hwcost."""
    if described["schema_version"] != VERSION:
        raise DataError(
            f"'{path}' has schema version {described['schema_version']}; this hwcost reads {VERSION}. A later one wrote it"
        )


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns an error of the system while a file is written into a StoreError.

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
