"""Alarms are measured again: both codes in one campaign from their working trees, or beside anchors."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path

import pytest

from hwcost.errors import MeasurementError
from hwcost.history import remeasure
from hwcost.history.alarm import alarms_of
from hwcost.history.check import check
from hwcost.history.question import DIFFERENCES
from hwcost.history.remeasure import measure_again
from hwcost.history.worktree import has_commit, repository_of, tree_of
from hwcost.stores import open_store
from hwcost.stores.entries import Confirmation
from hwcost.testing.sim_device import SimDevice
from hwcost.workloads.base import Workload
from tests.history.histories import History
from tests.history.repository import Repository
from tests.history.simulated import WORKS, factor, simulated

pytestmark = pytest.mark.once

SLOWER = math.log1p(0.06)


@pytest.fixture
def history() -> History:
    made = History()
    made.y[3, 22:] += SLOWER
    return made


def test_a_real_slow_down_is_confirmed_and_one_of_the_nights_alone_is_refuted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: History
) -> None:
    history.y[5, 22:] += SLOWER  # the code does not do that
    repository = Repository(tmp_path)
    good, bad = repository.commit("slow.txt", ""), repository.commit("slow.txt", "net003 1.06\n")
    monkeypatch.chdir(tmp_path)
    simulated(monkeypatch, factor)
    with open_store(tmp_path / "s.db") as store:
        before = history.stored(store, WORKS, [*[good] * 22, bad])
        assert before.counts["regressed"] == 2
        assert not before.fails(["regressed"])
        assert before.fails(["unconfirmed"])
        assert measure_again(store, before) == []
        after = check(store, before.runs)
        found = {one.run_id: one for one in store.entries(Confirmation)}
    names = {after.series[one.series_key].name: one for one in after.judgements}
    assert (names["net003"].verdict, names["net003"].is_confirmed) == ("regressed", True)
    assert names["net005"].verdict == "ok"
    assert after.fails(["regressed"])
    assert names["net003"].confirmation is not None
    assert names["net003"].confirmation.log_ratio == pytest.approx(SLOWER, abs=0.02)
    assert {one.how for one in found.values()} == {"worktree"}
    assert "tree" not in subprocess.run(["git", "worktree", "list"], capture_output=True, text=True, check=True).stdout[-30:]


@pytest.mark.slow
@pytest.mark.parametrize("is_slow", [True, False])
def test_a_change_that_all_share_is_the_codes_or_the_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: History, is_slow: bool
) -> None:
    history.y[:, 22:] += SLOWER
    history.y[3, 22:] -= SLOWER
    repository = Repository(tmp_path)
    slow = "".join(f"{work.name} {1.06 if is_slow else 1.0}\n" for work in WORKS)
    good, bad = repository.commit("slow.txt", ""), repository.commit("slow.txt", slow)
    monkeypatch.chdir(tmp_path)
    simulated(monkeypatch, factor)
    with open_store(tmp_path / "s.db") as store:
        before = history.stored(store, WORKS, [*[good] * 22, bad])
        assert [(one.verdict, one.cause) for one in before.devices] == [("ambiguous", "unknown")]
        assert measure_again(store, before) == []
        after = check(store, before.runs)
    assert after.counts["ok"] == 12
    assert [one.verdict for one in after.devices] == ["regressed" if is_slow else "ok"]
    assert after.fails(["regressed"]) is is_slow


@pytest.mark.parametrize("is_slow", [True, False])
def test_without_the_code_of_before_anchors_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: History, is_slow: bool
) -> None:
    law_s = SimDevice().law_s
    for i, work in enumerate(WORKS):  # the nights were measured on the simulated device
        history.y[i] += math.log(law_s(work)) - history.y[i, :20].mean()
    slow = {"net003": 1.06} if is_slow else {}
    simulated(monkeypatch, lambda place, work: 1.3 * slow.get(work.name, 1.0))  # the machine is slow today
    monkeypatch.chdir(tmp_path)
    with open_store(tmp_path / "s.db") as store:
        before = history.stored(store, WORKS, [])
        assert measure_again(store, before) == []
        (entry,) = store.entries(Confirmation)
    assert (entry.how, entry.outcome) == ("anchors", "confirmed" if is_slow else "refuted")


def test_what_the_code_of_before_cannot_build_is_measured_beside_anchors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: History
) -> None:
    law_s = SimDevice().law_s
    for i, work in enumerate(WORKS):
        history.y[i] += math.log(law_s(work)) - history.y[i, :20].mean()
    repository = Repository(tmp_path)
    good, bad = repository.commit("slow.txt", ""), repository.commit("slow.txt", "net003 1.06\n")
    monkeypatch.chdir(tmp_path)

    def slow(place: Path | None, work: Workload) -> float:
        if place is not None:
            raise MeasurementError("the tree lacks a compiled module")
        return 1.06 if work.name == "net003" else 1.0

    simulated(monkeypatch, slow)
    with open_store(tmp_path / "s.db") as store:
        assert measure_again(store, history.stored(store, WORKS, [*[good] * 22, bad])) == []
        (entry,) = store.entries(Confirmation)
    assert (entry.how, entry.outcome) == ("anchors", "confirmed")


@pytest.mark.slow
def test_what_is_not_known_goes_on_first_after_the_next_night_with_the_rounds_that_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: History
) -> None:
    repository = Repository(tmp_path)
    good, bad = repository.commit("slow.txt", ""), repository.commit("slow.txt", "net003 1.06\n")
    monkeypatch.chdir(tmp_path)
    simulated(monkeypatch, factor)
    said: list[str] = []
    with open_store(tmp_path / "s.db") as store:
        runs = history.stored(store, WORKS, [*[good] * 22, bad]).runs
        first = check(store, runs[:-1])
        with monkeypatch.context() as patch:
            patch.setattr(remeasure, "MOST_ROUNDS", 3)
            assert measure_again(store, first, say=said.append, budget_s=20.0) == []
        (before,) = store.entries(Confirmation)
        assert before.outcome == "ambiguous"
        assert len(before.extra[DIFFERENCES]) == 3
        assert said[0] == "Measuring 1 alarm on cpu with null again until it is known, for 20 s at most."
        assert "goes on first" in said[1]
        same_night, tonight = check(store, runs[:-1]), check(store, runs)
        assert alarms_of(same_night) == []
        (alarm,) = alarms_of(tonight)
        assert (alarm.earlier, alarm.between[:2]) == (before, (before.before_run_id, before.run_id))
        assert measure_again(store, tonight) == []
        after = store.entries(Confirmation)[-1]
        rounds = store.rounds(after.campaign_id or "")
    assert after.outcome == "confirmed"
    assert (after.before_run_id, after.run_id) == (before.before_run_id, before.run_id)
    assert len(rounds) == 2


def test_what_cannot_be_measured_again_stays_unconfirmed_and_says_why(tmp_path: Path, history: History) -> None:
    history.y = history.y[:2]
    history.n = 2
    history.y[1, 22:] += SLOWER
    with open_store(tmp_path / "s.db") as store:
        (remark,) = measure_again(store, history.stored(store, WORKS, []))
        assert store.entries(Confirmation) == []
    assert remark.startswith("1 alarm on cpu with null stays unconfirmed: ")
    assert "it takes 2" in remark


def test_another_commit_is_checked_out_beside_and_gone_afterwards(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    first = repository.commit("slow.txt", "net 2.0\n")
    repository.commit("slow.txt", "net 3.0\n")
    top = repository_of(tmp_path)
    assert top is not None
    with tree_of(top, first, tmp_path) as tree:
        assert (Path(tree.folder) / "slow.txt").read_text() == "net 2.0\n"
        assert tree.paths[0] == tree.folder
    assert not Path(tree.folder).exists()
    assert not has_commit(top, "0" * 40)
    assert not has_commit(top, "--help")
