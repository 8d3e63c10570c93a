"""Eight processes write to one SQLite store while a served dashboard follows it."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from hwcost.report.dashboard.access import Settings
from hwcost.report.dashboard.server import Served
from hwcost.stores import open_store
from hwcost.stores.runs import Run
from hwcost.stores.schema import Campaign
from hwcost.testing.store_contents import make_estimate, make_record, make_series

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
                store.close_group([make_record(campaign_id, 0, position) for position in (writer, writer + WRITERS)])
                store.add_estimates([series], [make_estimate(series, nights, run_id=run_id, campaign_id=campaign_id)])
                store.end_run(run_id, "done")
                nights += 1
        results.put((writer, nights))
    except BaseException as error:
        results.put((writer, repr(error)))
        raise


def read(path: Path, folder: Path, stop: Any, results: Any) -> None:
    """Serves the dashboard again and again while runs are half written, and records of it; what was seen never vanishes."""
    seen = reads = records = 0
    served = Served(str(path), Settings(), folder)
    try:
        while not stop.is_set():
            served.refresh()
            page, index, series = (served.file(name) for name in ("index.html", "data/index.js", "data/series.js"))
            assert page is not None
            assert b'id="summary"' in page
            shown, listed = data(index), data(series)
            assert seen <= shown["estimates"]
            assert shown["series"] == len(listed["key"]) == sum(shown["counts"].values())
            records += _opened(served, listed["key"]) if listed["key"] else 0
            seen, reads = shown["estimates"], reads + 1
        results.put(("reader", reads if records or not seen else "no record was ever there"))
    except BaseException as error:
        results.put(("reader", repr(error)))
        raise


def data(script: bytes | None) -> Any:
    """Returns the data of a script of the site."""
    assert script is not None
    return json.loads(script.decode().split(", ", 1)[1].rstrip(");\n"))


def _opened(served: Served, keys: list[str]) -> int:
    """Opens the record of the latest night of a series; returns how many there were."""
    for month in data(served.file("data/index.js"))["months"][-1:]:
        campaigns = data(served.file(f"data/months/{month}.js"))["campaigns"]
        return sum(served.record(campaign, key) is not None for campaign in campaigns[-1:] for key in keys)
    return 0


@pytest.mark.parametrize("seconds", [2, pytest.param(60, marks=pytest.mark.slow)])
def test_nothing_is_lost_and_nobody_fails(tmp_path: Path, seconds: float) -> None:
    path, stop, results = tmp_path / "store.db", FORK.Event(), FORK.Queue()
    open_store(path).close()
    writers = [FORK.Process(target=write, args=(path, number, seconds, results), daemon=True) for number in range(WRITERS)]
    reader = FORK.Process(target=read, args=(path, tmp_path / "site", stop, results), daemon=True)
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
        print(f"{written} nights by {WRITERS} writers in {seconds} s, shown {reads} times")
        assert (len(store.runs()), len(store.campaigns()), len(store.estimates())) == (written,) * 3
        assert store.count() == len(list(store.records())) == 2 * written
        assert {run.status for run in store.runs()} == {"done"}
        for writer, number in nights.items():
            assert len(store.estimates(series_keys=[make_series(writer).series_key])) == number
