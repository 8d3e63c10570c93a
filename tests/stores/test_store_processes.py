"""Several processes use one store at once, and some of them die."""

from __future__ import annotations

import multiprocessing
import os
import signal

import pytest

from hwcost.errors import BusyError
from hwcost.stores import open_store
from hwcost.stores.schema import Campaign
from hwcost.testing.store_contents import make_record

WRITERS = 8
ROWS = 25
FORK = multiprocessing.get_context("fork")

pytestmark = pytest.mark.parametrize("name", ["store.db", "store.jsonl"])


def _write(path, writer, start, errors):
    start.wait()
    try:
        with open_store(path) as store:  # the first writers make the store, all at once
            store.add_campaign(Campaign(campaign_id="c"))
            store.add_round("c", 0, [f"order of {writer}"])
            for position in range(ROWS):
                assert store.append(make_record("c", writer, position))
                store.append(make_record("c", WRITERS, position))  # every writer tries the same visits
    except BaseException as error:
        errors.put(f"writer {writer}: {error!r}")
        raise


def _read(path, stop, errors):
    seen = 0
    try:
        while not stop.is_set():
            if path.exists() and path.stat().st_size:
                with open_store(path) as store:
                    rows = sum(1 for _ in store.records())
                assert rows >= seen
                seen = rows
    except BaseException as error:
        errors.put(f"reader: {error!r}")
        raise


def test_eight_writers_and_a_reader_lose_nothing(tmp_path, name):
    path = tmp_path / "new" / name
    start, stop, errors = FORK.Barrier(WRITERS), FORK.Event(), FORK.Queue()
    writers = [FORK.Process(target=_write, args=(path, number, start, errors)) for number in range(WRITERS)]
    reader = FORK.Process(target=_read, args=(path, stop, errors))
    for process in (reader, *writers):
        process.start()
    for process in writers:
        process.join(60)
    stop.set()
    reader.join(60)
    assert [errors.get() for process in (reader, *writers) if process.exitcode] == []
    with open_store(path) as store:
        assert store.count() == (WRITERS + 1) * ROWS
        places = {(record.visit.round, record.visit.position) for record in store.records()}
        assert len(places) == (WRITERS + 1) * ROWS
        (order,) = store.rounds("c").values()
        assert order[0].startswith("order of ")
        assert store.remarks == []


def _write_for_ever(path, acknowledged):
    with open_store(path) as store:
        store.add_campaign(Campaign(campaign_id="c"))
        for position in range(1_000_000):
            store.append(make_record("c", 0, position))
            os.write(acknowledged, b"x")


def _acknowledged(write, path, rows):
    """Kills a writer once it acknowledged so many rows, and returns how many it acknowledged by then."""
    reading, writing = os.pipe()
    process = FORK.Process(target=write, args=(path, writing))
    process.start()
    os.close(writing)
    for _ in range(rows):
        assert os.read(reading, 1) == b"x"
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    acknowledged = rows
    while chunk := os.read(reading, 4096):
        acknowledged += len(chunk)
    os.close(reading)
    return acknowledged


@pytest.mark.parametrize("rows", [1, 40, 90])
def test_a_killed_writer_loses_nothing_that_was_acknowledged(tmp_path, name, rows):
    path = tmp_path / name
    acknowledged = _acknowledged(_write_for_ever, path, rows)
    with open_store(path) as store:
        positions = [record.visit.position for record in store.records()]
        assert positions in (list(range(acknowledged)), list(range(acknowledged + 1)))
        assert store.append(make_record("c", 1, 0))
    with open_store(path) as store:
        assert store.count() == len(positions) + 1
        assert store.remarks == []


def _hold(path, ready):
    with open_store(path) as store, store.held("c"):
        os.write(ready, b"x")
        signal.pause()


def test_a_killed_holder_frees_its_campaign(tmp_path, name):
    path = tmp_path / name
    with open_store(path) as store:
        store.add_campaign(Campaign(campaign_id="c"))
    reading, writing = os.pipe()
    process = FORK.Process(target=_hold, args=(path, writing))
    process.start()
    assert os.read(reading, 1) == b"x"
    with open_store(path) as store:
        with pytest.raises(BusyError, match=f"process {process.pid}"):
            store.held("c").__enter__()
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        with store.held("c"):
            pass
    os.close(reading)
    os.close(writing)
    assert not list(tmp_path.glob("*.lock"))


def _pass_for_ever(path, acknowledged):
    with open_store(path) as store:
        store.add_campaign(Campaign(campaign_id="c"))
        for number in range(1_000_000):
            store.add_pass("c", 0, {"event": "pass", "pass": number, "blocks": [{"workload_key": "workload-0"}]})
            os.write(acknowledged, b"x")


@pytest.mark.parametrize("rows", [1, 40])
def test_a_killed_writer_loses_no_pass_that_was_acknowledged(tmp_path, name, rows):
    path = tmp_path / name
    acknowledged = _acknowledged(_pass_for_ever, path, rows)
    with open_store(path) as store:
        numbers = [event["pass"] for event in store.passes("c")[0]]
        assert numbers in (list(range(acknowledged)), list(range(acknowledged + 1)))
        store.close_group([make_record("c")])
    with open_store(path) as store:
        assert (store.count(), store.passes("c")) == (1, {})
