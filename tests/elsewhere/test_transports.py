"""Ways to another machine: their addresses, the promise of each, and a campaign over one."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import ClassVar

import pytest

import hwcost as hc
from hwcost.campaign.options import JobOptions
from hwcost.elsewhere import measure, measure_on
from hwcost.elsewhere.transports import Address, ConnectionLostError, Transport, queue, transport
from hwcost.elsewhere.transports.local import Local
from hwcost.errors import DataError, DeviceError, UnknownNameError, UsageError
from hwcost.stores import open_store
from hwcost.stores.schema import Campaign
from hwcost.testing.plugins import registered
from hwcost.testing.transports import TransportSuite
from tests.elsewhere.jobs import WORKS


class TestLocal(TransportSuite):
    @pytest.fixture
    def transport(self, tmp_path: Path) -> Transport:
        return transport(f"local://{tmp_path}/there?python={sys.executable}")


class Wavering(Local):
    """Loses its connection at chosen calls, before or after the job has run."""

    name = "wavering"
    lose: ClassVar[list[str]] = []

    def send(self, parts, job):  # type: ignore[no-untyped-def]
        self._maybe("send")
        super().send(parts, job)

    def run(self, job, arguments, heard):  # type: ignore[no-untyped-def]
        self._maybe("run")
        found = super().run(job, arguments, heard)
        self._maybe("ran")
        return found

    def fetch(self, job, name, target):  # type: ignore[no-untyped-def]
        self._maybe("fetch")
        return super().fetch(job, name, target)

    def _maybe(self, when: str) -> None:
        if when in self.lose:
            self.lose.remove(when)
            raise ConnectionLostError("the connection was cut.")


class Vanishing(queue.Queue):
    """A queue whose folder is unmounted while a job runs."""

    name = "vanishing"

    def found(self, job: str) -> None:
        """No job waits or runs."""

    def queued(self, job: str, command: str, node: str) -> str:
        return "1"

    def standing(self, ticket: str) -> queue.Standing:
        shutil.rmtree(self._shared.of("job"))
        return queue.Standing("running")

    def cancel(self, ticket: str) -> None:
        """Nothing runs."""


def test_a_folder_of_a_queue_that_vanishes_is_told(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    with pytest.raises(DeviceError, match=r"vanishing.out' of vanishing://.* cannot be used: No such file"):
        Vanishing(Address.parse(f"vanishing://{tmp_path}")).run("job", [], lambda line: None)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"local://{tmp_path}/there?python={sys.executable}"


def test_a_campaign_on_another_machine_is_one_like_any(url: str, tmp_path: Path) -> None:
    seen = []
    result = hc.measure(
        WORKS, "cpu", backend="null", rounds=3, store=tmp_path / "a.db", on=url,
        progress=lambda state: seen.append(state.passes),
    )  # fmt: skip
    assert result.is_complete
    assert all(len(one.visits) == 3 and one.half_width is not None for one in result.measurements)
    assert max(seen) > 0
    with open_store(str(tmp_path / "a.db")) as store:
        assert (store.count(), store.campaigns()[0].status) == (3 * len(WORKS), "done")


@pytest.mark.slow
def test_imprecise_workloads_get_further_rounds_there(url: str, tmp_path: Path) -> None:
    result = hc.measure(
        WORKS, "cpu", backend="null", tier="standard", store=tmp_path / "a.db", on=url,
        backend_options={"noise": 0.5}, blocks=4,
    )  # fmt: skip
    assert max(len(one.visits) for one in result.measurements) > 4


@pytest.mark.parametrize("lost", ["send", "run", "ran", "fetch"])
def test_a_cut_connection_is_resumed(lost: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "PAUSES_S", (0.0, 0.0))
    monkeypatch.setattr(Wavering, "lose", [lost, lost])
    with registered("hwcost.transports", {"wavering": f"{__name__}:Wavering"}):
        on = url.replace("local", "wavering")
        result = hc.measure(WORKS, "cpu", backend="null", rounds=2, store=tmp_path / "a.db", on=on)
    assert result.is_complete
    with open_store(str(tmp_path / "a.db")) as store:
        assert store.count() == 2 * len(WORKS)


def test_a_machine_out_of_reach_stops_the_campaign_which_says_how_to_resume(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "PAUSES_S", (0.0,))
    monkeypatch.setattr(Wavering, "lose", ["run", "run"])
    with registered("hwcost.transports", {"wavering": f"{__name__}:Wavering"}):
        on = url.replace("local", "wavering")
        advice = r"the connection was cut. Go on with: hwcost measure --resume .* --on 'wavering:"
        with pytest.raises(DeviceError, match=advice):
            hc.measure(WORKS, "cpu", backend="null", rounds=2, store=tmp_path / "a.db", on=on)
    with open_store(str(tmp_path / "a.db")) as store:
        assert store.campaigns()[0].status == "stopped"


def test_an_absent_device_there_is_an_absent_device(url: str, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match=r"local://.*: device 'raspberry-pi-4' is not here. Here: .*"):
        hc.measure(WORKS, "raspberry-pi-4", backend="null", rounds=2, store=tmp_path / "a.db", on=url)


@pytest.mark.parametrize("name", ["../../mine", "a;reboot", "$(reboot)", "a b", "x" * 65])
def test_a_campaign_whose_id_names_no_folder_is_not_sent(
    name: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HWCOST_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "work").touch()
    plan = JobOptions(backend="null", rounds=2).plan(WORKS)
    with open_store(str(tmp_path / "a.jsonl")) as store:
        store.add_campaign(Campaign(campaign_id=name, plan=plan.to_dict()))
        with pytest.raises(DataError, match="cannot name a folder on another machine"):
            measure_on(transport(url), store, name, goals={})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "mine"]
    assert (tmp_path / "mine" / "work").exists()


def test_a_file_of_a_shared_folder_that_cannot_be_copied_is_told(tmp_path: Path) -> None:
    (tmp_path / "there" / "job" / "results.jsonl").mkdir(parents=True)
    with pytest.raises(DeviceError, match=r"results.jsonl' of local://.* cannot be copied: Is a directory"):
        transport(f"local://{tmp_path}/there").fetch("job", "results.jsonl", tmp_path / "here")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("host", "not the address of a machine"),
        ("ssh://", "names no host"),
        ("ssh://-oProxyCommand=x/", "host"),
        ("ssh://host/a;reboot", "folder"),
        ("ssh://host/$(reboot)", "folder"),
        ("ssh://u:secret@host", "not the address"),
        ("ssh://host:99999", "not the address"),
        ("ssh://host?python=python3%20-c", "python="),
        ("ssh://host?speed=1", "Known for ssh: python, config, option"),
        ("local:///x?option=y", "Known for local: python"),
    ],
)
def test_addresses_that_are_refused(wrong: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        transport(wrong)


def test_an_unknown_transport_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="Known: local, ray, slurm, ssh"):
        transport("telnet://host")


def test_an_address_has_its_parts() -> None:
    found = Address.parse("ssh://me@k80.example:2222/~/jobs?python=/opt/py38/bin/python&option=Compression=yes")
    assert (found.user, found.host, found.port, found.folder) == ("me", "k80.example", 2222, "/~/jobs")
    assert (found.python(), found.values("option")) == ("/opt/py38/bin/python", ["Compression=yes"])
    assert Address.parse("slurm://me@GPU_Long:7/x").host == "GPU_Long"
