"""Where campaigns and records are kept: SQLite by default, PostgreSQL by URL, JSON Lines for exchange.

Importing this loads neither SQLAlchemy nor pydantic; opening a store does.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hwcost._arguments import PATH, check
from hwcost.errors import UsageError
from hwcost.stores.base import Store

__all__ = ["Store", "default_location", "is_store", "open_store"]

LINES_SUFFIX = ".jsonl"
SUFFIXES = (".db", ".sqlite", ".sqlite3", LINES_SUFFIX)
"""Endings of the names of files that are stores."""

LINES_BEGIN = b'{"hwcost"'
"""First bytes of a store in JSON Lines; any other such file holds somebody's records."""


def open_store(location: str | Path | None = None, *, create: bool = True) -> Store:
    """Opens a store, and brings one that an older hwcost made up to date.

    Args:
        location: A path to an SQLite file, a path that ends in ``.jsonl``, a URL such as ``sqlite:///runs/cpu.db`` or
            ``postgresql+psycopg://user@host/name``, or None for :func:`default_location`.
        create: Make the store, and the folder it is in, when it is not there.

    Raises:
        UsageError: When the location is of no known kind, or ``create`` is false and nothing is there.
        StoreError: When it cannot be opened or made; says why and what to do.
        MissingExtraError: When the database's driver is not installed.
    """
    check({"location": location}, location=PATH.or_none)
    text = str(location) if location is not None else default_location()
    if not text.strip():
        raise UsageError("the store's location is empty; give a file such as runs/cpu.db, or a database URL")
    if text.endswith(".jsonl") and "://" not in text:
        from hwcost.stores.jsonl import JsonLinesStore

        return JsonLinesStore(Path(text), create=create)
    from hwcost.stores.sql import SqlStore

    return SqlStore(text, create=create)


def is_store(source: Any) -> bool:
    """Whether a source names a store: a database, a URL, or a JSON Lines file that holds no other records."""
    if not isinstance(source, (str, os.PathLike)):
        return False
    if "://" in str(source):
        return True
    path = Path(source)
    if path.suffix != LINES_SUFFIX or not path.is_file():
        return path.suffix in SUFFIXES
    with path.open("rb") as file:
        return LINES_BEGIN.startswith(file.read(len(LINES_BEGIN)))


def default_location() -> str:
    """Returns ``HWCOST_STORE``, or ``hwcost.db`` in ``HWCOST_HOME``, or in the user's data folder."""
    if given := os.environ.get("HWCOST_STORE"):
        return given
    if home := os.environ.get("HWCOST_HOME"):
        return str(Path(home) / "hwcost.db")
    from platformdirs import user_data_path

    return str(user_data_path("hwcost", appauthor=False) / "hwcost.db")
