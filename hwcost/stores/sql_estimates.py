"""How estimates are read from an SQL database: row by row, or by the columns that are kept of runs that have ended."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Select, and_, case, delete, select

from hwcost.stores import tables
from hwcost.stores.columns import NAMES, Columns
from hwcost.stores.estimate_table import NEW_LINE, USUAL, EstimateRow, EstimateTable, Span, source

NEAR = 1_000
"""Rows that are read at a time: as many as stay near while they become columns."""

MOST_NAMES = 5_000
"""Names in one query; databases take no more than some ten thousand values."""

EVER = Span(None, None)
"""All of time."""


def pages(
    connection: Connection, series_keys: Collection[str] | None, run_ids: Collection[str] | None, span: Span
) -> Iterator[Columns]:
    """Yields the estimates that are asked for, row by row."""
    table, query = tables.estimates, _estimates()
    query = query.where(table.c.measured_s >= span.since_s) if span.since_s is not None else query
    query = query.where(table.c.measured_s < span.until_s) if span.until_s is not None else query
    for keys in [None] if series_keys is None else batches(series_keys):
        for runs in [None] if run_ids is None else batches(run_ids):
            chosen = query if keys is None else query.where(table.c.series_key.in_(keys))
            yield from _read(connection, chosen if runs is None else chosen.where(table.c.run_id.in_(runs)))


def pages_of_runs(connection: Connection, run_ids: Collection[str] | None) -> Iterator[Columns]:
    """Yields all estimates, or those of some runs: as the columns of a run where it has them, row by row otherwise."""
    table, columns = tables.estimates, tables.run_columns
    found: set[str] = set()
    for runs in [None] if run_ids is None else batches(run_ids):
        query = select(columns.c.run_id, columns.c.columns)
        for run_id, data in connection.execute(query if runs is None else query.where(columns.c.run_id.in_(runs))):
            found.add(run_id)
            yield Columns.unpacked(data)
    if not found:
        yield from pages(connection, None, run_ids, EVER)
        return
    wanted = connection.execute(select(table.c.run_id).distinct()).scalars() if run_ids is None else run_ids
    left = set(wanted) - found
    yield from pages(connection, None, left - {None}, EVER)
    if None in left:
        yield from _read(connection, _estimates().where(table.c.run_id.is_(None)))


def _estimates() -> Select[Any]:
    """Returns the query of the :data:`hwcost.stores.columns.NAMES` of all estimates."""
    table = tables.estimates
    status, flags, reason = (table.c[name] for name in USUAL)
    is_usual = and_(*(table.c[name] == text for name, text in USUAL.items()))
    remark = case((is_usual, None), else_=status + NEW_LINE + flags + NEW_LINE + reason)
    return select(*(table.c[name] for name in NAMES[:-1]), remark)


def _read(connection: Connection, query: Select[Any]) -> Iterator[Columns]:
    cursor = connection.execute(query).cursor  # the driver's own: its tuples take half the time
    while cursor is not None and (page := cursor.fetchmany(NEAR)):
        yield Columns.of_rows(page)


def keep_columns(connection: Connection) -> None:
    """Adds the columns of all runs that have ended and have none yet."""
    runs, columns = tables.runs, tables.run_columns
    query = select(runs.c.run_id).where(runs.c.status != "running", runs.c.run_id.not_in(select(columns.c.run_id)))
    for run_id in connection.execute(query.order_by(runs.c.run_id).with_for_update()).scalars().all():
        cursor = connection.execute(_estimates().where(tables.estimates.c.run_id == run_id)).cursor
        if cursor is not None and (rows := cursor.fetchall()):
            connection.execute(columns.insert().values(run_id=run_id, columns=Columns.of_rows(rows).packed()))


def strange_columns(connection: Connection) -> list[str]:
    """Returns the runs whose columns are not those of their rows; there should be none."""
    columns, found = tables.run_columns, []
    for run_id, data in connection.execute(select(columns.c.run_id, columns.c.columns).order_by(columns.c.run_id)).all():
        kept, rows = EstimateTable.from_pages([Columns.unpacked(data)]), pages(connection, None, [run_id], EVER)
        if not kept.equals(EstimateTable.from_pages(rows)):
            found.append(run_id)
    return found


def drop_columns(connection: Connection, rows: Sequence[EstimateRow]) -> None:
    """Removes the columns of the runs that estimates belong to, or belonged to before they are changed."""
    table, runs, columns = tables.estimates, tables.runs, tables.run_columns
    touched = {row.run_id for row in rows if row.run_id is not None}
    sources = {source(row) for row in rows}
    for keys in batches({row.series_key for row in rows}):
        for some in batches(sources):
            query = select(table.c.run_id).where(table.c.series_key.in_(keys), table.c.source.in_(some)).distinct()
            touched |= {run_id for run_id in connection.execute(query).scalars() if run_id is not None}
    for some in batches(touched):
        # who keeps columns of a run, and who changes its estimates, wait for each other
        connection.execute(select(runs.c.run_id).where(runs.c.run_id.in_(some)).order_by(runs.c.run_id).with_for_update())
        connection.execute(delete(columns).where(columns.c.run_id.in_(some)))


def batches(names: Collection[str]) -> Iterator[list[str]]:
    """Yields names, each once, as many at a time as a query takes."""
    left = iter(dict.fromkeys(names))
    while batch := list(islice(left, MOST_NAMES)):
        yield batch
