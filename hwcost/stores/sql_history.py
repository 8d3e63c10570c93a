"""The history in an SQL database: runs, series, estimates and entries."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Insert, Select, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hwcost._arguments import texts_of
from hwcost.errors import UnknownNameError
from hwcost.stores import tables
from hwcost.stores.database import ROWCOUNT, Database
from hwcost.stores.entries import Entry, kind_name
from hwcost.stores.estimate_table import EstimateRow, EstimateTable, Span, estimate_row, source
from hwcost.stores.rows import mapping, series_row, valid
from hwcost.stores.runs import Run
from hwcost.stores.series import Estimate, Series, unknown_series
from hwcost.stores.sql_estimates import EVER, batches, drop_columns, keep_columns, pages, pages_of_runs

PAGE = 5_000
"""Rows that are written at a time."""

_Entry = TypeVar("_Entry", bound=Entry)


class SqlHistory(Database):
    """A database with the tables of the history."""

    def add_run(self, run: Run) -> bool:
        """See the base class."""
        row = {
            "run_id": run.run_id,
            "suite": run.suite,
            "started_at": run.started_at,
            "ended_at": run.ended_at,
            "status": run.status,
            "commit": None if run.code is None else run.code.commit,
            "document": run.model_dump(mode="json", exclude={"status", "ended_at"}),
        }
        with self.writing("add a run to") as connection:
            return self._insert(connection, tables.runs, row)

    def run(self, run_id: str) -> Run:
        """See the base class."""
        found = self._runs(select(tables.runs).where(tables.runs.c.run_id == run_id))
        if not found:
            raise self._unknown_run(run_id)
        return found[0]

    def runs(self, suite: str | None = None) -> list[Run]:
        """See the base class."""
        table = tables.runs
        query = select(table).order_by(table.c.started_at, table.c.run_id)
        return self._runs(query if suite is None else query.where(table.c.suite == suite))

    def end_run(self, run_id: str, status: str, ended_at: str | None = None) -> None:
        """See the base class."""
        ended = self.run(run_id).ended(status, ended_at)
        table = tables.runs
        change = update(table).where(table.c.run_id == run_id).values(status=ended.status, ended_at=ended.ended_at)
        with self.writing("end a run of") as connection:
            connection.execute(change)
            keep_columns(connection)

    def add_estimates(self, series: Sequence[Series], estimates: Sequence[Estimate]) -> int:
        """See the base class."""
        rows = [estimate_row(estimate) for estimate in estimates]
        with self.writing("add estimates to") as connection:
            self._put_series(connection, series, {row.series_key for row in rows})
            drop_columns(connection, rows)
            return self._put_estimates(connection, rows) if rows else 0

    def series(self) -> dict[str, Series]:
        """See the base class."""
        table = tables.series
        with self.reading() as connection:
            found = connection.execute(select(table.c.series_key, table.c.document).order_by(table.c.series_key)).all()
        return {row.series_key: valid(Series, row.document) for row in found}

    def estimates(
        self,
        *,
        series_keys: str | Collection[str] | None = None,
        run_ids: str | Collection[str] | None = None,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
    ) -> EstimateTable:
        """See the base class."""
        span = Span.of(since, until)
        series_keys, run_ids = texts_of("series_keys", series_keys), texts_of("run_ids", run_ids)
        with self.reading() as connection:
            if series_keys is None and span == EVER:
                return EstimateTable.from_pages(pages_of_runs(connection, run_ids))
            return EstimateTable.from_pages(pages(connection, series_keys, run_ids, span))

    def add_entry(self, entry: Entry) -> bool:
        """See the base class."""
        row = {
            "entry_id": entry.entry_id,
            "kind": kind_name(type(entry)),
            "created_at": entry.created_at,
            "run_id": entry.run_id,
            "document": entry.model_dump(mode="json"),
        }
        with self.writing("add an entry to") as connection:
            return self._insert(connection, tables.entries, row)

    def entries(self, kind: type[_Entry], run_ids: str | Collection[str] | None = None) -> list[_Entry]:
        """See the base class."""
        table, run_ids = tables.entries, texts_of("run_ids", run_ids)
        query = select(table.c.document).where(table.c.kind == kind_name(kind))
        query = query.order_by(table.c.created_at, table.c.entry_id)
        chosen = [query] if run_ids is None else [query.where(table.c.run_id.in_(some)) for some in batches(run_ids)]
        with self.reading() as connection:
            found = [document for one in chosen for document in connection.execute(one).scalars()]
        return [valid(kind, document) for document in found]

    def _runs(self, query: Select[Any]) -> list[Run]:
        with self.reading() as connection:
            found = connection.execute(query).all()
        ends = ({"status": row.status, "ended_at": row.ended_at} for row in found)
        return [valid(Run, {**mapping(Run, row.document), **end}) for row, end in zip(found, ends, strict=True)]

    def _unknown_run(self, run_id: str) -> UnknownNameError:
        return UnknownNameError("run", run_id, [run.run_id for run in self.runs()[-10:]], f"The store is '{self.url}'.")

    def _put_series(self, connection: Connection, series: Sequence[Series], wanted: set[str]) -> None:
        """Inserts the series that are not there.

        Args:
            connection: Connection to the database.
            series: Series that are given.
            wanted: Keys of those that have to be there then.

        Raises:
            DataError: When one of them is neither given nor there.
        """
        given = {one.series_key: one for one in series}
        table, there = tables.series, set[str]()
        for keys in batches(given.keys() | wanted):
            there |= set(connection.execute(select(table.c.series_key).where(table.c.series_key.in_(keys))).scalars())
        if lacking := wanted - given.keys() - there:
            raise unknown_series(lacking, self.url)
        if new := [series_row(one) for key, one in given.items() if key not in there]:
            connection.execute(self._insertion(connection, table), new)

    def _put_estimates(self, connection: Connection, rows: Sequence[EstimateRow]) -> int:
        """Inserts estimates, or changes those that differ; returns how many of them were."""
        values = [{**row._asdict(), "source": source(row)} for row in rows]
        changed = 0
        for start in range(0, len(values), PAGE):
            page = values[start : start + PAGE]
            changed += connection.execute(_put(connection), page, execution_options=ROWCOUNT).rowcount
        return changed


def _put(connection: Connection) -> Insert:
    """Returns the statement that inserts an estimate, or changes the one that is there where it differs."""
    table = tables.estimates
    build = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = build(table)
    kept = [column.name for column in table.columns if not column.primary_key]
    differs = or_(*(table.c[name].is_distinct_from(statement.excluded[name]) for name in kept))
    return statement.on_conflict_do_update(
        index_elements=["series_key", "source"], set_={name: statement.excluded[name] for name in kept}, where=differs
    )
