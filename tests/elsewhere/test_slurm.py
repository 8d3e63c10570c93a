"""Campaigns through Slurm: Debian's controller with two daemons on loopback, and a device for each."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hwcost as hc
from hwcost.elsewhere.transports import Transport, queue, transport
from hwcost.errors import DeviceError, UsageError
from hwcost.stores import open_store
from hwcost.testing.transports import QueueSuite
from tests.elsewhere import clusters, fleets
from tests.elsewhere.jobs import WORKS

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def partition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with clusters.slurm(tmp_path_factory.mktemp("slurm")) as address:
        yield address


@pytest.fixture
def url(partition: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(queue, "POLL_S", 0.2)
    return f"{partition}{tmp_path}/there?python={sys.executable}"


class TestSlurm(QueueSuite):
    @pytest.fixture
    def transport(self, url: str) -> Transport:
        made = transport(url)
        made.claim("k80", 1)
        return made


@pytest.mark.parametrize("jobs", [8, pytest.param(20, marks=pytest.mark.slow)])
def test_jobs_are_never_two_at_once_on_a_device(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    monkeypatch.setattr(queue, "POLL_S", 1.0)
    fleets.assert_one_at_a_time(fleets.run_many(url, tmp_path, clusters.OF_SLURM, jobs), jobs)


@pytest.fixture
def cpus(url: str) -> str:
    """The address with the resource that stands for this machine's CPU."""
    return f"{url}&gres=hwdev:xeon:1"


def test_scancel_leaves_failed_records_and_a_campaign_that_is_resumed(cpus: str, tmp_path: Path) -> None:
    def cancel(campaign: str) -> None:
        subprocess.run(["scancel", f"--name=hwcost-{campaign}"], check=True)

    fleets.assert_cancelled_and_resumed(cpus, tmp_path / "a.db", cancel, "Slurm says CANCELLED")


def test_a_job_is_found_again_after_its_client_was_killed(cpus: str, tmp_path: Path) -> None:
    fleets.assert_found_again(cpus, tmp_path / "a.db")
    found = fleets.records(tmp_path / "a.db")
    campaign = found[0].identity.campaign_id
    assert len({str(one.environment.settings["queue_job"]).partition(" ")[2] for one in found}) == 2
    assert clusters.said("scontrol", "show", "jobs", "--oneliner").count(f"JobName=hwcost-{campaign} ") == 2


def test_a_job_that_is_cancelled_while_it_waits_says_so(cpus: str, tmp_path: Path) -> None:
    waits: list[str] = []
    asked = ["--partition=devices", "--gres=hwdev:xeon:1", f"--chdir={tmp_path}", "--output=/dev/null"]
    before = subprocess.check_output(["sbatch", "--parsable", *asked, "--wrap=sleep 60"], text=True).strip()

    def progress(state: hc.Progress) -> None:
        if state.waiting and not waits:
            waits.append(state.waiting)
            subprocess.run(["scancel", "--state=PENDING", "--me"], check=True)

    with pytest.raises(DeviceError, match="Slurm says CANCELLED"):
        hc.measure(WORKS, "cpu", backend="null", rounds=2, store=tmp_path / "a.db", on=cpus, progress=progress)
    subprocess.run(["scancel", before], check=True)
    assert "waits in the queue" in waits[0]
    found = fleets.records(tmp_path / "a.db")
    assert [one.visit.status for one in found] == ["failed"] * len(WORKS)
    assert found[0].environment.device == {"device_name": "cpu"}


def test_an_unknown_device_is_refused_at_once(url: str, tmp_path: Path) -> None:
    given = ["--device", "h100", "--backend", "null", "--space", "supershaper", "-n", "3", "--store", str(tmp_path / "a.db")]
    error = fleets.hwcost("measure", *given, "--on", url, status=3)
    assert "has no 'hwdev:h100:1'" in error
    assert "It has: hwdev:k80:1, hwdev:xeon:1" in error
    with pytest.raises(DeviceError, match="no partition 'gpus'. It has: devices"):
        hc.measure(WORKS, "xeon", backend="null", store=tmp_path / "a.db", on=url.replace("devices", "gpus"))
    assert not (tmp_path / "a.db").exists() or not open_store(str(tmp_path / "a.db")).campaigns()


def test_the_resource_of_a_device_can_be_named(url: str) -> None:
    transport(f"{url}&gres=hwdev:k80:1").claim("h100", 1)
    transport(f"{url}&gres=").claim("h100", 1)
    with pytest.raises(DeviceError, match="has no 'gpu:h100:1'"):
        transport(f"{url}&gres=gpu:h100:1").claim("h100", 1)


def test_a_runner_that_cannot_start_is_a_failed_job(url: str, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="not found"):
        hc.measure(WORKS, "xeon", backend="null", store=tmp_path / "a.db", on=url.replace(sys.executable, "/no/python"))
    assert {one.visit.status for one in fleets.records(tmp_path / "a.db")} == {"failed"}


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("slurm:///folder", "names no partition"),
        ("slurm://gpus?exclusive=perhaps", "exclusive= is yes, user or no"),
        ("slurm://gpus?folder=here", "folder= is a path from / on"),
        ("slurm://gpus?wrap=reboot", "Known for slurm: python, folder, gres, exclusive, account"),
        ("slurm://gpus?gres=a&gres=b", "gives gres= 2 times"),
    ],
)
def test_addresses_that_are_refused(wrong: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        transport(wrong)


def test_a_machine_without_slurm_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DeviceError, match="the program 'sinfo' is missing"):
        transport("slurm://gpus").claim("k80", 1)
