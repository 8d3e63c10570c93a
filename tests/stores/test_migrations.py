"""The migrations create exactly the tables that the queries use."""

from __future__ import annotations

import io
import json
import logging
import shutil
import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, MetaData, create_engine, inspect

from hwcost.errors import StoreError
from hwcost.stores import migrations, open_store
from hwcost.stores.schema import Campaign
from hwcost.stores.tables import metadata
from hwcost.stores.upkeep.doctor import examine
from hwcost.stores.upkeep.info import look_into
from hwcost.stores.upkeep.migration import migrate
from hwcost.stores.upkeep.pruning import plan_pruning, prune
from hwcost.testing.store_contents import make_estimate, make_record, make_series
from tests.stores.test_first_format import database


def test_migrations_create_what_the_metadata_describes(tmp_path):
    open_store(tmp_path / "store.db").close()
    engine = create_engine(f"sqlite:///{tmp_path}/store.db")
    with engine.connect() as connection:
        options = {"version_table": migrations.VERSION_TABLE, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
        found = inspect(connection)
        assert set(found.get_table_names()) == {*metadata.tables, migrations.VERSION_TABLE}
        for name, table in metadata.tables.items():
            described = {column.name: column.nullable for column in table.columns}
            assert {column["name"]: column["nullable"] for column in found.get_columns(name)} == described
            assert found.get_pk_constraint(name)["constrained_columns"] == [c.name for c in table.primary_key]
    engine.dispose()


def test_the_listed_revisions_are_those_of_the_files():
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    script = ScriptDirectory.from_config(config)
    assert tuple(reversed([revision.revision for revision in script.walk_revisions()])) == migrations.REVISIONS
    assert script.get_current_head() == migrations.HEAD


def test_sqlite_keeps_a_write_ahead_log(tmp_path):
    with open_store(tmp_path / "store.db"):
        engine = create_engine(f"sqlite:///{tmp_path}/store.db")
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        engine.dispose()


def test_a_store_that_was_copied_without_its_log_opens(tmp_path):
    with open_store(tmp_path / "store.db") as store:
        store.add_campaign(Campaign(campaign_id="c"))
    shutil.copy(tmp_path / "store.db", tmp_path / "copy.db")
    with open_store(tmp_path / "copy.db", create=False) as store:
        assert store.campaign("c").campaign_id == "c"


def test_migrating_is_quiet(tmp_path, capfd, caplog):
    with caplog.at_level(logging.WARNING):
        open_store(tmp_path / "store.db").close()
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def at_first_revision(url, old):
    """Makes tables of the first revision on a server, and fills them with the rows of an SQLite file."""
    engine = create_engine(url)
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        there = MetaData()
        there.reflect(connection)
        with sqlite3.connect(old) as source:
            source.row_factory = sqlite3.Row
            for table in there.sorted_tables:
                rows = [dict(row) for row in source.execute(f"SELECT * FROM {table.name}")]
                documents = [column.name for column in table.columns if isinstance(column.type, JSON)]
                rows = [{**row, **{name: json.loads(row[name]) for name in documents}} for row in rows]
                if rows and table.name != migrations.VERSION_TABLE:
                    connection.execute(table.insert(), rows)
        source.close()
    engine.dispose()


def test_a_server_of_the_first_revision_keeps_every_row_and_is_migrated_by_command_only(postgres, tmp_path):
    at_first_revision(postgres, database(tmp_path))
    with pytest.raises(StoreError, match=r"has revision 0001.*hwcost store migrate"):
        open_store(postgres)
    before = look_into(postgres).rows
    assert migrate(postgres, dry_run=True).steps == migrate(postgres).steps == migrations.REVISIONS[1:]
    after = look_into(postgres).rows
    names = ("campaigns", "rounds", "records", "samples")
    assert {name: after[name] for name in names} == {name: before[name] for name in names}
    with open_store(postgres) as server, open_store(tmp_path / "old.db") as base:
        assert list(server.records()) == list(base.records())
        assert server.count() == before["records"]
        assert server.campaigns() == base.campaigns()
        assert [finding for finding in examine(server, is_full=True) if finding.severity == "error"] == []
        info = look_into(postgres)
        assert (info.kind, info.is_current, info.size_bytes > 10_000) == ("PostgreSQL", True, True)


def test_a_server_is_pruned(postgres):
    with open_store(postgres) as server:
        series = make_series()
        server.add_campaign(Campaign(campaign_id="c", status="done"))
        server.append(make_record("c"))
        server.add_estimates([series], [make_estimate(series, campaign_id="c")])
        done = prune(server, plan_pruning(server, older_than_s=0.0))
        assert (done.campaign_ids, done.records) == (("c",), 1)
        (record,) = server.records()
        assert record.visit.samples_s == ()
