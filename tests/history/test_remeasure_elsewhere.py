"""Alarms of machines elsewhere are measured again there; what is of another machine is not taken for it."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import pytest

from hwcost.campaign.rounds import round as campaign_round
from hwcost.history.alarm import Setting, alarms_of
from hwcost.history.anchors import anchors_of
from hwcost.history.check import Check, check
from hwcost.history.remeasure import measure_again
from hwcost.stores import open_store
from hwcost.stores.base import Store
from hwcost.stores.entries import Confirmation
from hwcost.stores.schema import ON, Campaign
from hwcost.testing.sim_device import SimDevice
from tests.history.histories import History
from tests.history.repository import Repository
from tests.history.simulated import WORKS

pytestmark = pytest.mark.once

SLOWER = math.log1p(0.06)


@pytest.fixture(autouse=True)
def nothing_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where a process measures on this machine."""

    def refuse(*given: object) -> None:
        raise AssertionError("this machine measured")

    monkeypatch.setattr(campaign_round, "WorkerProcess", refuse)


def there(folder: Path) -> str:
    return f"local://{folder}/there?python={sys.executable}"


def of_machine(store: Store, url: str, history: History, commits: list[str], **facts: Any) -> Check:
    """Writes nights whose latest campaign was measured at an address."""
    store.add_campaign(Campaign(campaign_id=f"c{history.nights - 1}", extra={ON: url}))
    return history.stored(store, WORKS, commits, **facts)


@pytest.fixture
def history() -> History:
    """Nights on the law of the backend ``null``, which the runner there measures too; two of them became slower."""
    made, law_s = History(), SimDevice().law_s
    for i, work in enumerate(WORKS):
        made.y[i] += math.log(law_s(work)) - made.y[i, :20].mean()
    made.y[3, :22] -= SLOWER  # and what is measured again is as slow as the nights since
    made.y[5, 22:] += SLOWER  # the nights were slow, and what is measured again is not
    return made


def test_an_alarm_of_a_machine_elsewhere_is_measured_again_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: History
) -> None:
    repository = Repository(tmp_path)
    commits = [*[repository.commit("a.txt", "a")] * 22, repository.commit("a.txt", "b")]
    monkeypatch.chdir(tmp_path)  # both codes are here, and the machine is not
    said: list[str] = []
    with open_store(tmp_path / "s.db") as store:
        before = of_machine(store, there(tmp_path), history, commits)
        assert before.counts["regressed"] == 2
        assert measure_again(store, before, say=said.append) == []
        found = store.entries(Confirmation)
        campaign = store.campaign(found[0].campaign_id or "")
        after = check(store, before.runs)
    names = {after.series[one.series_key].name: one for one in after.judgements}
    assert {one.how for one in found} == {"anchors"}
    assert names["net003"].is_confirmed
    assert names["net005"].verdict == "ok"
    assert after.fails(["regressed"])
    assert campaign.on == there(tmp_path)
    assert said[0].startswith(f"Measuring 2 alarms on cpu on {there(tmp_path)} with null again until they are known")


def test_another_device_at_the_address_confirms_nothing(tmp_path: Path, history: History) -> None:
    with open_store(tmp_path / "s.db") as store:
        before = of_machine(store, there(tmp_path), history, [], device_key="0" * 16)
        (remark,) = measure_again(store, before)
        assert store.entries(Confirmation) == []
    assert remark.startswith(f"2 alarms on cpu on {there(tmp_path)} with null stay unconfirmed: ")
    assert "the nights were measured on another 'cpu' (key 0000000000000000)" in remark
    assert "Run hwcost check again: it measures the changes that are still open." in remark
    assert "--resume" not in remark


def test_a_machine_that_cannot_be_reached_leaves_its_alarms_unconfirmed(tmp_path: Path, history: History) -> None:
    with open_store(tmp_path / "s.db") as store:
        (remark,) = measure_again(store, of_machine(store, "ssh:///no-host", history, []))
        assert store.entries(Confirmation) == []
    assert "stay unconfirmed: 'ssh:///no-host'" in remark


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"device_key": "0" * 16}, "were measured on another 'cpu' (key 0000000000000000) than the one that is here"),
        ({"device": "k80"}, "'k80' is not here, and no run says at what address it is"),
    ],
)
def test_what_another_machine_measured_is_not_measured_here(
    tmp_path: Path, history: History, facts: dict[str, Any], said: str
) -> None:
    with open_store(tmp_path / "s.db") as store:
        (remark,) = measure_again(store, history.stored(store, WORKS, [], **facts))
        assert store.entries(Confirmation) == []
    assert said in remark
    assert "Run hwcost check on the machine that has it, with the same store" in remark


def test_anchors_and_common_changes_are_of_one_machine_where_two_have_one_name(tmp_path: Path) -> None:
    here, far = History(n=8), History(n=8, seed=1)
    far.y[:, 22:] += SLOWER
    with open_store(tmp_path / "s.db") as store:
        here.stored(store, WORKS, [], device_key="a" * 16)
        found = far.stored(store, WORKS, [], device_key="b" * 16)
        one = next(one for one in found.series.values() if one.device_key == "b" * 16)
        anchors = anchors_of(store, found, Setting.of(one), "", [one.series_key]).series
    assert {anchor.device_key for anchor in anchors} == {"b" * 16}
    assert one not in anchors
    changed = {device.device_key: device for device in found.devices}
    assert {key: device.cause for key, device in changed.items()} == {"a" * 16: None, "b" * 16: "unknown"}
    assert len({device.key for device in found.devices}) == 2, "what is confirmed of one is not of the other"
    (alarm,) = alarms_of(found)
    assert {series.device_key for series in alarm.series} == {"b" * 16}
