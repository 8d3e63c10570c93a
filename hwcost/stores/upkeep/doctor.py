"""What is wrong with a store, and what to do about it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Select, func, select

from hwcost.errors import BusyError, HwcostError, StoreError
from hwcost.stores.base import Store
from hwcost.stores.columns import REMEDY
from hwcost.stores.database import Database
from hwcost.stores.ids import utc_now
from hwcost.stores.network import file_system, is_network
from hwcost.stores.sql_estimates import strange_columns
from hwcost.stores.tables import campaigns, environments, estimates, records, runs, samples
from hwcost.stores.upkeep.info import size_bytes

Severity = Literal["error", "warning", "info"]

UNFINISHED = ("running", "interrupted", "planned")
"""Statuses of campaigns that were not measured to their end, and not ended by a budget either."""

LONG = timedelta(days=1)
"""A run that began longer ago than this, and has not ended, is one that died."""

LEAST_FREE = 0.05
"""Share of a disk that should be free."""

MOST_EMPTY = 0.25
"""Share of a file that nothing uses, from which it is worth compacting."""

MOST_NAMED = 5
"""Campaigns that a finding names."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a store that somebody should know.

    Attributes:
        severity: ``error`` where something is damaged, ``warning`` where something is to be done, else ``info``.
        code: A stable word for programs.
        text: Observation, with numbers.
        remedy: Advice on what to do about it; empty where nothing need be done.
    """

    severity: Severity
    code: str
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.severity}: {self.text}" + (f" {self.remedy}" if self.remedy else "")


def examine(store: Store, *, is_full: bool = False) -> list[Finding]:
    """Examines a store, the most serious findings first.

    Args:
        store: The store.
        is_full: Read and check every record too.

    Raises:
        StoreError: When it cannot be read at all.
    """
    found = [*_remarks(store), *_documents(store, is_full), *_disk(store)]
    for findings in (_campaigns(store), _runs(store)):
        with suppress(HwcostError):  # what cannot be read is among the documents
            for one in findings:
                found.append(one)
    if isinstance(store, Database):
        found += [*_integrity(store), *_orphans(store), *(_columns(store) if is_full else ())]
    order: tuple[Severity, ...] = ("error", "warning", "info")
    return sorted(found, key=lambda finding: order.index(finding.severity))


def without_estimates(store: Store) -> list[str]:
    """Returns the campaigns that have records, are not under way, and have no estimate in the history."""
    known = set(store.estimates().campaign_id)
    lacking = [one for one in store.campaigns() if one.campaign_id not in known and one.status not in UNFINISHED]
    return [one.campaign_id for one in lacking if store.count(one.campaign_id)]


def _remarks(store: Store) -> Iterator[Finding]:
    for remark in store.remarks:
        yield Finding("warning", "line", f"{remark}.", "The next change removes a line that was cut short.")


def _documents(store: Store, is_full: bool) -> Iterator[Finding]:
    """Reads everything but the records, and those too where that is asked for."""
    advice = "Restore the store from a copy, or export what can be read to a new one."
    for read in (store.campaigns, store.runs, store.series, store.estimates):
        try:
            read()
        except HwcostError as error:
            yield Finding("error", "damaged", str(error), advice)
    try:
        for _ in store.records() if is_full else ():
            pass
    except HwcostError as error:
        yield Finding("error", "damaged", str(error), advice)


def _campaigns(store: Store) -> Iterator[Finding]:
    for campaign in store.campaigns():
        if campaign.status not in UNFINISHED:
            continue
        text = f"campaign {campaign.campaign_id} of {campaign.created_at[:16]} is {campaign.status}"
        if _is_held(store, campaign.campaign_id):
            yield Finding("info", "under-way", f"{text}, and a process measures it.")
            continue
        resume = f"hwcost measure --resume --campaign {campaign.campaign_id} --store {store.url}"
        yield Finding("warning", "unfinished", f"{text}, and no process measures it.", f"Go on with: {resume}")
    lacking = without_estimates(store)
    if lacking:
        named = ", ".join(lacking[-MOST_NAMED:])
        text = f"{len(lacking)} campaigns are not in the history, the latest ones being {named}."
        yield Finding("warning", "no-estimates", text, f"Add them with: hwcost store refresh --store {store.url}")


def _is_held(store: Store, campaign_id: str) -> bool:
    try:
        with store.held(campaign_id):
            return False
    except BusyError:
        return True
    except StoreError:  # where no lock can be made, nothing is measured either
        return False


def _runs(store: Store) -> Iterator[Finding]:
    now = datetime.fromisoformat(utc_now())
    for run in store.runs():
        if run.ended_at is None and now - datetime.fromisoformat(run.started_at) > LONG:
            text = f"run {run.run_id} of suite {run.suite} began at {run.started_at[:16]} and has not ended."
            yield Finding("warning", "unended-run", text, f"Go on with it, or leave it: hwcost run {run.suite}")


def _disk(store: Store) -> Iterator[Finding]:
    path = store.path if isinstance(store, Database) else Path(store.url)
    if path is None:
        return
    usage = shutil.disk_usage(path.parent)
    if usage.free < max(LEAST_FREE * usage.total, size_bytes(store)):
        yield Finding("warning", "disk", f"{usage.free / 2**30:.1f} GiB are free on its disk.", "Make room, or prune it.")
    found = file_system(path)
    if found is not None and is_network(found[0]):
        text = f"it lies on a network file system ({found[0]} at {found[1]})."
        yield Finding("warning", "network", text, "Let no second machine open it; share a PostgreSQL database instead.")


def _integrity(store: Database) -> Iterator[Finding]:
    """Lets SQLite check its file."""
    if store.path is None:
        return
    with store.reading() as connection:
        for text in connection.exec_driver_sql("PRAGMA quick_check").scalars():
            if text != "ok":
                yield Finding("error", "file", f"SQLite finds its file damaged: {text}.", "Restore it from a copy.")
        broken = len(connection.exec_driver_sql("PRAGMA foreign_key_check").all())
        if broken:
            yield Finding("error", "references", f"{broken} rows refer to rows that are gone.", "Restore it from a copy.")
        pages, empty = (int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()) for name in _PAGES)
    if pages and empty / pages > MOST_EMPTY:
        text = f"{100 * empty / pages:.0f} % of its file are empty."
        yield Finding("info", "empty", text, f"Give them back with: hwcost store prune --vacuum --store {store.url}")


def _orphans(store: Database) -> Iterator[Finding]:
    """Counts rows whose counterpart is not there."""
    with store.reading() as connection:
        lost = {name: _count(connection, query) for name, query in _LOST.items()}
        strange = {name: _count(connection, query) for name, query in _STRANGE.items()}
    for name, number in lost.items():
        if number:
            yield Finding("error", "lost", f"there are {number} {name}.", "Restore the store from a copy.")
    for name, number in strange.items():
        if number:
            yield Finding("info", "orphans", f"there are {number} {name}.", "They do no harm.")


def _columns(store: Database) -> Iterator[Finding]:
    """Compares the columns of runs with their rows."""
    with suppress(HwcostError), store.reading() as connection:  # what cannot be read is among the documents
        strange = strange_columns(connection)
        if strange:
            named = ", ".join(strange[-MOST_NAMED:])
            text = f"columns of {len(strange)} runs are not those of their rows, the latest ones being {named}."
            yield Finding("error", "columns", text, REMEDY)


def _count(connection: Connection, query: Select[Any]) -> int:
    return int(connection.execute(query).scalar_one())


_PAGES = ("page_count", "freelist_count")
_counted = select(func.count())
_LOST = {
    "samples without a record": _counted.where(samples.c.record_id.not_in(select(records.c.record_id))),
    "records without a campaign": _counted.where(records.c.campaign_id.not_in(select(campaigns.c.campaign_id))),
    "records without an environment": _counted.where(
        records.c.environment_key.not_in(select(environments.c.environment_key))
    ),
}
"""Rows that are of no use without what is gone."""

_STRANGE = {
    "environments without a record": _counted.where(
        environments.c.environment_key.not_in(select(records.c.environment_key))
    ),
    "campaigns of a run that is not here": _counted.where(
        campaigns.c.run_id.is_not(None), campaigns.c.run_id.not_in(select(runs.c.run_id))
    ),
    "estimates of a run that is not here": _counted.where(
        estimates.c.run_id.is_not(None), estimates.c.run_id.not_in(select(runs.c.run_id))
    ),
}
"""Rows that are whole without it."""
