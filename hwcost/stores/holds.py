"""Holding a campaign, so that only one process at a time runs it: by a file beside the store, or by a lock of the server."""

from __future__ import annotations

import getpass
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hwcost.agent.locks import CannotLockError, FileLock, described
from hwcost.errors import BusyError, StoreError
from hwcost.stores.ids import utc_now

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

LONGEST_NAME = 64
LONGEST_APPLICATION = 63
"""Characters that PostgreSQL keeps of a connection's name."""


@contextmanager
def held_by_file(store: Path, campaign_id: str) -> Iterator[None]:
    """Holds a campaign of a store that is a file.

    Args:
        store: The store's file; the lock's file stands beside it while the campaign runs, and stays after a crash.
        campaign_id: The campaign.

    Raises:
        BusyError: When another process holds it.
        StoreError: When the file of the lock cannot be made.
    """
    name = re.sub(r"[^0-9A-Za-z-]", "_", campaign_id)[:LONGEST_NAME]
    lock = FileLock(store.with_name(f"{store.name}.{name}.lock"), is_temporary=True)
    try:
        is_held = lock.acquire({"since": f"{utc_now()[:19]}Z"})
    except CannotLockError as error:
        raise StoreError(f"campaign {campaign_id} cannot be held for this process: {error}. Remove that file.") from None
    if not is_held:
        raise busy(campaign_id, str(store), described(lock.holder()))
    try:
        yield
    finally:
        lock.release()


@contextmanager
def held_by_server(engine: Engine, url: str, campaign_id: str) -> Iterator[None]:
    """Holds a campaign of a PostgreSQL store by an advisory lock, which ends with its connection.

    Args:
        engine: Engine of the store.
        url: URL of the store, without a password.
        campaign_id: The campaign.

    Raises:
        BusyError: When another connection holds it.
    """
    from sqlalchemy.exc import SQLAlchemyError

    number = int.from_bytes(hashlib.sha256(f"hwcost campaign {campaign_id}".encode()).digest()[:8], "big", signed=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        name = f"hwcost, process {os.getpid()} of {_user()}"[:LONGEST_APPLICATION]
        connection.exec_driver_sql("SELECT set_config('application_name', %s, false)", (name,))
        if not connection.exec_driver_sql("SELECT pg_try_advisory_lock(%s)", (number,)).scalar_one():
            raise busy(campaign_id, url, _server_holder(connection, number))
        try:
            yield
        finally:
            with suppress(SQLAlchemyError):  # a connection that is lost has let go; the server sees a closed one only later
                connection.exec_driver_sql("SELECT pg_advisory_unlock(%s)", (number,))
            connection.invalidate()  # closed, not put back: the name belongs to this hold alone


def busy(campaign_id: str, url: str, holder: str) -> BusyError:
    """Makes the error for a campaign that another process runs."""
    return BusyError(
        f"campaign {campaign_id} in {url} is being run by {holder}. Wait until it ends, or stop that process and go on "
        f"with: hwcost measure --resume --campaign {campaign_id} --store {url}"
    )


def _server_holder(connection: Connection, number: int) -> str:
    """Describes the connection that holds an advisory lock."""
    query = """
        SELECT a.application_name, host(a.client_addr), a.backend_start
        FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
          AND l.classid::bigint = %s AND l.objid::bigint = %s
    """
    row = connection.exec_driver_sql(query, (number >> 32 & 0xFFFFFFFF, number & 0xFFFFFFFF)).first()
    if row is None:
        return "another process"
    return f"{row[0] or 'another process'} on {row[1] or 'the server itself'} since {row[2]:%Y-%m-%d %H:%M:%S %Z}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "an unknown user"
