"""Alarms of other quantities than the latency: measured again, judged by the latency, or said to be impossible."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from hwcost.campaign.plans.plan import Plan
from hwcost.cli.main import invoke
from hwcost.history.check import check
from hwcost.history.remeasure import measure_again
from hwcost.stores import open_store
from hwcost.stores.entries import Confirmation
from hwcost.testing.sim_device import SimDevice
from tests.history.histories import History
from tests.history.repository import Repository
from tests.history.simulated import WORKS, factor, simulated

pytestmark = pytest.mark.once

MORE = math.log1p(0.06)
ENERGY: dict[str, Any] = {"quantity": "energy_j", "unit": "J"}
RATE: dict[str, Any] = {"quantity": "throughput_per_s", "unit": "1/s"}


@pytest.fixture
def history() -> History:
    made = History()
    made.y[3, 22:] += MORE
    return made


def codes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Commits two codes, of which the second one takes 6 % more for the fourth workload, and returns those of the nights."""
    repository = Repository(folder)
    good, bad = repository.commit("slow.txt", ""), repository.commit("slow.txt", "net003 1.06\n")
    monkeypatch.chdir(folder)
    return [*[good] * 22, bad]


def test_energy_is_measured_again_by_both_codes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: History
) -> None:
    history.y[5, 22:] += MORE  # the code does not do that
    commits = codes(tmp_path, monkeypatch)
    simulated(monkeypatch, lambda place, work: 1.0, power=factor)
    with open_store(tmp_path / "s.db") as store:
        before = history.stored(store, WORKS, commits, **ENERGY)
        assert before.counts["regressed"] == 2
        assert measure_again(store, before) == []
        found = {before.series[one.series_key].name: one for one in store.entries(Confirmation)}
        campaign = store.campaign(found["net003"].campaign_id or "")
        assert check(store, before.runs).fails(["regressed"])
    assert {name: (one.outcome, one.how) for name, one in found.items()} == {
        "net003": ("confirmed", "worktree"), "net005": ("refuted", "worktree"),
    }  # fmt: skip
    assert found["net003"].log_ratio == pytest.approx(MORE, abs=0.01)
    assert Plan.from_dict(campaign.plan).protocol.quantities == ("energy_j",)


def test_energy_is_measured_again_beside_anchors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: History
) -> None:
    law_s = SimDevice().law_s
    for i, work in enumerate(WORKS):
        history.y[i] += math.log(100.0 * law_s(work)) - history.y[i, :20].mean()
    simulated(monkeypatch, lambda place, work: 1.0, power=lambda place, work: 1.06 if work.name == "net003" else 1.0)
    monkeypatch.chdir(tmp_path)
    with open_store(tmp_path / "s.db") as store:
        assert measure_again(store, history.stored(store, WORKS, [], **ENERGY)) == []
        (entry,) = store.entries(Confirmation)
    assert (entry.how, entry.outcome) == ("anchors", "confirmed")


def test_without_a_counter_the_check_says_so_after_two_rounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: History
) -> None:
    commits = codes(tmp_path, monkeypatch)
    simulated(monkeypatch, lambda place, work: 1.0)
    with open_store(tmp_path / "s.db") as store:
        (remark,) = measure_again(store, history.stored(store, WORKS, commits, **ENERGY))
        assert store.entries(Confirmation) == []
        assert len(store.rounds(store.campaigns()[-1].campaign_id)) == 2
    said = "1 alarm of energy_j on cpu with null stays unconfirmed: measured again, and energy_j is not known"
    assert remark.startswith(said)


def test_a_rate_is_judged_by_the_latency_in_one_campaign_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: History
) -> None:
    commits = codes(tmp_path, monkeypatch)
    simulated(monkeypatch, factor)
    with open_store(tmp_path / "s.db") as store:
        history.stored(store, WORKS, commits)
        history.y = -history.y
        before = history.stored(store, WORKS, commits, **RATE)
        assert before.counts["regressed"] == 2
        assert measure_again(store, before) == []
        found = {before.series[one.series_key].quantity: one for one in store.entries(Confirmation)}
    assert [one.outcome for one in found.values()] == ["confirmed"] * 2
    assert found["throughput_per_s"].log_ratio == pytest.approx(-MORE, abs=0.01)
    assert found["latency_s"].log_ratio == pytest.approx(MORE, abs=0.01)
    assert len({one.campaign_id for one in found.values()}) == 1


def test_a_rate_is_judged_by_the_latency_beside_anchors_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: History
) -> None:
    law_s = SimDevice().law_s
    for i, work in enumerate(WORKS):
        history.y[i] += math.log(law_s(work)) - history.y[i, :20].mean()
    simulated(monkeypatch, lambda place, work: 1.06 if work.name == "net003" else 1.0)
    monkeypatch.chdir(tmp_path)
    with open_store(tmp_path / "s.db") as store:
        history.stored(store, WORKS, [])
        history.y = -history.y
        before = history.stored(store, WORKS, [], **RATE)
        assert measure_again(store, before) == []
        found = {before.series[one.series_key].quantity: one for one in store.entries(Confirmation)}
    assert {(one.how, one.outcome) for one in found.values()} == {("anchors", "confirmed")}
    assert found["throughput_per_s"].log_ratio == pytest.approx(-MORE, abs=0.02)
    assert found["latency_s"].log_ratio == pytest.approx(MORE, abs=0.02)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"origin": "imported"}, "another tool measured it. Run that tool again with the code of before and of after."),
        ({"quantity": "roofline_s"}, "roofline_s follows from the device's peaks, and no code changes it."),
        ({"quantity": "noise_db"}, "the quantity 'noise_db' is not known here. Install what provides it."),
    ],
)
def test_what_cannot_be_measured_again_is_said_with_what_to_do(
    tmp_path: Path, history: History, facts: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_store(tmp_path / "s.db") as store:
        history.stored(store, WORKS, [], **facts)
    arguments = ["check", "--store", str(tmp_path / "s.db")]
    assert invoke(arguments) == 0
    error = " ".join(capsys.readouterr().err.split())
    assert f"1 alarm stays unconfirmed: {said}" in error
    assert "--fail-on regressed,unconfirmed" in error
    assert invoke([*arguments, "--fail-on", "regressed,unconfirmed"]) == 1
