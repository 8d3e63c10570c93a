"""Database engines: from a location to SQLAlchemy's engine, and from a database's error to advice.

SQLite runs with a write-ahead log, so that readers and one writer do not wait for each other; a writer takes its lock
when its transaction begins and waits up to 30 s for it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError, JSONDecoder
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from hwcost._io import absolute
from hwcost.errors import MissingExtraError, StoreError, UsageError
from hwcost.stores.fields import canonical_json
from hwcost.stores.network import refuse_network

BUSY_TIMEOUT_S = 30.0
WRITING = "hwcost_writing"
"""Execution option of a connection whose transaction will write."""

_MAGIC = b"SQLite format 3\x00"
_KNOWN = "Give a file such as runs/cpu.db, a file ending in .jsonl, sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME."
_OF_FILES = ("http", "https", "ftp", "s3", "gs", "hf", "file")
"""Kinds of addresses that files have."""

_ADVICE = (
    ("readonly", "It cannot be written; copy it, or ask its owner for write permission."),
    ("read-only", "It cannot be written; copy it, or ask its owner for write permission."),
    ("disk is full", "Free some space and run again; what was acknowledged is kept."),
    ("no space left", "Free some space and run again; what was acknowledged is kept."),
    ("locked", f"Another process held it for more than {BUSY_TIMEOUT_S:.0f} s; end that process or run again."),
    ("not a database", "It is not an SQLite file, or a damaged one; give another file, or restore it from a copy."),
    ("malformed", "The file is damaged; restore it from a copy."),
    ("disk i/o", "The disk or network share is full or failed; keep stores on a local disk, or use PostgreSQL."),
    ("unable to open", "Check that the folder can be written and is not a network share without locks."),
    ("expecting", "A document in it is damaged; restore it from a copy."),
    ("unique", "Records never change: a correction is a new record with an id of its own."),
    ("connection", "Check that the server runs and that host, user and password in the URL are right."),
)


def parse(location: str) -> URL | Path:
    """Tells a database URL from the path of an SQLite file.

    Raises:
        UsageError: When it is a URL of no known kind, or an SQLite database in memory.
    """
    if "://" not in location:
        return absolute(Path(location))
    try:
        url = make_url(location)
    except (ArgumentError, ValueError):  # a ValueError for a port such as "x"
        raise UsageError(f"'{location.split('://')[0]}://...' is not a database URL. {_KNOWN}") from None
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url
    if url.get_backend_name() in _OF_FILES:
        raise UsageError(
            f"'{location}' is the address of a file, and hwcost reads files of this machine only. Download it, and give its "
            "path."
        )
    if url.get_backend_name() != "sqlite":
        raise UsageError(f"stores in '{url.get_backend_name()}' are not supported. {_KNOWN}")
    if not url.database or url.database == ":memory:" or url.query:
        raise UsageError(f"'{url}' is not a plain file: a store in memory or with options is not supported. {_KNOWN}")
    return absolute(Path(url.database))


def sqlite_engine(path: Path, *, create: bool) -> tuple[Engine, bool]:
    """Opens an SQLite file and returns the engine and whether it is read-only.

    Raises:
        UsageError: When it is not there and ``create`` is false, or when it is a folder.
        StoreError: When the file or its folder cannot be read or made, is not an SQLite file, or lies on a network file
            system.
    """
    if path.is_dir():
        raise UsageError(f"'{path}' is a folder; give the store a file in it, such as {path / 'hwcost.db'}")
    is_there = path.exists()
    if is_there:
        _check_magic(path)
    elif not create:
        raise UsageError(f"there is no store at '{path}'. Check the path, or measure something into it first.")
    read_only = is_there and not _may_write(path)
    if not read_only:
        refuse_network(path)
    if not is_there:
        _make_folder(path.parent)
    return _engine(_uri(path, read_only=read_only), read_only=read_only), read_only


def server_engine(url: URL) -> Engine:
    """Returns an engine for a database server; connects later.

    Raises:
        MissingExtraError: When the driver is not installed.
        UsageError: When the URL names an unknown driver.
    """
    try:
        return create_engine(url, json_serializer=canonical_json, json_deserializer=_read_json, pool_pre_ping=True)
    except ModuleNotFoundError:
        raise MissingExtraError(f"the database driver of '{url.drivername}'", "postgres") from None
    except SQLAlchemyError as error:
        raise UsageError(f"cannot use '{url.render_as_string()}': {error}. {_KNOWN}") from None


@contextmanager
def explained_errors(url: str, what: str) -> Iterator[None]:
    """Turns a database's error into a StoreError that says what was tried, on which store, and what to do."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, JSONDecodeError) as error:
        origin = error.orig if isinstance(error, DBAPIError) else error
        text = " ".join(str(origin).split())
        advice = next((say for word, say in _ADVICE if word in text.lower()), "See the database's own messages.")
        raise StoreError(f"cannot {what} the store '{url}': {text}. {advice}") from error


def _refuse_constant(name: str) -> Any:
    raise JSONDecodeError(f"expecting a finite number, got {name}", name, 0)


_decoder = JSONDecoder(parse_constant=_refuse_constant)


def _read_json(document: str | bytes) -> Any:
    """Reads a document as the driver gives it; its numbers must be finite."""
    return _decoder.decode(document if isinstance(document, str) else document.decode())


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make the store's folder '{folder}': {error.strerror}. Give another --store.") from None


def _check_magic(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except OSError as error:
        raise StoreError(f"cannot read the store '{path}': {error.strerror}. Ask its owner, or give another.") from None
    if start and start != _MAGIC:
        raise StoreError(
            f"'{path}' is not a database: it does not begin as an SQLite file does. "
            "Give another --store; a JSON Lines store must end in .jsonl, and other tables are read by their own commands."
        )


def _may_write(path: Path) -> bool:
    """Whether the file, and the folder for its log, can be written by this user."""
    effective = os.access in os.supports_effective_ids
    return all(os.access(place, os.W_OK, effective_ids=effective) for place in (path, path.parent))


def _uri(path: Path, *, read_only: bool) -> str:
    start = f"file:{quote(os.fsencode(path))}"
    if not read_only:
        return f"{start}?mode=rwc"
    log = path.with_name(path.name + "-wal")
    return f"{start}?mode=ro" if log.exists() else f"{start}?mode=ro&immutable=1"


def _engine(uri: str, *, read_only: bool) -> Engine:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, check_same_thread=False)

    how: dict[str, Any] = {"json_serializer": canonical_json, "json_deserializer": _read_json}
    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, **how)
    event.listen(engine, "connect", _prepare_reading if read_only else _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare_reading(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun by _begin, not by the driver


def _prepare(connection: Any, _: Any) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=NORMAL")


def _begin(connection: Connection) -> None:
    writing = connection.get_execution_options().get(WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
