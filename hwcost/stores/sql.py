"""A store in an SQL database, through SQLAlchemy Core: SQLite in a file, or PostgreSQL by URL."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from hwcost._arguments import texts_of
from hwcost.errors import StoreError, UnknownNameError
from hwcost.stores import tables
from hwcost.stores.engines import explained_errors
from hwcost.stores.environment import Environment
from hwcost.stores.holds import held_by_file, held_by_server
from hwcost.stores.journal import PassLine, unfinished
from hwcost.stores.rows import read_campaign, read_record, record_row, samples_row, valid
from hwcost.stores.schema import Campaign, Record
from hwcost.stores.sql_estimates import batches
from hwcost.stores.sql_history import SqlHistory

_PAGE = 200  # records read in one short transaction, so that a slow reader never holds back the log

ORDER = tuple(tables.records.c[name] for name in ("started_s", "round", "position", "record_id"))
"""Order of the records of a campaign."""


class SqlStore(SqlHistory):
    """A store in an SQL database.

    Args:
        location: Path of an SQLite file, or a database URL.
        create: Make the store when it is not there.

    Raises:
        UsageError: When the location is of no known kind, or nothing is there and ``create`` is false.
        StoreError: When it cannot be opened or brought up to date.
    """

    def __init__(self, location: str, *, create: bool = True) -> None:
        self._known_environments: set[str] = set()
        super().__init__(location, create=create)

    def add_campaign(self, campaign: Campaign) -> bool:
        """See the base class."""
        row = {
            "campaign_id": campaign.campaign_id,
            "created_at": campaign.created_at,
            "status": campaign.status,
            "run_id": campaign.run_id,
            "document": campaign.model_dump(mode="json", exclude={"status"}),
        }
        with self.writing("add a campaign to") as connection:
            return self._insert(connection, tables.campaigns, row)

    def campaign(self, campaign_id: str) -> Campaign:
        """See the base class."""
        table = tables.campaigns
        with self.reading() as connection:
            row = connection.execute(select(table).where(table.c.campaign_id == campaign_id)).first()
        if row is None:
            raise self._unknown(campaign_id)
        return read_campaign(row)

    def campaigns(self, run_id: str | None = None) -> list[Campaign]:
        """See the base class."""
        table = tables.campaigns
        query = select(table).order_by(table.c.created_at, table.c.campaign_id)
        with self.reading() as connection:
            rows = connection.execute(query if run_id is None else query.where(table.c.run_id == run_id)).all()
        return [read_campaign(row) for row in rows]

    def latest_campaign(self) -> Campaign | None:
        """See the base class; the plans of the others are not read."""
        table = tables.campaigns
        query = select(table.c.campaign_id).order_by(table.c.created_at.desc(), table.c.campaign_id.desc()).limit(1)
        with self.reading() as connection:
            latest = connection.execute(query).scalar()
        return None if latest is None else self.campaign(latest)

    def set_status(self, campaign_id: str, status: str) -> None:
        """See the base class."""
        Campaign(campaign_id=campaign_id, status=status)  # checks the status as the schema does
        table = tables.campaigns
        change = update(table).where(table.c.campaign_id == campaign_id).values(status=status)
        with self.writing("change a campaign of") as connection:
            changed = connection.execute(change).rowcount
        if not changed:
            raise self._unknown(campaign_id)

    def add_round(self, campaign_id: str, number: int, order: Sequence[str]) -> list[str]:
        """See the base class."""
        row = {"campaign_id": campaign_id, "number": number, "workload_keys": list(order)}
        with self._adding("add a round to", campaign_id) as connection:
            self._insert(connection, tables.rounds, row)
        return self.rounds(campaign_id)[number]

    def rounds(self, campaign_id: str) -> dict[int, list[str]]:
        """See the base class."""
        table = tables.rounds
        query = select(table.c.number, table.c.workload_keys).where(table.c.campaign_id == campaign_id)
        with self.reading() as connection:
            return {row.number: row.workload_keys for row in connection.execute(query.order_by(table.c.number))}

    def append(self, record: Record) -> bool:
        """See the base class."""
        with self._adding("add a record to", record.identity.campaign_id) as connection:
            is_new = self._add_record(connection, record)
        self._known_environments.add(record.environment.key)
        return is_new

    def add_pass(self, campaign_id: str, number: int, event: dict[str, Any]) -> None:
        """See the base class."""
        line = PassLine(campaign_id=campaign_id, round=number, event=event)
        table = tables.passes
        place = {"campaign_id": campaign_id, "round": number}
        with self._adding("add a pass to", campaign_id) as connection:
            last = connection.execute(select(func.max(table.c.number)).filter_by(**place)).scalar_one()
            row = {**place, "number": 0 if last is None else last + 1, "event": line.event}
            connection.execute(insert(table), row)

    def passes(self, campaign_id: str) -> dict[int, list[dict[str, Any]]]:
        """See the base class."""
        table = tables.passes
        query = select(table.c.round, table.c.event).where(table.c.campaign_id == campaign_id)
        found: dict[int, list[dict[str, Any]]] = {}
        with self.reading() as connection:
            for row in connection.execute(query.order_by(table.c.round, table.c.number)):
                found.setdefault(row.round, []).append(row.event)
            recorded = {number: self._recorded(connection, campaign_id, number) for number in found}
        left = {number: unfinished(events, recorded[number]) for number, events in found.items()}
        return {number: events for number, events in left.items() if events}

    def close_group(self, records: Sequence[Record]) -> None:
        """See the base class."""
        if not records:
            return
        campaign_id, number = records[0].identity.campaign_id, records[0].visit.round
        with self._adding("add records to", campaign_id) as connection:
            self._add_records(connection, records)
            self._drop_passes(connection, campaign_id, number)
        self._known_environments.update(record.environment.key for record in records)

    def records(
        self,
        campaign_id: str | None = None,
        *,
        role: str | None = None,
        status: str | None = None,
        workload_keys: str | Collection[str] | None = None,
    ) -> Iterator[Record]:
        """See the base class."""
        given = texts_of("workload_keys", workload_keys)
        keys = None if given is None else set(given)
        table, campaigns = tables.records, tables.campaigns
        query = select(table.c.record_id, table.c.workload_key).join(campaigns)
        query = _filtered(query.order_by(campaigns.c.created_at, table.c.campaign_id, *ORDER), campaign_id, role, status)
        with self.reading() as connection:
            found = [row.record_id for row in connection.execute(query) if keys is None or row.workload_key in keys]
        environments: dict[str, Environment] = {}
        for start in range(0, len(found), _PAGE):
            for row in self._page(found[start : start + _PAGE], environments):
                yield read_record(row, environments)

    def count(
        self, campaign_id: str | None = None, *, role: str | None = None, status: str | None = None
    ) -> int:
        """See the base class."""
        query = _filtered(select(func.count()).select_from(tables.records), campaign_id, role, status)
        with self.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def environment(self, campaign_id: str) -> Environment | None:
        """See the base class; no record is read."""
        table, known = tables.records, tables.environments
        first = select(table.c.environment_key).where(table.c.campaign_id == campaign_id).order_by(*ORDER).limit(1)
        query = select(known.c.document).where(known.c.environment_key == first.scalar_subquery())
        with self.reading() as connection:
            document = connection.execute(query).scalar()
        return None if document is None else valid(Environment, document)

    @contextmanager
    def held(self, campaign_id: str) -> Iterator[None]:
        """See the base class."""
        if self.path is not None:
            with held_by_file(self.path, campaign_id):
                yield
            return
        with ExitStack() as stack:
            with explained_errors(self.url, "hold a campaign of"):
                stack.enter_context(held_by_server(self._engine, self.url, campaign_id))
            yield

    @contextmanager
    def _adding(self, what: str, campaign_id: str) -> Iterator[Connection]:
        """Writes rows of a campaign; says so when they are refused because the campaign is not there."""
        try:
            with self.writing(what) as connection:
                yield connection
        except StoreError as error:
            if isinstance(error.__cause__, IntegrityError):
                self.campaign(campaign_id)
            raise

    def _add_environment(self, connection: Connection, key: str, environment: Environment) -> None:
        if key not in self._known_environments:
            row = {"environment_key": key, "document": environment.model_dump(mode="json")}
            self._insert(connection, tables.environments, row)

    def _add_record(self, connection: Connection, record: Record) -> bool:
        environment_key = record.environment.key
        self._add_environment(connection, environment_key, record.environment)
        is_new = self._insert(connection, tables.records, record_row(record, environment_key), "idempotency_key")
        if is_new and _has_samples(record):
            self._insert(connection, tables.samples, samples_row(record))
        return is_new

    def _add_records(self, connection: Connection, records: Sequence[Record]) -> None:
        """Inserts the records of a group that are not there, all together; nobody else does, since the campaign is held."""
        given = {record.identity.idempotency_key: record for record in reversed(records)}
        table, there = tables.records, set[str]()
        for keys in batches(given):
            query = select(table.c.idempotency_key).where(table.c.idempotency_key.in_(keys))
            there |= set(connection.execute(query).scalars())
        new = [record for key, record in reversed(given.items()) if key not in there]
        for environment in {record.environment.key: record.environment for record in new}.values():
            self._add_environment(connection, environment.key, environment)
        rows = [record_row(record, record.environment.key) for record in new]
        samples = [samples_row(record) for record in new if _has_samples(record)]
        if rows:
            connection.execute(self._insertion(connection, table, "idempotency_key"), rows)
        if samples:
            connection.execute(self._insertion(connection, tables.samples), samples)

    def _recorded(self, connection: Connection, campaign_id: str, number: int) -> set[str]:
        """Returns the keys of the workloads that have a record of a round."""
        table = tables.records
        where = table.c.campaign_id == campaign_id, table.c.round == number
        return set(connection.execute(select(table.c.workload_key).where(*where)).scalars())

    def _drop_passes(self, connection: Connection, campaign_id: str, number: int) -> None:
        """Deletes the journal of a round, unless a workload in it has no record yet."""
        table = tables.passes
        where = table.c.campaign_id == campaign_id, table.c.round == number
        events = list(connection.execute(select(table.c.event).where(*where)).scalars())
        if not unfinished(events, self._recorded(connection, campaign_id, number)):
            connection.execute(delete(table).where(*where))

    def _page(self, record_ids: Sequence[str], environments: dict[str, Environment]) -> list[Any]:
        """Reads some records in the order of their ids, and the environments that they need."""
        table, samples = tables.records, tables.samples
        columns = (table.c.record_id, table.c.environment_key, table.c.document, table.c.median_s)
        joined = select(*columns, samples.c.samples, samples.c.device_samples).outerjoin(samples)
        query = joined.where(table.c.record_id.in_(record_ids))
        with self.reading() as connection:
            rows = {row.record_id: row for row in connection.execute(query)}
            missing = {row.environment_key for row in rows.values()} - environments.keys()
            known = tables.environments
            for row in connection.execute(select(known).where(known.c.environment_key.in_(missing))):
                environments[row.environment_key] = valid(Environment, row.document)
        return [rows[record_id] for record_id in record_ids]

    def _unknown(self, campaign_id: str) -> UnknownNameError:
        table = tables.campaigns
        query = select(table.c.campaign_id).order_by(table.c.created_at.desc()).limit(10)
        with self.reading() as connection:
            newest = list(connection.execute(query).scalars())
        return UnknownNameError("campaign", campaign_id, newest, f"The store is '{self.url}'.")


def _has_samples(record: Record) -> bool:
    return bool(record.visit.samples_s) or record.visit.device_samples_s is not None


def _filtered(query: Select[Any], campaign_id: str | None, role: str | None, status: str | None) -> Select[Any]:
    asked = {"campaign_id": campaign_id, "role": role, "status": status}
    for name, value in asked.items():
        if value is not None:
            query = query.where(tables.records.c[name] == value)
    return query
