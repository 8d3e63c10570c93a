"""Brings a store's tables to the revision that this hwcost knows."""

from __future__ import annotations

import io
import sqlite3
from pathlib import Path
from time import sleep

from sqlalchemy import Connection, Engine, inspect, text

from hwcost._log import logger
from hwcost.errors import StoreError
from hwcost.stores import migrations
from hwcost.stores.engines import WRITING
from hwcost.stores.tables import metadata

_log = logger(__name__)

_ADVISORY_LOCK = 0x6877_636F_7374  # any number will do, as long as every hwcost takes the same
_TRIES = 120


def check_revision(engine: Engine, url: str) -> str | None:
    """Returns the store's revision, or None when the database is empty.

    Raises:
        StoreError: When it was made by a newer hwcost or by another tool.
    """
    with engine.connect() as connection:
        return _known_revision(connection, url)


def upgrade(engine: Engine, url: str) -> None:
    """Creates or migrates the tables in one transaction; processes that do so at once wait for one another.

    Raises:
        StoreError: When the store was made by a newer hwcost or by another tool.
    """
    if engine.dialect.name == "sqlite":
        _enter_write_ahead(engine)
    with engine.connect() as connection:
        connection = connection.execution_options(**{WRITING: True})
        with connection.begin():
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            revision = _known_revision(connection, url)
            if revision != migrations.HEAD:
                _log.info("bringing the store %s from revision %s to %s", url, revision or "none", migrations.HEAD)
                _run(connection)


def current_revision(connection: Connection) -> str | None:
    """Returns the store's revision, or None when it has no tables of hwcost."""
    if not inspect(connection).has_table(migrations.VERSION_TABLE):
        return None
    revision = connection.execute(text(f"SELECT version_num FROM {migrations.VERSION_TABLE}")).scalar()
    return None if revision is None else str(revision)


def _known_revision(connection: Connection, url: str) -> str | None:
    revision = current_revision(connection)
    if revision is None:
        _refuse_foreign(connection, url)
        return None
    if revision not in migrations.REVISIONS:
        raise StoreError(
            f"the store '{url}' was made by a newer hwcost: it has revision {revision}, and this one knows up to "
            f"{migrations.HEAD}. Upgrade hwcost, or give another --store."
        )
    return revision


def _refuse_foreign(connection: Connection, url: str) -> None:
    tables = set(inspect(connection).get_table_names())
    foreign = tables if connection.dialect.name == "sqlite" else tables & set(metadata.tables)
    if foreign:
        raise StoreError(
            f"'{url}' is a database, but of another tool: it holds {', '.join(sorted(foreign)[:5])} and no "
            f"{migrations.VERSION_TABLE}. Give another --store."
        )


def _enter_write_ahead(engine: Engine) -> None:
    """Switches to the write-ahead log; the switch does not wait for locks by itself, so it is tried again."""
    for left in reversed(range(_TRIES)):
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or not left:
                raise
            sleep(0.05)
        finally:
            connection.close()


def _run(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(stdout=io.StringIO())
    folder = str(Path(migrations.__file__).parent)
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
