"""Deleting raw samples that are no longer needed; records keep their facts and medians, and estimates stay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Select, delete, exists, func, select, update

from hwcost.errors import UsageError
from hwcost.stores.base import Store
from hwcost.stores.database import Database
from hwcost.stores.ids import utc_now
from hwcost.stores.rows import pruned
from hwcost.stores.tables import campaigns, records, samples
from hwcost.stores.upkeep.doctor import UNFINISHED
from hwcost.stores.upkeep.info import size_bytes

DAY_S = 86_400.0

PAGE = 200
"""Records that are changed in one transaction, so that nobody waits long."""


@dataclass(frozen=True, slots=True)
class Pruning:
    """What pruning deletes.

    Attributes:
        campaign_ids: Campaigns whose samples go.
        records: Records of them that have samples.
        sample_bytes: Bytes of these samples.
        kept_ids: Campaigns that keep theirs because they have no estimates yet.
        freed_bytes: Bytes that the store became smaller; None before it was pruned.
    """

    campaign_ids: tuple[str, ...]
    records: int
    sample_bytes: int
    kept_ids: tuple[str, ...] = ()
    freed_bytes: int | None = None


def plan_pruning(store: Store, *, older_than_s: float | None = None, keep_runs: int | None = None) -> Pruning:
    """Finds what pruning would delete; a campaign that is unfinished, or has no estimates yet, keeps its samples.

    Args:
        store: The store.
        older_than_s: Only campaigns that were begun longer ago than so many seconds.
        keep_runs: Only campaigns of runs that are not among the latest so many of their suite.

    Raises:
        UsageError: When neither is given, a number is negative or too large, or the store is a JSON Lines file.
    """
    if older_than_s is None and keep_runs is None:
        raise UsageError("nothing says what to prune. Give an age in days (--older-than) or a number of runs (--keep-runs)")
    if older_than_s is not None and not older_than_s >= 0:
        raise UsageError(f"expected an age from 0, got {older_than_s / DAY_S:g} days")
    if keep_runs is not None and keep_runs < 0:
        raise UsageError(f"expected a number of runs from 0, got {keep_runs}")
    database = database_of(store)
    table, bytes_ = campaigns, func.length(samples.c.samples) + func.coalesce(func.length(samples.c.device_samples), 0)
    query = select(table.c.campaign_id).where(table.c.status.not_in(UNFINISHED), _has_samples())
    if older_than_s is not None:
        query = query.where(table.c.created_at < _ago(older_than_s))
    with database.reading() as connection:
        ids = set(connection.execute(query).scalars())
        if keep_runs is not None:
            late = table.c.run_id.in_(_beyond(store, keep_runs))
            ids &= set(connection.execute(select(table.c.campaign_id).where(late)).scalars())
        known = ids & set(store.estimates().campaign_id)
        counted = select(func.count(), func.sum(bytes_)).select_from(samples.join(records))
        number, size = connection.execute(counted.where(records.c.campaign_id.in_(known))).one()
    return Pruning(tuple(sorted(known)), int(number), int(size or 0), tuple(sorted(ids - known)))


def prune(store: Store, pruning: Pruning, *, vacuum: bool = True) -> Pruning:
    """Deletes the samples that were found, and gives the space back.

    Every record keeps its facts, its flags and the median of its blocks; ``extra`` says when its samples went. Estimates,
    runs and campaigns stay as they are.

    Args:
        store: The store.
        pruning: Campaigns that :func:`plan_pruning` found.
        vacuum: Give the space back too.

    Returns:
        The same, with what it freed.

    Raises:
        StoreError: When the store cannot be written; what was pruned until then stays so.
    """
    database, before, at = database_of(store), size_bytes(store), utc_now()
    for campaign_id in pruning.campaign_ids:
        for page in _pages(database, campaign_id):
            with database.writing("prune") as connection:
                chosen = select(records.c.record_id, records.c.document).where(records.c.record_id.in_(page))
                for row in connection.execute(chosen).all():
                    change = update(records).where(records.c.record_id == row.record_id)
                    connection.execute(change.values(document=pruned(row.document, at)))
                connection.execute(delete(samples).where(samples.c.record_id.in_(page)))
    if vacuum:
        database.vacuum()
    return replace(pruning, freed_bytes=before - size_bytes(store))


def compact(store: Store) -> int:
    """Gives back the space that nothing uses any more, and returns the bytes by which the store became smaller.

    Raises:
        UsageError: When the store is a JSON Lines file.
        StoreError: When the store cannot be written, or others use it meanwhile.
    """
    before = size_bytes(store)
    database_of(store).vacuum()
    return before - size_bytes(store)


def database_of(store: Store) -> Database:
    """Returns a store that is a database.

    Raises:
        UsageError: When it is a JSON Lines file.
    """
    if not isinstance(store, Database):
        raise UsageError(f"'{store.url}' is a JSON Lines file, to which lines are only added. Import it into a database.")
    return store


def _ago(seconds: float) -> str:
    """Returns the instant so many seconds ago.

    Raises:
        UsageError: When the calendar does not reach that far.
    """
    try:
        before = datetime.fromisoformat(utc_now()) - timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        raise UsageError(f"expected an age that the calendar reaches, got {seconds:g} s") from None
    return before.isoformat(timespec="microseconds")


def _has_samples() -> Any:
    rows: Select[Any] = select(records.c.record_id).join(samples).where(records.c.campaign_id == campaigns.c.campaign_id)
    return exists(rows)


def _beyond(store: Store, keep_runs: int) -> list[str]:
    """Returns the runs that are not among the latest so many of their suite."""
    found: list[str] = []
    runs = store.runs()
    for suite in {run.suite for run in runs}:
        of_it = [run.run_id for run in runs if run.suite == suite]
        found += of_it[: max(0, len(of_it) - keep_runs)]
    return found


def _pages(database: Database, campaign_id: str) -> Iterator[Sequence[str]]:
    """Yields the ids of a campaign's records that have samples."""
    query = select(records.c.record_id).join(samples).where(records.c.campaign_id == campaign_id)
    with database.reading() as connection:
        left = iter(connection.execute(query).scalars().all())
    while page := list(islice(left, PAGE)):
        yield page
