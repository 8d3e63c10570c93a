"""A job folder is run by a Python without hwcost, resumed after a kill, and imported with the trust of a campaign here."""

from __future__ import annotations

import fcntl
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

import hwcost as hc
from hwcost.agent import errors, results
from hwcost.elsewhere import JobFolder, import_results
from hwcost.errors import BusyError, DataError, UsageError
from hwcost.stores import open_store
from tests.conftest import PATIENCE_S
from tests.elsewhere.jobs import WORKS, events, job, run


def test_what_was_run_there_is_measured_here(tmp_path: Path) -> None:
    folder = job(tmp_path / "job")
    done = run(folder, "--quiet")
    assert done.returncode == 0, done.stderr
    with open_store(str(tmp_path / "a.db")) as store:
        found = import_results(folder.path, store)
        assert (found.records, found.known_records, found.is_complete) == (2 * len(WORKS), 0, True)
        for one in found.result.measurements:
            law_s = one.visits[0].facts["law_s"]
            assert one.half_width is not None
            assert abs(math.log((one.latency_s or 0) / law_s)) <= 0.01
        record = next(store.records())
        assert record.environment.tool["hwcost_version"] == hc.__version__
        assert record.environment.device["device_key"]
        again = import_results(folder.results, store)
        assert (again.records, again.known_records) == (0, 2 * len(WORKS))
        assert store.count() == 2 * len(WORKS)
    assert hc.audit(str(tmp_path / "a.db")).verdict in ("clean", "not audited")


def test_a_second_job_is_compared_with_the_first(tmp_path: Path) -> None:
    folders = [job(tmp_path / name) for name in ("first", "second")]
    assert all(run(folder, "--quiet").returncode == 0 for folder in folders)
    with open_store(str(tmp_path / "a.db")) as store:
        first, second = (import_results(folder.path, store) for folder in folders)
    assert first.result.former is None
    former = second.result.former
    assert former is not None
    assert former.workloads == len(WORKS)
    assert [one.campaign_id for one in former.campaigns] == [first.campaign_id]
    assert ("W_OTHER_LEVEL" in [flag.code for flag in second.result.flags]) == former.is_other


def test_running_again_repeats_nothing(tmp_path: Path) -> None:
    folder = job(tmp_path / "job")
    run(folder, "--quiet")
    before = folder.results.read_bytes()
    assert run(folder, "--quiet").returncode == 0
    assert folder.results.read_bytes() == before


@pytest.mark.parametrize("is_parent", [True, False], ids=["parent", "worker"])
def test_a_kill_loses_at_most_the_last_pass(tmp_path: Path, is_parent: bool) -> None:
    folder = job(tmp_path / "job", backend_options={"realtime": "true"})
    process = subprocess.Popen([sys.executable, str(folder.path / "run.py"), "--quiet"], stderr=subprocess.DEVNULL)
    _wait_for_passes(folder, 2)
    kept = folder.results.read_bytes()
    os.kill(process.pid if is_parent else psutil.Process(process.pid).children()[0].pid, signal.SIGKILL)
    if is_parent:
        process.wait()
        with folder.results.open("ab") as file:
            file.write(b'{"n": 99, "cut sh')
        assert run(folder, "--quiet", "--wait", str(PATIENCE_S)).returncode == 0
    else:
        assert process.wait(timeout=PATIENCE_S) == 0
    assert folder.results.read_bytes().startswith(kept[: kept.rfind(b"\n") + 1])
    timed: Counter[tuple[int, str]] = Counter()
    number = -1
    for event in events(folder):
        number = event["round"] if event["event"] == "environment" else number
        timed.update((number, key) for key in {
            block["workload_key"] for block in event.get("blocks", ()) if block["role"] == "timed" and block["pass"] == 1
        })  # fmt: skip
    assert set(timed.values()) == {1}, "a workload was measured twice in a round"
    with open_store(str(tmp_path / "a.db")) as store:
        assert import_results(folder.path, store).records == 2 * len(WORKS)


def test_a_workload_that_fails_leaves_the_others(tmp_path: Path) -> None:
    folder = job(tmp_path / "job", backend_options={"fail": "w3"})
    assert run(folder, "--quiet").returncode == 0
    with open_store(str(tmp_path / "a.db")) as store:
        found = import_results(folder.path, store).result.measurements
    failed = [one for one in found if one.status == "failed"]
    assert [one.workload.name for one in failed] == ["w3"]
    assert "as option 'fail' asks for" in str(failed[0].flags[0])


def test_only_one_process_runs_a_job_and_it_can_be_stopped(tmp_path: Path) -> None:
    folder = job(tmp_path / "job", backend_options={"realtime": "true"})
    process = subprocess.Popen([sys.executable, str(folder.path / "run.py"), "--quiet"], stderr=subprocess.DEVNULL)
    _wait_for_passes(folder, 1)
    second = run(folder, "--wait", "0")
    assert (second.returncode, "another process runs this job" in second.stderr) == (3, True)
    assert run(folder, "--stop").returncode == 0
    assert process.wait(timeout=PATIENCE_S) == 130


def test_a_device_that_is_not_there_is_an_absent_device(tmp_path: Path) -> None:
    folder = job(tmp_path / "job", device="raspberry-pi-4")
    done = run(folder)
    assert done.returncode == 3
    assert "error: device 'raspberry-pi-4' is not here. Here:" in done.stderr


