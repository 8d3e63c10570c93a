"""The migrations create exactly the tables that the queries use."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from hwcost.stores import migrations, open_store
from hwcost.stores.schema import Campaign
from hwcost.stores.tables import metadata


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
