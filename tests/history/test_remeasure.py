"""Alarms are measured again: both codes in one campaign from their working trees, or beside anchors."""

from __future__ import annotations

import math
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hwcost.campaign.processes.worker_process import WorkerDiedError
from hwcost.campaign.rounds import round as campaign_round
from hwcost.devices import present
from hwcost.errors import MeasurementError, StoreError
from hwcost.history import Policy, remeasure
from hwcost.history.alarm import alarms_of
from hwcost.history.check import check
from hwcost.history.question import DIFFERENCES, WORKTREE, Question, earlier_evidence
from hwcost.history.remeasure import measure_again
from hwcost.history.worktree import has_commit, repository_of, tree_of
from hwcost.stores import open_store
from hwcost.stores.entries import Acceptance, Confirmation
from hwcost.testing.in_process import WorkerHere
from hwcost.testing.sim_device import SimDevice
from hwcost.workloads.base import Workload
from tests.history.histories import History
from tests.history.repository import Repository
from tests.history.simulated import WORKS, factor, simulated

pytestmark = pytest.mark.once

SLOWER = math.log1p(0.06)


def on_the_device(history: History) -> None:
    """Lets the nights have been measured on the simulated device."""
    law_s = SimDevice().law_s
    for i, work in enumerate(WORKS):
        history.y[i] += math.log(law_s(work)) - history.y[i, :12].mean()


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


@pytest.mark.parametrize("is_slow", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_without_the_code_of_before_anchors_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: History, is_slow: bool
) -> None:
    on_the_device(history)
    slow = {"net003": 1.06} if is_slow else {}
    simulated(monkeypatch, lambda place, work: 1.3 * slow.get(work.name, 1.0))  # the machine is slow today
    monkeypatch.chdir(tmp_path)
    with open_store(tmp_path / "s.db") as store:
        before = history.stored(store, WORKS, [])
        assert measure_again(store, before) == []
        (entry,) = store.entries(Confirmation)
    assert (entry.how, entry.outcome) == ("anchors", "confirmed" if is_slow else "refuted")


@pytest.mark.parametrize("is_slow", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_anchors_compare_with_the_nights_since_an_accepted_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: History, is_slow: bool
) -> None:
    on_the_device(history)
    history.y[3, 12:] += math.log1p(0.1)
    simulated(monkeypatch, lambda place, work: (1.166 if is_slow else 1.1) if work.name == "net003" else 1.0)
    monkeypatch.chdir(tmp_path)
    with open_store(tmp_path / "s.db") as store:
        runs = history.stored(store, WORKS, []).runs
        store.add_entry(Acceptance(run_id="run012", author="ann", reason="more accurate", workload="net003"))
        before = check(store, runs)
        (alarm,) = alarms_of(before)
        assert alarm.since == "run012"
        assert measure_again(store, before) == []
        (entry,) = store.entries(Confirmation)
    assert (entry.how, entry.outcome) == ("anchors", "confirmed" if is_slow else "refuted")


def test_what_the_code_of_before_cannot_build_is_measured_beside_anchors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: History
) -> None:
    on_the_device(history)
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


