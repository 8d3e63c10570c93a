"""An SQL database as the place of a store: opened, migrated, read and written in short transactions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Insert, Table
from sqlalchemy.dialects import postgresql, sqlite

from hwcost.errors import StoreError, UsageError
from hwcost.stores.base import Store
from hwcost.stores.engines import WRITING, explained_errors, parse, server_engine, sqlite_engine
from hwcost.stores.migrations import HEAD
from hwcost.stores.revisions import check_revision, upgrade

ROWCOUNT = {"preserve_rowcount": True}
"""Option of an insertion that counts what was inserted."""


class Database(Store):
    """A database that holds a store; subclasses keep things in its tables.

    Args:
        location: Path of an SQLite file, or a database URL.
        create: Make the store when it is not there.

    Attributes:
        path: The SQLite file; None for a server.

    Raises:
        UsageError: When the location is of no known kind, or nothing is there and ``create`` is false.
        StoreError: When it cannot be opened or brought up to date; a server's is brought up to date by
            :func:`hwcost.stores.upkeep.migration.migrate` alone, since others use it.
    """

    def __init__(self, location: str, *, create: bool = True) -> None:
        where = parse(location)
        self.path = where if isinstance(where, Path) else None
        self.remarks = []
        self._inserts: dict[str, Insert] = {}
        if isinstance(where, Path):
            self.url = str(where)
            self._engine, self.is_read_only = sqlite_engine(where, create=create)
        else:
            self.url = where.render_as_string(hide_password=True)
            self._engine, self.is_read_only = server_engine(where), False
        try:
            self._bring_up_to_date(create)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """See the base class."""
        self._engine.dispose()

    def _bring_up_to_date(self, create: bool) -> None:
        with explained_errors(self.url, "open"):
            revision = check_revision(self._engine, self.url)
        if revision == HEAD:
            return
        if revision is None and not create:
            raise UsageError(f"'{self.url}' is empty: no store was made in it yet. Measure something into it first.")
        if self.is_read_only:
            raise StoreError(
                f"the store '{self.url}' is empty or of an older hwcost, and cannot be brought up to date because it "
                "is read-only. Copy it to a place that can be written and open the copy."
            )
        if revision is not None and self.path is None:
            raise StoreError(
                f"the store '{self.url}' has revision {revision}, and this hwcost needs {HEAD}. Others use it too, and all "
                f"of them need this hwcost afterwards. Agree on it, then run: hwcost store migrate --store {self.url}"
            )
        with explained_errors(self.url, "create" if create else "upgrade"):
            upgrade(self._engine, self.url)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Reads in one short transaction.

        Raises:
            StoreError: When the database reports an error.
        """
        with explained_errors(self.url, "read"), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, what: str) -> Iterator[Connection]:
        """Changes something in one transaction, which is undone when the context ends with an error.

        Args:
            what: Change to the store, for messages, such as ``add a run to``.

        Raises:
            StoreError: When the store is read-only, or the database reports an error.
        """
        if self.is_read_only:
            raise StoreError(
                f"cannot {what} the store '{self.url}': it is read-only for this user. Copy it to a place that can be "
                "written, or ask its owner for write permission."
            )
        with explained_errors(self.url, what), self._engine.connect() as plain:
            connection = plain.execution_options(**{WRITING: True})
            with connection.begin():
                yield connection

    def vacuum(self) -> None:
        """Gives space that nothing uses any more back: to the disk from SQLite, to new rows from PostgreSQL.

        Raises:
            StoreError: When the database reports an error, as SQLite does while others read or write.
        """
        with explained_errors(self.url, "compact"):
            if self.path is None:
                with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                    connection.exec_driver_sql("VACUUM (ANALYZE) records, samples")
                return
            raw = self._engine.raw_connection()
            try:
                for statement in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                    raw.cursor().execute(statement)
            finally:
                raw.close()

    def _insert(self, connection: Connection, table: Table, row: dict[str, Any], unique: str | None = None) -> bool:
        """Inserts a row unless its primary key, or the column ``unique``, is there; returns whether it did."""
        statement = self._insertion(connection, table, unique)
        return connection.execute(statement, row, execution_options=ROWCOUNT).rowcount == 1

    def _insertion(self, connection: Connection, table: Table, unique: str | None = None) -> Insert:
        """Returns the statement that inserts a row unless it is there."""
        statement = self._inserts.get(table.name)
        if statement is None:
            build = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            keys = [unique] if unique else [column.name for column in table.primary_key]
            statement = build(table).on_conflict_do_nothing(index_elements=keys).inline()
            self._inserts[table.name] = statement
        return statement
