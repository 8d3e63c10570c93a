"""Columns of runs: what they give is what the rows give, whatever is added, changed or moved after a run has ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from hwcost.errors import DataError
from hwcost.stores import open_store, tables
from hwcost.stores.columns import Columns
from hwcost.stores.runs import Run
from hwcost.stores.sql import SqlStore
from hwcost.stores.upkeep.doctor import examine
from hwcost.testing.nights import SimNights

NIGHTS = SimNights(nights=4, workloads=3, devices=("cpu", "k80"), failed=0.2, missing=0.2)
EVER = "1970-01-01T00:00:00+00:00"
"""Beginning of a span that holds everything: estimates within a span are read row by row."""


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    location = request.getfixturevalue("postgres") if request.param == "postgres" else tmp_path / "store.db"
    with open_store(location) as opened:
        assert isinstance(opened, SqlStore)
        NIGHTS.write(opened)
        yield opened


def kept(store: SqlStore) -> int:
    with store.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(tables.run_columns)).scalar_one())


def check(store: SqlStore, n_kept: int) -> None:
    """Compares what columns and rows give with what rows alone give."""
    assert kept(store) == n_kept
    assert store.estimates().equals(store.estimates(since=EVER))
    some = [NIGHTS.run(1).run_id, NIGHTS.run(2).run_id, "gone"]
    rows = store.estimates(since=EVER)
    wanted = {run_id for run_id in some if run_id in rows.run_id}
    expected = [one for one in rows.estimates() if one.run_id in wanted]
    assert list(store.estimates(run_ids=some).estimates()) == expected
    assert [one for one in examine(store, is_full=True) if one.severity == "error"] == []


def change(store: SqlStore, of: str | None, **facts: Any) -> None:
    one = next(one for one in store.estimates().estimates() if one.run_id == of and one.value is not None)
    store.add_estimates([], [replace(one, **facts)])


def test_what_is_changed_after_the_end_of_a_run_is_read(store: SqlStore) -> None:
    last = NIGHTS.run(3)
    check(store, 4)
    change(store, last.run_id, value=7.5, reason="two lines\nof text", flags=("E_HOT", "W_NEAR"), status="unconfirmed")
    check(store, 3)
    assert 7.5 in store.estimates().value
    store.end_run(last.run_id, "done")
    check(store, 4)


def test_an_estimate_that_goes_to_another_run_leaves_its_own(store: SqlStore) -> None:
    change(store, NIGHTS.run(0).run_id, run_id=NIGHTS.run(1).run_id)
    check(store, 2)
    change(store, NIGHTS.run(2).run_id, run_id=None)
    check(store, 1)


def test_runs_under_way_have_no_columns(store: SqlStore) -> None:
    store.add_run(Run(run_id="now", suite="nightly"))
    one = next(store.estimates().estimates())
    store.add_estimates([], [replace(one, run_id="now", campaign_id="new")])
    store.end_run(NIGHTS.run(0).run_id, "done")
    check(store, 4)


def test_columns_that_are_wrong_are_told(store: SqlStore) -> None:
    columns, run_id = tables.run_columns, NIGHTS.run(0).run_id
    with store.writing("change") as connection:
        other = connection.execute(select(columns.c.columns).where(columns.c.run_id == NIGHTS.run(1).run_id)).scalar_one()
        connection.execute(update(columns).where(columns.c.run_id == run_id).values(columns=other))
    (found,) = (one for one in examine(store, is_full=True) if one.severity == "error")
    assert (found.code, run_id in found.text, "DELETE FROM run_columns" in found.remedy) == ("columns", True, True)
    with store.writing("change") as connection:
        connection.execute(update(columns).where(columns.c.run_id == run_id).values(columns=other[:-3]))
    with pytest.raises(DataError, match="damaged columns of a run"):
        store.estimates()
    with store.writing("change") as connection:
        connection.execute(delete(columns))
    check(store, 0)


@pytest.mark.parametrize("data", [b"", b"\n", b"{}\n", b"[]\n", b'{"rows": -1, "texts": {}}\n', b"\xff\n"])
def test_what_is_not_packed_columns_is_refused(data: bytes) -> None:
    with pytest.raises(DataError, match="damaged columns of a run"):
        Columns.unpacked(data)