@pytest.mark.parametrize("trouble", [*(pytest.param(one, marks=pytest.mark.slow) for one in ("folder", "worker")), "git"])
def test_anchors_take_the_place_of_a_tree_that_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: History, trouble: str
) -> None:
    on_the_device(history)
    repository, bench, said = Repository(tmp_path), tmp_path / "bench", list[str]()
    good = repository.commit("slow.txt", "")
    bench.mkdir()
    bad = repository.commit("bench/slow.txt", "net003 1.06\n")
    monkeypatch.chdir(bench if trouble == "folder" else tmp_path)
    simulated(monkeypatch, lambda place, work: 1.06 if work.name == "net003" else 1.0)
    in_process, run = getattr(campaign_round, "WorkerProcess"), subprocess.run  # noqa: B009 - not exported

    def dying(job: Any, server: Any = None, tree: Any = None) -> Any:
        if tree is not None:
            raise WorkerDiedError(None, 1, "ImportError: no module named net")
        return in_process(job, server, tree)

    def stuck(command: list[str], **options: Any) -> Any:
        if "worktree" in command:
            raise subprocess.TimeoutExpired(command, 120.0)
        return run(command, **options)

    if trouble == "worker":
        monkeypatch.setattr(campaign_round, "WorkerProcess", dying)
    if trouble == "git":
        monkeypatch.setattr(subprocess, "run", stuck)
    with open_store(tmp_path / "s.db") as store:
        before = history.stored(store, WORKS, [*[good] * 22, bad])
        assert measure_again(store, before, say=said.append) == []
        (entry,) = store.entries(Confirmation)
        states = {one.status for one in store.campaigns()}
    assert (entry.how, entry.outcome) == ("anchors", "confirmed")
    why = {"folder": "has no folder bench", "git": "git worktree add gave no answer", "worker": "no module named net"}
    assert any(why[trouble] in text for text in said)
    assert "running" not in states


def test_code_that_is_not_of_the_tree_is_not_compared_with_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: History
) -> None:
    """Both processes would run what is installed, and agree however the codes differ."""
    on_the_device(history)
    repository, said = Repository(tmp_path), list[str]()
    good, bad = repository.commit("net.py", "LAYERS = 8"), repository.commit("net.py", "LAYERS = 12")
    monkeypatch.chdir(tmp_path)
    simulated(monkeypatch, lambda place, work: 1.06 if work.name == "net003" else 1.0)
    in_process = getattr(campaign_round, "WorkerProcess")  # noqa: B009 - not exported

    def worker(job: Any, server: Any = None, tree: Any = None) -> Any:
        return in_process(job, server, tree) if tree is None else WorkerHere(job)

    monkeypatch.setattr(campaign_round, "WorkerProcess", worker)
    with open_store(tmp_path / "s.db") as store:
        before = history.stored(store, WORKS, [*[good] * 22, bad])
        assert measure_again(store, before, say=said.append) == []
        (entry,) = store.entries(Confirmation)
    assert (entry.how, entry.outcome) == ("anchors", "confirmed")
    assert any("no module was imported from the working tree, so that both codes would be the same" in one for one in said)


def test_only_what_neither_trees_nor_anchors_tell_of_stays_unconfirmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = History(n=3)
    history.y[:2, 22:] += SLOWER
    repository = Repository(tmp_path)
    good, bad = repository.commit("slow.txt", ""), repository.commit("slow.txt", "net000 1.06\n")
    monkeypatch.chdir(tmp_path)

    def slow(place: Path | None, work: Workload) -> float:
        if work.name == "net001":
            raise MeasurementError("the tree lacks a compiled module")
        return factor(place, work)

    simulated(monkeypatch, slow)
    with open_store(tmp_path / "s.db") as store:
        (remark,) = measure_again(store, history.stored(store, WORKS, [*[good] * 22, bad]))
        (entry,) = store.entries(Confirmation)
    assert (entry.how, entry.outcome) == ("worktree", "confirmed")
    assert remark.startswith("1 alarm on cpu with null stays unconfirmed: not both codes can be measured")


def test_a_common_change_without_the_code_of_before_stays_unconfirmed_and_fails_the_check_as_before(
    tmp_path: Path, history: History
) -> None:
    history.y[:10, 22:] += SLOWER
    history.y[3, 22:] -= SLOWER
    policy = Policy.of([{"workload": name, "anchor": True} for name in ("net010", "net011")])
    with open_store(tmp_path / "s.db") as store:
        runs = history.stored(store, WORKS, []).runs
        before = check(store, runs, policy=policy)
        assert [(one.cause, one.verdict) for one in before.devices] == [("code", "regressed")]
        (remark,) = measure_again(store, before)
        assert (store.entries(Confirmation), store.campaigns()) == ([], [])
        after = check(store, runs, policy=policy)
    assert "anchors do not tell" in remark
    assert after.fails(["unconfirmed"])
    assert not after.fails(["ambiguous"])


