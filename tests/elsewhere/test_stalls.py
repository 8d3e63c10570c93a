"""Jobs whose calls never end: the workload has failed, what was measured is kept, and the others are measured."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import hwcost as hc
from hwcost.agent import silence, worker_process
from hwcost.agent.silence import LOOKS, WORKING, Look, Silence
from hwcost.agent.worker_process import WorkerProcess, WorkerStalledError
from hwcost.campaign.options import JobOptions
from hwcost.campaign.rounds.journal import Journal
from hwcost.devices import device_kind
from hwcost.elsewhere import Import, JobFolder, import_results, write_folder
from hwcost.elsewhere.importing import take_in
from hwcost.elsewhere.results import read_results
from hwcost.stores import open_store
from hwcost.timing.arrival import Arrival
from hwcost.timing.measurement import Visit
from hwcost.workloads import SyntheticWorkload
from tests.elsewhere.jobs import WORKS, events, job, run

NOTHING = Look(is_stopped=False, is_running=False, cpu_s=0.0)
OTHERS = {(work.name, number) for work in WORKS for number in range(2) if work.name != "w2"}

IN_A_BLOCK = """
from . import groups, member

def changed(self, number, block=member.Member.block):
    if (self.workload["name"], number) == ("w2", 4):
        %s
    return block(self, number)

member.Member.block, groups.EVENT_S = changed, 0.0
"""
"""Code that is added to the runtime of a job, so that something happens in the fourth timed block of one workload."""


PREPARED = {"event": "prepared", "workload_key": "w", "position": 0}
DEFERRED = {"event": "deferred", "workload_key": "w"}
SAYS = """
import json, os, sys, time
os.pwrite(json.loads(sys.stdin.readline())["current_fd"], (0).to_bytes(8, "little"), 0)
for line in %s:
    print(line, flush=True)
