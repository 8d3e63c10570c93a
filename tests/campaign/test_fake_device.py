"""A made-up kind of device, installed as another distribution's, from the command line to the record."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hwcost.cli.main import invoke
from hwcost.stores import open_store
from hwcost.testing.fake_device import DEVICES, FOREIGN_PID, GONE, PROFILE
from hwcost.testing.plugins import registered
from tests.conftest import ROOT

MEASURE = (
    "measure", "--device", "fake:1", "--backend", "null", "--space", "supershaper:scale=mini", "-n", "3", "--rounds", "2",
    "--backend-option", "noise=0.002",
)  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder as pip fills it: the metadata of a distribution with one line in ``hwcost.device_kinds``."""
    info = tmp_path / "site" / "fake_kind-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-kind\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[hwcost.device_kinds]\nfake = hwcost.testing.fake_device:FakeKind\n")
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "fake.toml").write_text(PROFILE)
    return info.parent


def hwcost(site: Path, behaviours: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)]), DEVICES: behaviours,
        "HWCOST_DEVICE_PATH": str(site.parent / "profiles"),
    }  # fmt: skip
    command = [sys.executable, "-m", "hwcost", *arguments, "-q"]
    return subprocess.run(command, capture_output=True, text=True, cwd=site.parent, env=environment)


def test_it_is_detected_beside_the_others(site: Path) -> None:
    done = hwcost(site, "ok,ok", "devices", "detect", "--json", "-")
    found = [one for one in json.loads(done.stdout)["devices"] if one["kind"] == "fake"]
    expected = [(0, "FAKE-0", ["fake"]), (1, "FAKE-1", ["fake"])]
    assert [(one["index"], one["uuid"], one["profiles"]) for one in found] == expected


def test_the_device_that_was_asked_for_is_the_one_that_ran(site: Path) -> None:
    done = hwcost(site, "lost,ok", *MEASURE, "--store", "s.db")
    assert done.returncode == 0, done.stderr
    with open_store(site.parent / "s.db") as store:
        records = list(store.records())
        plan = store.campaigns()[0].plan
    assert plan["handle"]["index"] == 1
    assert plan["protocol"]["min_block_s"] == 0.005
    assert len(records) == 6
    for record in records:
        device = record.environment.device
        assert (device["kind"], device["product"], device["device_name"]) == ("fake", "Fake accelerator", "fake")
        assert (device["index"], device["uuid"]) == (1, "FAKE-1")
        assert record.environment.settings["clocks_locked"]
        conditions = record.visit.conditions
        assert conditions["visit_energy_j"] >= 5
        assert conditions.get("cpu_fraction") is None


def test_energy_is_measured_fitted_and_bounded(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    many = [*MEASURE[:8], "24", *MEASURE[9:]]
    monkeypatch.chdir(site.parent)
    done = hwcost(site, "ok,ok", *many, "--store", "s.db", "--quantity", "energy_j", "--json", "-")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    for one in document["measurements"]:
        energy = one["quantities"]["energy_j"]
        assert energy["value"] > 0
        assert (energy["unit"], energy["source"]) == ("J", "energy counter of the device")
        assert one["quantities"]["peak_memory_bytes"]["reason"].startswith("memory was not watched")
    fit = ("fit", "s.db", "-m", "lut", "--quantity", "energy_j", "-o", "model", "--no-plot", "--json", "-")
    with registered("hwcost.device_kinds", {"fake": "hwcost.testing.fake_device:FakeKind"}):
        assert invoke([*fit]) == 0
    fitted = json.loads(capsys.readouterr().out)
    assert (fitted["quantity"], fitted["unit"], fitted["n_rows"]) == ("energy_j", "J", 24)
    joules = sorted(one["quantities"]["energy_j"]["value"] for one in document["measurements"])
    bound = f"model<={1e3 * joules[12]}mJ"
    search = ("search", "--maximize", "params", "--constraint", bound, "-n", "200", "--probability", "0.5", "--json", "-")
    assert invoke([*search]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rejected"]["energy_j"] > 0
    assert found["front"]
    with registered("hwcost.device_kinds", {"fake": "hwcost.testing.fake_device:FakeKind"}):
        assert invoke(["fit", "s.db", "--quantity", "peak_memory_bytes", "-o", "other"]) != 0
    error = capsys.readouterr().err
    assert "s.db holds no peak_memory_bytes: memory was not watched" in error
    assert "--quantity peak_memory_bytes" in error


def test_one_that_is_not_there_ends_with_3_and_says_which_are(site: Path) -> None:
    done = hwcost(site, "ok", *MEASURE, "--store", "s.db")
    assert done.returncode == 3
    assert "no 'fake' with the index 1 is here" in done.stderr
    assert "--device fake:0" in done.stderr


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        ("throttled", "E_THROTTLED: the processor was throttled: reasons hw_thermal_slowdown"),
        ("shared", f"E_FOREIGN: other processes computed on the device (PID {FOREIGN_PID})"),
    ],
)
def test_what_disturbs_it_makes_its_visits_void(site: Path, behaviour: str, says: str) -> None:
    done = hwcost(site, f"ok,{behaviour}", *MEASURE, "--rounds", "1", "--store", "s.db")
    assert done.returncode == 4
    assert says in done.stderr
    with open_store(site.parent / "s.db") as store:
        assert {record.visit.status for record in store.records()} == {"void"}


def test_a_device_that_comes_back_is_found_by_a_fresh_process_and_the_campaign_goes_on(site: Path) -> None:
    done = hwcost(site, "ok,lost", *MEASURE, "--store", "s.db")
    with open_store(site.parent / "s.db") as store:
        visits = [record.visit for record in store.records()]
        assert [campaign.status for campaign in store.campaigns()] == ["done"], done.stderr
    failed = [visit for visit in visits if visit.status == "failed"]
    assert {flag.code for visit in failed for flag in visit.flags} == {"E_DEVICE_LOST"}
    assert len({visit.workload_key for visit in visits}) == 3 > len(failed)


def test_a_device_that_stays_away_stops_the_campaign_which_is_resumed_once_it_is_back(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(GONE, str(tmp_path / "gone"))
    done = hwcost(site, "ok,lost", *MEASURE, "--backend-option", "realtime=true", "--store", "s.db")
    assert done.returncode == 3
    assert "device fake:1 (FAKE-1) is not here any more" in done.stderr
    assert "--resume" in done.stderr
    with open_store(site.parent / "s.db") as store:
        kept = {record.identity.idempotency_key: record.visit.samples_s for record in store.records()}
        assert [campaign.status for campaign in store.campaigns()] == ["stopped"]
    assert 0 < len(kept) < 6
    (site.parent / "profiles" / "fake.toml").unlink()  # the plan holds it
    assert hwcost(site, "ok", "measure", "--resume", "--store", "s.db").returncode == 3
    done = hwcost(site, "ok,ok", "measure", "--resume", "--store", "s.db")
    assert done.returncode == 0, done.stderr
    with open_store(site.parent / "s.db") as store:
        now = {record.identity.idempotency_key: record.visit.samples_s for record in store.records()}
    assert kept.items() <= now.items()
    assert len(now) == 6