def test_an_alarm_of_too_few_nights_stays_unconfirmed_and_takes_no_time_from_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: History
) -> None:
    history.y[5, 22:] += SLOWER
    on_the_device(history)
    simulated(monkeypatch, lambda place, work: 1.06 if work.name == "net003" else 1.0)
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    with open_store(tmp_path / "s.db") as store:
        runs = history.stored(store, WORKS, []).runs
        store.add_entry(Acceptance(run_id="run019", author="ann", reason="more accurate", workload="net005"))
        before = check(store, runs)
        assert before.counts["regressed"] == 2
        (remark,) = measure_again(store, before, say=said.append, budget_s=20.0)
        (entry,) = store.entries(Confirmation)
    assert (before.series[entry.series_key].name, entry.outcome) == ("net003", "confirmed")
    assert said == ["Measuring 1 alarm on cpu with null again until it is known, for 20 s at most."]
    assert "1 alarm on cpu with null stays unconfirmed" in remark
    assert "fewer than 4 nights of its level" in remark


@pytest.mark.parametrize("is_here", [True, False])
def test_an_alarm_of_another_machine_is_not_measured_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: History, is_here: bool
) -> None:
    on_the_device(history)
    simulated(monkeypatch, lambda place, work: 1.06 if work.name == "net003" else 1.0)
    monkeypatch.chdir(tmp_path)
    with open_store(tmp_path / "s.db") as store:
        before = history.stored(store, WORKS, [], device_key=present()[0].key if is_here else "another")
        remarks = measure_again(store, before)
        outcomes = [one.outcome for one in store.entries(Confirmation)]
    assert (outcomes, len(remarks)) == ((["confirmed"], 0) if is_here else ([], 1))
    expected = "1 alarm on cpu with null stays unconfirmed: the nights were measured on another 'cpu' (key another)"
    assert all(remark.startswith(expected) for remark in remarks)


@pytest.mark.parametrize("facts", [{}, {"quantity": "throughput_per_s", "unit": "1/s"}])
def test_an_open_common_change_goes_on_with_the_workloads_and_rounds_of_the_night_before(
    tmp_path: Path, history: History, facts: dict[str, Any]
) -> None:
    history.y[:, 22:] += SLOWER
    history.y[3, 22:] -= SLOWER
    history.y = -history.y if facts else history.y
    commits = [*["a" * 40] * 22, "b" * 40]
    with open_store(tmp_path / "s.db") as store:
        before = history.stored(store, WORKS, commits, **facts)
        (alarm,) = alarms_of(before)
        assert len(alarm.series) == 5
        assert {one.quantity for one in alarm.series} == {"latency_s"}
        last_two = alarm.series[3:]
        question = Question(replace(alarm, series=last_two), (("after", ("before",)),), WORKTREE)
        seen = {("before", number): (0.0, 1.0) for number in range(3)}
        seen |= {("after", number): (y, 1.0) for number, y in enumerate([0.05, 0.0, 0.02])}
        store.add_entry(question.confirmation(seen, "campaign", before.runs[-2].run_id))
        (again,) = alarms_of(check(store, before.runs))
        assert again.series == last_two
        assert len(earlier_evidence(again)) == 3
        assert len(earlier_evidence(replace(again, series=alarm.series[:2]))) == 0


def test_a_store_that_cannot_be_written_ends_measuring_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: History
) -> None:
    def full(*given: Any) -> str:
        raise StoreError("the disk is full")

    monkeypatch.setattr(remeasure, "start", full)
    monkeypatch.chdir(tmp_path)
    with open_store(tmp_path / "s.db") as store, pytest.raises(StoreError, match="the disk is full"):
        measure_again(store, history.stored(store, WORKS, []))


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
