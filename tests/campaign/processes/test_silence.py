"""A process that never answers ends within a limit; one that is slow, stopped or suspended does not."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from hwcost.agent import processors
from hwcost.agent.silence import LOOKS, WORKING, Look
from hwcost.backends.null import Null
from hwcost.campaign.plans.plan import Plan, items
from hwcost.campaign.processes import fork_client, silence
from hwcost.campaign.processes.exports import export, job_of
from hwcost.campaign.processes.fork_client import ForkServer
from hwcost.campaign.processes.launch import Launch
from hwcost.campaign.processes.silence import Silence
from hwcost.campaign.processes.worker_process import WorkerProcess, WorkerStalledError
from hwcost.devices import DeviceHandle, device_kind, load, require
from hwcost.timing.processes.worker import Job
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload

WORKS = [SyntheticWorkload(f"w{i}", flops=int(1e8 * (1 + i))) for i in range(3)]
PREPARED = {"event": "prepared", "workload_key": "w", "position": 0}
DEFERRED = {"event": "deferred", "workload_key": "w"}
NOTHING = Look(is_stopped=False, is_running=False, cpu_s=0.0)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of the host that does nothing for two seconds counts as wedged."""
    monkeypatch.setattr(type(device_kind("cpu")), "stall_s", 2.0)


@contextmanager
def program(code: str) -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-c", f"print(flush=True)\n{code}"], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
    finally:
        process.kill()
        process.communicate()


class Says:
    """A worker with one workload in hand, which says some events and then nothing more."""

    current_fd = 0

    def __init__(self, *events: dict[str, object]) -> None:
        code = "".join(f"print({json.dumps(event)!r}, flush=True)\n" for event in events) + "import time; time.sleep(60)"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid, self.kill, self.wait = self._process.pid, self._process.kill, self._process.wait
        self.stdin, self.stdout = self._process.stdin, self._process.stdout

    def fork(self, launch: Launch) -> Says:
        os.pwrite(launch.current_fd, (0).to_bytes(8, "little"), 0)
        return self


def looks_until_too_long(
    monkeypatch: pytest.MonkeyPatch, look: Look, is_host: bool = True, is_preparing: bool = False
) -> int | None:
    """Returns after how many looks, each at the same, a process counts as wedged; None for never."""
    found, cpu_s = Silence(1, 600.0, is_host=is_host), 0.0
    for number in range(1, 1000):
        cpu_s += look.cpu_s
        monkeypatch.setattr(silence, "seen", lambda pid, used_s=cpu_s: look._replace(cpu_s=used_s))
        if found.is_too_long(is_preparing=is_preparing):
            assert found.seconds == pytest.approx(number * found.look_s)
            return number
    return None


def test_silence_counts_by_what_the_process_does(monkeypatch: pytest.MonkeyPatch) -> None:
    tenth = NOTHING._replace(cpu_s=3.0)  # of the 30 s between two looks
    assert looks_until_too_long(monkeypatch, NOTHING) == LOOKS
    assert looks_until_too_long(monkeypatch, NOTHING._replace(cpu_s=0.01)) == LOOKS
    assert looks_until_too_long(monkeypatch, tenth) == LOOKS * WORKING
    assert looks_until_too_long(monkeypatch, NOTHING._replace(is_running=True)) == LOOKS * WORKING
    assert looks_until_too_long(monkeypatch, tenth, is_host=False) == LOOKS
    assert looks_until_too_long(monkeypatch, tenth, is_host=False, is_preparing=True) == LOOKS * WORKING
    assert looks_until_too_long(monkeypatch, NOTHING, is_host=False, is_preparing=True) == LOOKS
    assert looks_until_too_long(monkeypatch, NOTHING._replace(is_stopped=True)) is None


