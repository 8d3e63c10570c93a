"""Bringing a database up to date, with a copy of what it was where it is a file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from hwcost.errors import StoreError, UsageError
from hwcost.stores import LINES_SUFFIX
from hwcost.stores.engines import explained_errors, parse, server_engine, sqlite_engine
from hwcost.stores.migrations import HEAD, REVISIONS
from hwcost.stores.revisions import check_revision, upgrade


@dataclass(frozen=True, slots=True)
class Migration:
    """What is done to bring a store up to date.

    Attributes:
        url: Location of the store, without a password.
        before: Revision that it had.
        after: Revision of this hwcost.
        steps: Revisions in between, in their order; none where it is up to date.
        backup: Copy of what it was; None where none is made.
    """

    url: str
    before: str
    after: str
    steps: tuple[str, ...]
    backup: str | None


def migrate(location: str, *, backup: bool = True, dry_run: bool = False) -> Migration:
    """Brings a store up to date.

    A JSON Lines file is never changed by that: its lines are migrated whenever they are read.

    Args:
        location: Location of the store.
        backup: Copy an SQLite file to one beside it first.
        dry_run: Do nothing but say what would be done.

    Raises:
        UsageError: When there is no store, or it is a JSON Lines file.
        StoreError: When it was made by a newer hwcost or another tool, or cannot be read, copied or written.
    """
    url, path, engine, before = opened(location)
    try:
        steps = REVISIONS[REVISIONS.index(before) + 1 :]
        copy = _free_name(path, before) if path is not None and backup and steps else None
        if steps and not dry_run:
            if path is not None and copy is not None:
                _copy(path, copy)
            with explained_errors(url, "upgrade"):
                upgrade(engine, url)
    finally:
        engine.dispose()
    return Migration(url, before, HEAD, steps, None if copy is None else str(copy))


def opened(location: str) -> tuple[str, Path | None, Engine, str]:
    """Opens a database as it is, without bringing it up to date.

    Returns:
        Its URL without a password, its file, the engine, which the caller disposes of, and its revision.

    Raises:
        UsageError: When there is no store, or it is a JSON Lines file.
        StoreError: When it was made by a newer hwcost or another tool, or cannot be read.
    """
    if location.endswith(LINES_SUFFIX) and "://" not in location:
        raise UsageError(f"'{location}' is a JSON Lines file: its lines are migrated when they are read. Leave it as it is.")
    where = parse(location)
    if isinstance(where, Path):
        url, engine = str(where), sqlite_engine(where, create=False)[0]
    else:
        url, engine = where.render_as_string(hide_password=True), server_engine(where)
    try:
        with explained_errors(url, "open"):
            revision = check_revision(engine, url)
        if revision is None:
            raise UsageError(f"'{url}' is empty: no store was made in it yet. Measure something into it first.")
    except BaseException:
        engine.dispose()
        raise
    return url, where if isinstance(where, Path) else None, engine, revision


def _free_name(path: Path, revision: str) -> Path:
    """Returns a name for a copy that is not taken yet."""
    names = (f"{path.name}.{revision}{number}.backup" for number in ("", *(f"-{n}" for n in range(1, 1_000))))
    return next(place for name in names if not (place := path.with_name(name)).exists())


def _copy(path: Path, copy: Path) -> None:
    """Copies an SQLite file as it is at one moment, what only its log holds included.

    Raises:
        StoreError: When the copy cannot be written.
    """
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    except sqlite3.Error as error:
        copy.unlink(missing_ok=True)
        raise StoreError(f"cannot copy the store '{path}' to '{copy}': {error}. Make room, or give --no-backup.") from None
