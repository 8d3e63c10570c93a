"""Eight processes write to one SQLite store while another keeps it open and reads, as a dashboard does."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from hwcost.stores import open_store
from hwcost.stores.runs import Run
from hwcost.stores.schema import Campaign
from hwcost.testing.stores import make_estimate, make_record, make_series

WRITERS = 8
FORK = multiprocessing.get_context("fork")

pytestmark = pytest.mark.once


def write(path: Path, writer: int, seconds: float, results: Any) -> None:
    """Measures one small campaign after another, and reports how many nights it wrote, or the error that ended it."""
    series, nights = make_series(writer), 0
    try:
        with open_store(path) as store:
            until = monotonic() + seconds
            while monotonic() < until:
                run_id = campaign_id = f"{writer}-{nights}"
                store.add_run(Run(run_id=run_id, suite=f"suite {writer}"))
                store.add_campaign(Campaign(campaign_id=campaign_id, run_id=run_id))
                store.add_pass(campaign_id, 0, {"event": "pass"})
                store.close_group([make_record(campaign_id, 0, position) for position in range(2)])
                store.add_estimates([series], [make_estimate(series, nights, run_id=run_id, campaign_id=campaign_id)])
                store.end_run(run_id, "done")
                nights += 1
        results.put((writer, nights))
    except BaseException as error:
        results.put((writer, repr(error)))
        raise


def read(path: Path, stop: Any, results: Any) -> None:
    """Reads everything of the history again and again through one open store; what was seen never vanishes."""
    seen = reads = 0
    try:
        with open_store(path) as store:
            while not stop.is_set():
                table, series = store.estimates(), store.series()
                assert seen <= len(table) <= len(store.runs())
                assert set(table.series_key) <= series.keys()
                seen, reads = len(table), reads + 1
        results.put(("reader", reads))
    except BaseException as error:
        results.put(("reader", repr(error)))
        raise


@pytest.mark.parametrize("seconds", [4, pytest.param(60, marks=pytest.mark.slow)])
def test_nothing_is_lost_and_nobody_fails(tmp_path: Path, seconds: float) -> None:
    path, stop, results = tmp_path / "store.db", FORK.Event(), FORK.Queue()
    open_store(path).close()
    writers = [FORK.Process(target=write, args=(path, number, seconds, results), daemon=True) for number in range(WRITERS)]
    reader = FORK.Process(target=read, args=(path, stop, results), daemon=True)
    for process in (reader, *writers):
        process.start()
    nights = dict(results.get(timeout=seconds + 300) for _ in writers)
    stop.set()
    (reads,) = [reads for who, reads in [results.get(timeout=300)] if who == "reader"]
    for process in (reader, *writers):
        process.join(60)
    assert {type(found) for found in (reads, *nights.values())} == {int}, nights
    with open_store(path) as store:
        written = sum(nights.values())
        print(f"{written} nights by {WRITERS} writers in {seconds} s, read {reads} times")
        assert (len(store.runs()), len(store.campaigns()), len(store.estimates())) == (written,) * 3
        assert store.count() == len(list(store.records())) == 2 * written
        assert {run.status for run in store.runs()} == {"done"}
        for writer, number in nights.items():
            assert len(store.estimates(series_keys=[make_series(writer).series_key])) == number
