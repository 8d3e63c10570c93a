"""Every store keeps the promises of the contract."""

from __future__ import annotations

import pytest

from hwcost.stores import open_store
from hwcost.testing.stores import StoreSuite


class TestSqlite(StoreSuite):
    def open(self, folder):
        return open_store(folder / "new folder" / "50% of it.db")


class TestSqliteByUrl(StoreSuite):
    def open(self, folder):
        return open_store(f"sqlite:///{folder}/store.sqlite")


class TestJsonLines(StoreSuite):
    def open(self, folder):
        return open_store(folder / "new folder" / "store.jsonl")


@pytest.mark.once
class TestPostgres(StoreSuite):
    @pytest.fixture(autouse=True)
    def database(self, postgres):
        self.url = postgres

    def open(self, folder):
        return open_store(self.url)