def test_calls_with_pauses_are_timed_alone(tmp_path: Path) -> None:
    folder = job(tmp_path / "job", arrival="gap=10ms", blocks=5)
    assert run(folder, "--quiet").returncode == 0
    with open_store(str(tmp_path / "a.db")) as store:
        assert import_results(folder.path, store).records == 2 * len(WORKS)
        assert next(store.records()).visit.conditions["arrival"]["idle_s"] == pytest.approx(0.01, rel=0.01)


def test_a_process_under_way_is_left_for_later(tmp_path: Path) -> None:
    folder = job(tmp_path / "job")
    run(folder, "--quiet")
    whole = folder.results.read_bytes()
    lines = whole.splitlines(keepends=True)
    second = [i for i, line in enumerate(lines) if b'"event": "environment"' in line][1]
    folder.results.write_bytes(b"".join(lines[: second + 4]) + b'{"n": 1')
    with open_store(str(tmp_path / "a.db")) as store:
        found = import_results(folder.path, store)
        assert (found.records, found.is_complete, len(found.remarks)) == (len(WORKS), False, 2)
        folder.results.write_bytes(whole)
        assert import_results(folder.path, store).records == len(WORKS)


def test_a_full_disk_loses_nothing_and_the_run_goes_on(tmp_path: Path) -> None:
    folder = job(tmp_path / "job")
    limited = f"ulimit -f 8; exec '{sys.executable}' '{folder.path / 'run.py'}'"  # files of 8 blocks at most
    full = subprocess.run(["bash", "-c", limited], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert full.returncode == 5
    assert "What was measured is kept; run it again to resume it" in full.stderr
    assert "Traceback" not in full.stderr
    assert run(folder).returncode == 0
    with open_store(tmp_path / "a.db") as store:
        import_results(folder.path, store)
        assert Counter(record.visit.round for record in store.records()) == {0: 5, 1: 5}


def test_a_damaged_folder_is_told(tmp_path: Path) -> None:
    folder = job(tmp_path / "job")
    (folder.path / "job.json").write_text("{", encoding="utf-8")
    said = run(folder)
    assert (said.returncode, "job.json is damaged" in said.stderr, "Traceback" in said.stderr) == (2, True, False)


def test_damaged_results_are_told_and_kept(tmp_path: Path) -> None:
    folder = job(tmp_path / "job")
    folder.results.write_bytes(b'{"n": 0, "campaign_id"\n\0\0\0\0\n')
    said = run(folder)
    assert (said.returncode, "Traceback" in said.stderr) == (2, False)
    assert "line 1 of results.jsonl is damaged" in said.stderr
    assert folder.results.read_bytes().startswith(b'{"n": 0')


def test_a_process_that_dies_before_its_first_workload_ends_the_run(tmp_path: Path) -> None:
    folder = job(tmp_path / "job")
    with (folder.path / "hwcost_agent" / "null_runtime.py").open("a", encoding="utf-8") as file:
        file.write("\nimport os\nos.abort()\n")
    said = run(folder)
    assert (said.returncode, "Traceback" in said.stderr) == (5, False)
    assert "error: the measuring process was killed by signal 6" in said.stderr


@pytest.mark.parametrize(
    ("holder", "why"), [("1 boot/container", "runs on another machine"), ("", "does not say which one")]
)
def test_no_process_of_another_machine_is_ended(
    holder: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "PID_S", 0.0)
    monkeypatch.setattr(os, "kill", lambda *given: pytest.fail("a process was ended"))
    with (tmp_path / results.LOCK).open("w", encoding="utf-8") as file:
        file.write(holder)
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(errors.DeviceError, match=why):
            results.stop(str(tmp_path))


@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_that_cannot_be_filled_is_left_as_it_was(
    is_there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: object) -> None:
        raise UsageError("this workload cannot be described")

    monkeypatch.setattr("hwcost.elsewhere.folder._common", fail)
    if is_there:
        (tmp_path / "job").mkdir()
    with pytest.raises(UsageError, match="cannot be described"):
        job(tmp_path / "job")
    assert [*tmp_path.rglob("*")] == ([tmp_path / "job"] if is_there else [])


def test_a_folder_with_something_in_it_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "mine").write_text("x", encoding="utf-8")
    with pytest.raises(UsageError, match="holds something already"):
        job(tmp_path / "job")


def test_a_backend_without_a_runner_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no runtime for backend 'openvino'. Known: null, onnxruntime, torch"):
        job(tmp_path / "job", backend="openvino")


def test_a_campaign_that_is_held_is_busy(tmp_path: Path) -> None:
    folder = job(tmp_path / "job")
    run(folder, "--quiet")
    campaign_id = json.loads((folder.path / "job.json").read_text(encoding="utf-8"))["campaign"]["campaign_id"]
    url = str(tmp_path / "a.db")
    with open_store(url) as store:
        import_results(folder.path, store)
        with store.held(campaign_id), open_store(url) as other, pytest.raises((BusyError, DataError)):
            import_results(folder.path, other)


def _wait_for_passes(folder: JobFolder, number: int) -> None:
    for _ in range(PATIENCE_S * 20):
        if folder.results.exists() and folder.results.read_bytes().count(b'"event": "pass"') >= number:
            return
        time.sleep(0.05)
    raise AssertionError("the job did not begin")
