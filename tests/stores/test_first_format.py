"""Stores in the first format, made by the release before the second one, open and give the same measurements.

They hold campaigns of three spaces and of synthetic workloads, on a virtual and on a real clock, with a workload that
failed; and records of an accelerator with a void visit, a skipped one, and fields that the second format no longer has.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from hwcost.campaign.estimates.estimate import fit_campaign, visits_of
from hwcost.campaign.plans.plan import Plan
from hwcost.errors import StoreError
from hwcost.stores import Store, open_store
from hwcost.stores.copy import copy
from hwcost.stores.environment import Environment
from hwcost.stores.schema import Record
from hwcost.stores.sql import SqlStore

DATA = Path(__file__).parent / "data"
EXPECTED = json.loads((DATA / "first_format.json").read_text())


def database(folder: Path) -> Path:
    connection = sqlite3.connect(folder / "old.db")
    connection.executescript((DATA / "first_format.sql").read_text())
    connection.close()
    return folder / "old.db"


def lines(folder: Path) -> Path:
    return Path(shutil.copy(DATA / "first_format.jsonl", folder / "old.jsonl"))


def near(value: float | None) -> object:
    return None if value is None else pytest.approx(value, rel=1e-9)


def was_skipped(record: Record) -> bool:
    return (record.extra.get("result") or {}).get("status") == "skipped"


@pytest.fixture(params=[database, lines])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with open_store(request.param(tmp_path), create=False) as store:
        yield store


def test_measurements_are_those_of_before(old: Store) -> None:
    assert [campaign.campaign_id for campaign in old.campaigns()] == list(EXPECTED)
    for campaign in old.campaigns():
        visits = visits_of(old, campaign.campaign_id)
        made = [record.visit for record in old.records(campaign.campaign_id) if not was_skipped(record)]
        samples = [[v.workload_key, v.round, v.position, v.status, list(v.samples_s)] for v in made]
        wanted = EXPECTED[campaign.campaign_id]
        assert hashlib.sha256(json.dumps(samples).encode()).hexdigest() == wanted["samples"]
        fit = fit_campaign(Plan.from_dict(campaign.plan), visits)
        for m, (key, role, latency_s, half_width, rounds, status, codes) in zip(
            fit.measurements, wanted["measurements"], strict=True
        ):
            assert (m.workload.key, m.role) == (key, role.replace("judge", "test"))
            assert (m.latency_s, m.half_width) == (near(latency_s), near(half_width))
            assert (m.n_rounds, m.status, [flag.code for flag in m.flags]) == (rounds, status, codes)
        assert [str(flag) for flag in fit.flags] == wanted["flags"]


def test_facts_are_where_they_belong(old: Store) -> None:
    cuda = [record for record in old.records() if record.environment.device.get("kind") == "cuda"]
    found = [record for record in cuda if not was_skipped(record)]
    assert (len(cuda), len(found)) == (7, 6)
    for record in found:
        environment = record.environment
        assert environment.software["driver_version"] == "550.54.15"
        assert "driver_version" not in environment.device
        assert environment.settings["governor"] == "performance"
        assert environment.host["site"] == "lab"
        assert environment.protocol["protocol_id"] == "rounds"
        assert environment.deciding["driver_version"] == "550.54.15"
        assert not {"governor", "exclusive"} & set(record.visit.conditions)
        assert record.visit.conditions["sm_clock_hz"] == {"mean": 1.9e9}
        assert environment.key == Environment(**environment.model_dump()).key
    void, odd, late = (record for record in found if record.visit.round == 1)
    assert (void.visit.status, [flag.code for flag in void.visit.flags]) == ("void", ["E_THROTTLED"])
    assert odd.extra["energy"] == {"energy_j": {"gpu": 1.5}, "idle_power_w": 60.0}
    assert odd.extra["code"] == {"commit": "abc", "dirty": True}
    assert odd.extra["trust"] == {"origin": "submitted", "submitter": "a lab", "licence": "CC0"}
    assert (odd.extra["note"], odd.origin, odd.environment.protocol["cache_state"]) == ("kept", "imported", "hot")
    assert late.extra["result"] == {"error_type": "XidError", "error_text": "late", "peak_memory_bytes": 1024}
    assert {record.workload.role for record in old.records()} == {"fit", "test", "uniform"}
    assert old.count(role="test") == 9
    assert old.count(role="judge") == 0


def test_no_row_is_lost(old: Store) -> None:
    """Also not that of a visit that was skipped, which the first format knew."""
    found = map(json.loads, (DATA / "first_format.jsonl").read_text().splitlines())
    first = [line["record"] for line in found if "record" in line]
    kept = {record.identity.record_id: record for record in old.records()}
    assert {one["identity"]["record_id"] for one in first} == set(kept)
    assert old.count() == len(first)
    (skipped,) = (one for one in first if one["result"]["status"] == "skipped")
    record = kept[skipped["identity"]["record_id"]]
    assert was_skipped(record)
    assert (record.visit.status, record.visit.samples_s, record.visit.flags) == ("void", (), ())
    assert (record.visit.round, record.visit.position) == (skipped["identity"]["round"], skipped["identity"]["position"])
    assert record.workload.spec == skipped["workload"]["spec"]
    assert record.environment.host["site"] == "lab"
    assert list(old.records(status="void")).count(record) == 1


def test_both_kinds_of_store_hold_the_same(tmp_path: Path) -> None:
    with open_store(database(tmp_path)) as one, open_store(lines(tmp_path)) as other:
        assert list(one.records()) == list(other.records())
        assert one.campaigns() == other.campaigns()
        with open_store(tmp_path / "new.jsonl") as new, open_store(tmp_path / "new.db") as base:
            copy(other, new)
            copy(new, base)
            assert list(base.records()) == list(new.records()) == list(one.records())


def test_a_store_is_migrated_once_and_goes_on(tmp_path: Path) -> None:
    for path in (database(tmp_path), lines(tmp_path)):
        with open_store(path) as store:
            before = list(store.records())
            campaign = store.campaigns()[0]
            store.set_status(campaign.campaign_id, "stopped")
            again = before[0].model_copy(
                update={"identity": before[0].identity.model_copy(update={"record_id": "x", "idempotency_key": "y"})}
            )
            assert store.append(again)
            assert not store.append(before[1])
        with open_store(path, create=False) as store:
            assert store.count() == len(before) + 1
            assert {record.identity.record_id for record in store.records()} > {"x"}
            assert store.campaign(campaign.campaign_id).status == "stopped"


def test_a_database_of_the_first_format_that_is_read_only_says_what_to_do(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    path = database(tmp_path)
    monkeypatch.setattr("hwcost.stores.engines._may_write", lambda path: False)
    with pytest.raises(StoreError, match="Copy it to a place that can be written"):
        SqlStore(str(path))
