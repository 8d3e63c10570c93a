"""Every store keeps the promises of the contract."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import pytest

from hwcost.stores import open_store
from hwcost.testing.stores import StoreSuite

POSTGRES = os.environ.get("HWCOST_TEST_POSTGRES")


class TestSqlite(StoreSuite):
    def open(self, folder):
        return open_store(folder / "new folder" / "50% of it.db")


class TestSqliteByUrl(StoreSuite):
    def open(self, folder):
        return open_store(f"sqlite:///{folder}/store.sqlite")


class TestJsonLines(StoreSuite):
    def open(self, folder):
        return open_store(folder / "new folder" / "store.jsonl")


@pytest.mark.skipif(not POSTGRES, reason="set HWCOST_TEST_POSTGRES to the URL of an empty PostgreSQL database")
class TestPostgres(StoreSuite):
    @pytest.fixture(autouse=True)
    def schema(self) -> Iterator[None]:
        from sqlalchemy import create_engine, make_url, text

        self.name = f"hwcost_{secrets.token_hex(4)}"
        engine = create_engine(POSTGRES)
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {self.name}"))
        url = make_url(POSTGRES).update_query_dict({"options": f"-csearch_path={self.name}"})
        self.url = url.render_as_string(hide_password=False)
        yield
        with engine.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {self.name} CASCADE"))
        engine.dispose()

    def open(self, folder):
        return open_store(self.url)
