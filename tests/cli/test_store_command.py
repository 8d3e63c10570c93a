"""``hwcost store``: info, migrate, doctor, prune and refresh."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from hwcost.campaign.planning import find_or_create, make_plan
from hwcost.campaign.plans.plan import items
from hwcost.campaign.run import run
from hwcost.cli.main import invoke
from hwcost.stores import open_store
from hwcost.stores.migrations import HEAD, REVISIONS
from hwcost.stores.runs import Run
from hwcost.stores.schema import Campaign
from hwcost.testing.store_contents import make_record
from hwcost.workloads import SyntheticWorkload
from tests.stores.test_first_format import database

pytestmark = pytest.mark.usefixtures("laws_here")

NIGHTS = 3


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three nights of a suite, of two workloads each."""
    path = tmp_path_factory.mktemp("measured") / "nights.db"
    works = [SyntheticWorkload(f"w{i}", flops=int(1e9 * (1 + i))) for i in range(2)]
    plan = make_plan(items(works), "cpu", "null", tier="quick", rounds=2)
    with open_store(path) as store:
        for night in range(NIGHTS):
            run_id = f"night-{night}"
            store.add_run(Run(run_id=run_id, suite="nightly", started_at=f"2025-01-0{night + 1}T00:00:00Z"))
            run(store, find_or_create(plan, store, run_id))
            store.end_run(run_id, "done")
    return path


@pytest.fixture
def store(measured: Path, tmp_path: Path) -> Path:
    """A copy of them."""
    return Path(shutil.copy(measured, tmp_path))