time.sleep(60)
"""
"""A worker with one workload in hand, which says some events and then nothing more."""


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """In jobs that are written now, a process that does nothing for a second counts as wedged."""
    monkeypatch.setattr(type(device_kind("cpu")), "stall_s", 1.0)


def add(folder: JobFolder, code: str) -> None:
    with (folder.path / "hwcost_agent" / "null_runtime.py").open("a", encoding="utf-8") as file:
        file.write(code)


def imported(folder: JobFolder, store: Path) -> tuple[Import, dict[tuple[str, int], Visit]]:
    """Imports a job, and returns its visits by name of the workload and number of the round."""
    names = {work.key: work.name for work in WORKS}
    with open_store(store) as opened:
        found = import_results(folder.path, opened)
        records = list(opened.records())
    visits = {(names[one.visit.workload_key], one.visit.round): one.visit for one in records}
    assert len(visits) == len(records)
    return found, visits


def test_a_call_that_never_ends_fails_its_workload_and_passes_before_it_are_kept(soon: None, tmp_path: Path) -> None:
    folder = job(tmp_path / "job")
    add(folder, IN_A_BLOCK % "sleep(3600)")
    done = run(folder)
    assert done.returncode == 0, done.stderr
    says = "w2 has failed: nothing was heard of the measuring process for 1 s (it did nothing), and it was killed."
    assert says in done.stderr
    assert [event["event"] for event in events(folder)].count("died") == 1, "it is not tried again, in no round"
    found, visits = imported(folder, tmp_path / "s.db")
    first, second = visits.pop(("w2", 0)), visits.pop(("w2", 1))
    for failed in (first, second):
        assert (failed.status, failed.flags[0].code, failed.samples_s) == ("failed", "E_TIMEOUT", ())
        assert "deadlock" in failed.flags[0].remedy
    assert second.flags[0].text.startswith("it was not tried again, since in an earlier process nothing was heard")
    assert set(visits) == OTHERS
    assert {visit.passes for (_, number), visit in visits.items() if number == 0} == {(1, 2, 3)}
    assert all(len(visit.passes) > 3 for (_, number), visit in visits.items() if number)
    with open_store(tmp_path / "s.db") as store:
        again = import_results(folder.path, store)
    assert (found.records, again.records, again.known_records) == (2 * len(WORKS), 0, 2 * len(WORKS))


def test_a_campaign_elsewhere_continues_without_the_workload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(device_kind("cpu")), "stall_s", 1.5)
    endless = SyntheticWorkload("endless", flops=10**16)
    result = hc.measure(
        [*WORKS[:2], endless], "cpu", backend="null", backend_options={"realtime": True}, rounds=2, blocks=5,
        store=tmp_path / "s.db", on=f"local://{tmp_path}/there?python={sys.executable}",
    )  # fmt: skip
    *measured, failed = result.measurements
    assert [len(one.visits) for one in measured] == [2, 2]
    assert ([flag.code for flag in failed.flags], len(failed.visits)) == (["E_TIMEOUT"], 1)
    assert result.is_complete


def test_passes_of_a_canary_before_it_never_ends_count_in_no_visit(soon: None, tmp_path: Path) -> None:
    *works, canary = (WORKS[0], WORKS[1], WORKS[2])
    how = JobOptions(backend="null", rounds=1, arrival="gap=10ms", blocks=6)
    folder = write_folder(tmp_path / "job", replace(how.plan(works), canaries=(canary,)))
    add(folder, IN_A_BLOCK % "sleep(3600)")
    assert run(folder, "--quiet").returncode == 0
    assert any(block["workload_key"] == canary.key for event in events(folder) for block in event.get("blocks", ()))
    with open_store(tmp_path / "s.db") as store:
        results = read_results(folder.results)
        store.add_campaign(results.campaign)
        journal = Journal(results.plan, results.campaign.campaign_id, store)
        take_in(results, journal)
        visits = journal.visits
    of_canary = [visit for visit in visits if visit.workload_key == canary.key]
    assert {visit.status for visit in of_canary} == {"failed"}
    assert len({visit.position for visit in of_canary}) == len(of_canary)
    assert len(visits) - len(of_canary) == len(works)


def test_a_process_that_computes_for_longer_is_waited_for(soon: None, tmp_path: Path) -> None:
    folder = job(tmp_path / "job", rounds=1)
    loop = ("end_s = monotonic() + 1.5", "while monotonic() < end_s:", "    pass")
    add(folder, "\nfrom time import monotonic\n" + IN_A_BLOCK % "\n        ".join(loop))
    assert run(folder, "--quiet").returncode == 0
    found, visits = imported(folder, tmp_path / "s.db")
    assert (found.is_complete, found.records, {visit.status for visit in visits.values()}) == (True, len(WORKS), {"ok"})


def test_a_runtime_that_never_starts_ends_the_run(soon: None, tmp_path: Path) -> None:
    folder = job(tmp_path / "job")
    add(folder, "\nsleep(3600)\n")
    done = run(folder, "--quiet")
    assert (done.returncode, "Traceback" in done.stderr) == (5, False)
    assert "It had not begun with a workload: look at what the runtime waits for when it is imported" in done.stderr


def test_a_job_folder_without_a_limit_is_waited_for(soon: None, tmp_path: Path) -> None:
    folder = job(tmp_path / "job", rounds=1)
    path = folder.path / "job.json"
    plain = json.loads(path.read_text(encoding="utf-8"))
    assert plain["device"].pop("stall_s") == 1.0
    path.write_text(json.dumps(plain), encoding="utf-8")
    add(folder, IN_A_BLOCK % "sleep(1.5)")
    assert run(folder, "--quiet").returncode == 0
    assert not any(event["event"] in ("died", "visit") for event in events(folder))


def test_deaths_are_imported_whether_the_failure_stands_before_or_behind_the_second(tmp_path: Path) -> None:
    folder = job(tmp_path / "job")
    add(folder, "\nimport os\n" + IN_A_BLOCK % "os._exit(9)")
    assert run(folder, "--quiet").returncode == 0
    _, visits = imported(folder, tmp_path / "new.db")
    assert [flag.code for flag in visits["w2", 1].flags] == ["E_DIED"]
    assert {visit.passes for place, visit in visits.items() if place != ("w2", 1)} == {(1, 2, 3)}
    lines = [json.loads(line) for line in folder.results.read_text(encoding="utf-8").splitlines()]
    place = next(n for n, line in enumerate(lines) if line["event"]["event"] == "visit")
    lines[place], lines[place + 1] = ({**lines[place + 1], "n": place}, {**lines[place], "n": place + 1})
    folder.results.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert lines[place]["event"]["event"] == "died"
    assert imported(folder, tmp_path / "old.db")[1] == visits


@pytest.mark.parametrize(("events", "limit"), [([], "2 s"), ([PREPARED], "0.2 s"), ([PREPARED, DEFERRED], "2 s")])
def test_beside_a_card_a_process_that_computes_has_longer_as_long_as_it_prepares(
    events: list[dict[str, Any]], limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "seen", lambda pid: NOTHING._replace(is_running=True))
    (tmp_path / "run.py").write_text(SAYS % json.dumps([json.dumps(event) for event in events]), encoding="utf-8")
    given = {"threads": 1, "device": {"kind": "cuda", "stall_s": 0.2}, "arrival": {"kind": "back-to-back", "every_s": 0.0}}
    task, says = {"job": given, "folder": str(tmp_path)}, f"for {limit} .it computed all the same., and"
    with WorkerProcess(task, {}) as worker, pytest.raises(WorkerStalledError, match=says) as stalled:
        list(worker.events())
    assert stalled.value.position == 0


def test_without_proc_the_longer_limit_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert silence.seen(1, root=str(tmp_path)) is None
    monkeypatch.setattr(silence, "seen", lambda pid: None)
    for is_host in (True, False):
        found = Silence(1, 600.0, is_host=is_host)
        assert [found.is_too_long() for _ in range(LOOKS * WORKING)] == [False] * (LOOKS * WORKING - 1) + [True]
        assert found.seconds == pytest.approx(6000.0)
    text = str(WorkerStalledError(0, Silence(1, 600.0)))
    assert text == "nothing was heard of the measuring process for 0 s, and it was killed."


def test_what_is_seen_of_a_process_is_read_from_proc(tmp_path: Path) -> None:
    (tmp_path / "proc" / "12").mkdir(parents=True)
    fields = "1 1 1 0 -1 4194304 100 0 0 0 150 50 25 75 20 0 1 0 1 1 1"
    for state, is_stopped, is_running in (("R", False, True), ("D", False, True), ("S", False, False), ("t", True, False)):
        (tmp_path / "proc" / "12" / "stat").write_text(f"12 (a) R (b) {state} {fields}\n", encoding="utf-8")
        seen = silence.seen(12, root=str(tmp_path))
        assert seen is not None
        assert (seen.is_stopped, seen.is_running) == (is_stopped, is_running)
        assert seen.cpu_s * os.sysconf("SC_CLK_TCK") == pytest.approx(300)


def test_a_process_that_is_stopped_is_not_wedged() -> None:
    sleeping = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        sleeping.send_signal(signal.SIGSTOP)
        while not (look := silence.seen(sleeping.pid)) or not look.is_stopped:
            pass
        found = Silence(sleeping.pid, 1.0)
        assert not any(found.is_too_long() for _ in range(3 * LOOKS * WORKING))
    finally:
        sleeping.kill()
        sleeping.wait()


@pytest.mark.parametrize("how", ["back-to-back", "gap=1500ms", "poisson=2/s"])
def test_pauses_between_calls_are_no_silence(how: str) -> None:
    own = Arrival.parse(how)
    found = worker_process._silence_of({"device": {"kind": "cuda", "stall_s": 600.0}, "arrival": own.to_dict()}, 1)
    assert found is not None
    assert found.look_s * LOOKS == pytest.approx(600.0 + own.longest_s)