@pytest.mark.parametrize("name", ["k80", "tpu-v5e"])
@pytest.mark.parametrize(("events", "limit"), [([], "2.00 s"), ([PREPARED], "200 ms"), ([PREPARED, DEFERRED], "2.00 s")])
def test_beside_a_device_a_process_that_computes_has_longer_as_long_as_it_prepares(
    events: list[dict[str, object]], limit: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may compile; once blocks are timed, it may ask a device that hangs over and over."""
    monkeypatch.setattr(type(device_kind(load(name).kind)), "stall_s", 0.2)
    monkeypatch.setattr(silence, "seen", lambda pid: NOTHING._replace(is_running=True))
    job = Job(
        backend="null", backend_options={}, threads=1, device=DeviceHandle(load(name)).to_dict(),
        protocol=protocol("quick").to_dict(), round=0, workloads=[], positions=[],
    )  # fmt: skip
    says = f"for {limit} .it computed all the same., and it was killed"
    with WorkerProcess(job, Says(*events)) as worker, pytest.raises(WorkerStalledError, match=says) as stalled:
        list(worker.events())
    assert stalled.value.position == 0


def test_a_word_and_progress_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "seen", lambda pid: NOTHING)
    found = Silence(1, 600.0)
    for mark in (None, 0, 7):
        assert not any(found.is_too_long(mark) for _ in range(LOOKS - 1))
        found.heard()
    assert [found.is_too_long(7) for _ in range(LOOKS)] == [False] * (LOOKS - 1) + [True]


@pytest.mark.parametrize(
    ("code", "is_running", "is_at_work"),
    [("import time; time.sleep(60)", False, False), ("while True: pass", True, True)],
)
def test_a_process_that_waits_is_told_from_one_that_computes(code: str, is_running: bool, is_at_work: bool) -> None:
    with program(code) as pid:
        while (look := silence.seen(pid)).is_running != is_running:
            pass
        assert not look.is_stopped
        found = Silence(pid, 1.0)
        found.is_too_long()
        while silence.seen(pid).cpu_s < look.cpu_s + 0.05 * is_at_work:
            pass
        found.is_too_long()
        assert found.is_at_work == is_at_work
    assert silence.seen(pid) == NOTHING


def test_a_process_that_is_stopped_is_not_wedged() -> None:
    with program("import time; time.sleep(60)") as pid:
        os.kill(pid, signal.SIGSTOP)
        while psutil.Process(pid).status() != psutil.STATUS_STOPPED:
            pass
        found = Silence(pid, 1.0)
        assert not any(found.is_too_long() for _ in range(3 * LOOKS))
        os.kill(pid, signal.SIGCONT)
        while psutil.Process(pid).status() == psutil.STATUS_STOPPED:
            pass
        assert any(found.is_too_long() for _ in range(WORKING * LOOKS))


def test_pauses_between_calls_are_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(device_kind("cpu")), "stall_s", 0.5)
    job = Job(
        backend="null", backend_options={"realtime": True}, threads=1, device=require("cpu").to_dict(),
        protocol=protocol("quick", arrival="gap=1500ms").to_dict(), round=0, workloads=[WORKS[0].as_dict()], positions=[0],
        passes=2,
    )  # fmt: skip
    with WorkerProcess(job) as worker:
        assert [event["event"] for event in worker.events()].count("pass") == 2


def test_a_warm_process_that_never_answers_is_given_up(soon: None, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def sleeps(*_: object, **__: object) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]))
        return started[-1]

    monkeypatch.setattr(fork_client, "program", sleeps)
    monkeypatch.setattr(fork_client, "CLOSING_S", 0.0)
    with tempfile.TemporaryFile() as file, ForkServer("null", "cpu") as server:
        launch = Launch(os.environ, file.fileno(), file.fileno())
        assert server.fork(launch) is None
        assert server.fork(launch) is None
    assert [one.returncode for one in started] == [-signal.SIGKILL]


def test_a_warm_process_that_ended_has_answered(soon: None) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.close()
    with ours:
        assert fork_client._answers(ours, os.getpid())


def test_an_export_that_never_ends_is_left_to_the_process_that_measures(
    soon: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HWCOST_CACHE_DIR", str(tmp_path))
    before = set(psutil.Process().children(recursive=True))
    plan = Plan(tuple(items(WORKS)), "cpu", "null", protocol("quick"), {"export_s": 3600.0})
    export(job_of(plan, processors.allowed()[:1]), WORKS)
    assert "nothing was heard of an exporting process for 2." in caplog.text
    assert all(Null(options={"export_s": 3600.0}).needs_export(work) for work in WORKS)
    assert set(psutil.Process().children(recursive=True)) <= before