def document(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> dict:  # type: ignore[type-arg]
    assert invoke(["store", *map(str, arguments), "--json", "-"]) == code
    return json.loads(capsys.readouterr().out)  # type: ignore[no-any-return]


def test_info_says_what_is_there(store: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    found = document(capsys, "info", "--store", store)
    assert (found["kind"], found["revision"], found["is_current"]) == ("SQLite", HEAD, True)
    assert {name: found["rows"][name] for name in ("campaigns", "records", "runs", "series", "estimates")} == {
        "campaigns": NIGHTS, "records": 2 * 2 * NIGHTS, "runs": NIGHTS, "series": 2, "estimates": 2 * NIGHTS,
    }  # fmt: skip
    (device,), (suite,) = found["devices"], found["suites"]
    assert (device["name"], device["number"], device["estimates"]) == ("cpu", 2, 2 * NIGHTS)
    assert (suite["name"], suite["number"], suite["estimates"]) == ("nightly", NIGHTS, 2 * NIGHTS)
    assert found["statuses"] == {"done": NIGHTS}
    assert found["size_bytes"] >= store.stat().st_size
    assert invoke(["export", "--store", str(store), "--out", str(tmp_path / "n.jsonl"), "-q"]) == 0
    lines = document(capsys, "info", "--store", tmp_path / "n.jsonl")
    assert (lines["kind"], lines["devices"], lines["suites"]) == ("JSON Lines", found["devices"], found["suites"])
    assert {name: found["rows"][name] for name in lines["rows"]} == lines["rows"]
    assert invoke(["store", "info", "--store", str(store)]) == 0
    assert "nightly" in capsys.readouterr().out


def test_info_lists_campaigns_with_their_ids(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open_store(store) as opened:
        ids = [one.campaign_id for one in opened.campaigns()]
    listed = document(capsys, "info", "--store", store)["campaigns"]
    assert [one["campaign_id"] for one in listed] == ids
    assert listed[0].items() >= {"device": "cpu", "backend": "null", "workloads": 2, "roles": {"fit": 2}}.items()
    assert invoke(["store", "info", "--store", str(store)]) == 0
    shown = capsys.readouterr().out
    assert all(one in shown for one in ids)


def test_an_older_store_is_copied_and_then_migrated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = database(tmp_path)
    before = document(capsys, "info", "--store", path)
    assert (before["revision"], before["is_current"], before["rows"]["campaigns"] > 0) == ("0001", False, True)
    planned = document(capsys, "migrate", "--store", path, "--dry-run")
    assert (planned["steps"], planned["after"]) == ([*REVISIONS[1:]], HEAD)
    assert not Path(planned["backup"]).exists()
    done = document(capsys, "migrate", "--store", path)
    assert (done["before"], done["backup"]) == ("0001", planned["backup"])
    with sqlite3.connect(done["backup"]) as copied:
        assert copied.execute("SELECT version_num FROM hwcost_revision").fetchone() == ("0001",)
    copied.close()
    after = document(capsys, "info", "--store", path)
    kept = ("campaigns", "rounds", "records", "samples")
    assert {name: after["rows"][name] for name in kept} == {name: before["rows"][name] for name in kept}
    assert document(capsys, "migrate", "--store", path)["steps"] == []
    assert invoke(["store", "migrate", "--store", str(tmp_path / "old.jsonl")]) == 2
    refreshed = document(capsys, "refresh", "--store", path)
    assert (len(refreshed["campaign_ids"]), refreshed["failed"]) == (before["rows"]["campaigns"], {})
    assert document(capsys, "refresh", "--store", path)["campaign_ids"] == []


def codes(found: dict) -> list[tuple[str, str]]:  # type: ignore[type-arg]
    return [(finding["severity"], finding["code"]) for finding in found["findings"] if finding["code"] != "disk"]


def test_the_doctor_finds_what_is_unfinished_and_missing(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert codes(document(capsys, "doctor", "--full", "--store", store)) == []
    with open_store(store) as opened:
        opened.add_campaign(Campaign(campaign_id="killed"))
        opened.add_campaign(Campaign(campaign_id="old", status="done", run_id="gone"))
        opened.append(make_record("old"))
        opened.add_run(Run(suite="nightly", started_at="2025-01-09T00:00:00Z"))
        with opened.held("killed"):
            held = document(capsys, "doctor", "--store", store)
    assert ("info", "under-way") in codes(held)
    found = document(capsys, "doctor", "--store", store)
    assert codes(found) == [
        ("warning", "unfinished"), ("warning", "no-estimates"), ("warning", "unended-run"), ("info", "orphans"),
    ]  # fmt: skip
    assert "--resume --campaign killed" in found["findings"][0]["remedy"]
    document(capsys, "doctor", "--store", store, "--fail-on", "warning", code=1)
    assert invoke(["store", "doctor", "--store", str(store), "--fail-on", "info"]) == 2


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ("DELETE FROM samples WHERE rowid = 1", "damaged"),
        ("UPDATE series SET document = '{}'", "damaged"),
        ("UPDATE campaigns SET document = '[]'", "damaged"),
        ("UPDATE runs SET document = '{}'", "damaged"),
        ("DELETE FROM environments", "lost"),
        ("UPDATE estimates SET series_key = series_key || 'x'", "references"),
    ],
)
def test_the_doctor_finds_damage(store: Path, capsys: pytest.CaptureFixture[str], damage: str, code: str) -> None:
    with sqlite3.connect(store) as connection:
        connection.execute(damage)
    connection.close()
    found = document(capsys, "doctor", "--full", "--store", store, code=5)
    assert ("error", code) in codes(found)


def test_pruning_takes_samples_and_nothing_else(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open_store(store) as opened:
        before, estimates = list(opened.records()), list(opened.estimates().estimates())
        opened.add_campaign(Campaign(campaign_id="without", status="done", run_id="night-0"))
        opened.append(make_record("without"))
    assert invoke(["store", "prune", "--store", str(store), "--keep-runs", "1"]) == 2  # nobody can answer
    assert invoke(["store", "prune", "--store", str(store)]) == 2
    planned = document(capsys, "prune", "--store", store, "--keep-runs", 1, "--dry-run")
    assert (planned["records"], planned["kept_ids"], planned["freed_bytes"]) == (8, ["without"], None)
    assert document(capsys, "prune", "--store", store, "--older-than", 1, "--yes")["records"] == 0
    assert invoke(["store", "prune", "--store", str(store), "--older-than", "1e12", "--yes"]) == 2
    done = document(capsys, "prune", "--store", store, "--keep-runs", 1, "--yes")
    assert (done["campaign_ids"], done["records"]) == (planned["campaign_ids"], 8)
    with open_store(store) as opened:
        after = [record for record in opened.records() if record.identity.campaign_id != "without"]
        assert list(opened.estimates().estimates()) == estimates
        for was, now in zip(before, after, strict=True):
            is_pruned = was.identity.campaign_id in done["campaign_ids"]
            assert (now.visit.samples_s == ()) == is_pruned == ("samples_pruned_at" in now.extra)
            assert (now.visit.flags, now.visit.started_at) == (was.visit.flags, was.visit.started_at)
            assert now.environment == was.environment
    assert document(capsys, "prune", "--store", store, "--vacuum")["freed_bytes"] >= 0
    assert codes(document(capsys, "doctor", "--full", "--store", store))[0] == ("warning", "no-estimates")
    assert document(capsys, "prune", "--store", store, "--keep-runs", 1, "--yes")["records"] == 0
    refreshed = document(capsys, "refresh", "--all", "--store", store)
    assert refreshed["estimates"] == 0  # what was pruned keeps its estimates
    assert list(refreshed["failed"]) == ["without"]  # whose plan is empty


def test_a_jsonl_store_is_not_pruned(tmp_path: Path) -> None:
    open_store(tmp_path / "s.jsonl").close()
    assert invoke(["store", "prune", "--store", str(tmp_path / "s.jsonl"), "--keep-runs", "1", "--yes"]) == 2
    assert invoke(["store", "info", "--store", str(tmp_path / "gone.db")]) == 2
