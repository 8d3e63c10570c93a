"""Workers that are forked from a warm process are like those that are spawned, and leave as little behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from hwcost.backends import BACKENDS
from hwcost.campaign.processes.fork_client import Forked, ForkServer, answer, is_forked
from hwcost.campaign.processes.worker_process import WorkerDiedError, WorkerProcess
from hwcost.devices import require
from hwcost.spaces import Component, space
from hwcost.testing.backends import small_workload
from hwcost.timing.processes import fork_server as warm
from hwcost.timing.processes.worker import Job
from hwcost.timing.protocol import protocol
from hwcost.workloads import ComponentWorkload, SyntheticWorkload, Workload
from tests.conftest import PATIENCE_S

WORKS = [SyntheticWorkload(f"w{i}", flops=int(1e9 * (1 + i))) for i in range(4)]
REAL = {"seconds", "begun_s", "elapsed_s", "conditions", "prepare_s", "process_age_s"}
"""Entries of events that real time and the machine's counters decide."""

Event = dict[str, Any]


def job_of(backend: str = "null", works: list[Workload] | None = None, threads: int = 1, **options: Any) -> Job:
    chosen = works or WORKS
    return Job(
        backend=backend,
        backend_options=options,
        threads=threads,
        device=require("cpu").to_dict(),
        protocol=protocol("standard", rounds=1).to_dict(),
        round=0,
        workloads=[work.as_dict() for work in chosen],
        positions=list(range(len(chosen))),
        passes=3,
    )


def events_of(job: Job, server: ForkServer | None) -> list[Event]:
    with WorkerProcess(job, server) as worker:
        return list(worker.events())


def steady(events: list[Event]) -> list[Event]:
    return [{name: value for name, value in event.items() if name not in REAL} for event in events]


@pytest.fixture
def server() -> Iterator[ForkServer]:
    before = set(psutil.Process().children(recursive=True))
    with ForkServer("null", "cpu") as made:
        yield made
    assert set(psutil.Process().children(recursive=True)) <= before


def below() -> dict[str, list[psutil.Process]]:
    """Returns the warm processes and the workers below them."""
    found: dict[str, list[psutil.Process]] = {"servers": [], "workers": []}
    for one in psutil.Process().children():
        if "hwcost.timing.processes.fork_server" in one.cmdline():
            found["servers"].append(one)
            found["workers"] += [child for child in one.children() if child.status() != psutil.STATUS_ZOMBIE]
    return found


@pytest.mark.parametrize("threads", [1, 2])
def test_a_forked_worker_reports_what_a_spawned_one_does(server: ForkServer, threads: int) -> None:
    job = job_of(threads=threads, process_noise=0.01)
    spawned, first, second = (events_of(job, one) for one in (None, server, server))
    assert len(below()["servers"]) == 1
    assert steady(first) == steady(second) == steady(spawned)


@pytest.mark.parametrize("is_server", [False, True])
def test_a_killed_worker_is_a_death_at_its_position_and_the_next_one_works(server: ForkServer, is_server: bool) -> None:
    with WorkerProcess(job_of(realtime=True), server) as worker:
        events = worker.events()
        assert [next(events)["event"] for _ in range(6)][-1] == "pass"
        found = below()
        (killed,) = found["servers" if is_server else "workers"]
        killed.kill()
        with pytest.raises(WorkerDiedError) as died:
            list(events)
    assert (died.value.returncode, died.value.position in range(4)) == (-signal.SIGKILL, True)
    assert steady(events_of(job_of(), server)) == steady(events_of(job_of(), None))
    assert is_server or below()["servers"] == found["servers"]


def test_a_crash_has_its_status_and_what_it_said(server: ForkServer) -> None:
    broken = job_of()
    broken.positions.pop()
    for one in (None, server):
        with pytest.raises(WorkerDiedError, match=r"ended with status 1\.(?s:.*)ValueError: zip") as died:
            events_of(broken, one)
        assert (died.value.returncode, died.value.position) == (1, None)


def test_an_error_of_the_worker_is_raised_here(server: ForkServer) -> None:
    for one in (None, server):
        with pytest.raises(Exception, match="has no option 'no_such'|'no_such'") as raised:
            events_of(job_of(no_such=1), one)
        assert type(raised.value).__name__ == "UsageError"


def test_a_worker_that_is_left_is_killed(server: ForkServer) -> None:
    with WorkerProcess(job_of(realtime=True), server) as worker:
        assert next(worker.events())["event"] == "environment"
        (running,) = below()["workers"]
    assert not running.is_running() or running.status() == psutil.STATUS_ZOMBIE


KILLED = """
import sys
from tests.campaign.processes.test_fork_server import ForkServer, WorkerProcess, job_of
with ForkServer("null", "cpu") as server, WorkerProcess(job_of(realtime=True, overhead_s=0.2), server) as worker:
    for event in worker.events():
        print(event["event"], flush=True)
"""


def test_nothing_outlives_a_campaign_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"environment\n"
        started = psutil.Process(parent.pid).children(recursive=True)
        parent.kill()
    assert len(started) == 2
    assert not psutil.wait_procs(started, timeout=PATIENCE_S)[1]


def test_a_process_that_has_threads_is_not_forked() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    asked = warm.ForkServer(theirs)
    asked._threads = 0
    with tempfile.TemporaryFile() as file:
        socket.send_fds(ours, [b"w"], [os.dup(file.fileno())])
    ours.shutdown(socket.SHUT_WR)
    asked.serve()
    assert "threads were started by imports" in answer(ours)["refused"]


def test_only_what_declares_it_itself_is_forked_and_only_on_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_forked("torch", "cpu") == is_forked("null", "cpu") == (sys.platform == "linux")
    assert not is_forked("torch", "cuda")
    torch = BACKENDS.load("torch")
    monkeypatch.setattr(BACKENDS, "load", lambda name: type("Own", (torch,), {}))
    assert not is_forked("torch", "cpu")


def test_a_number_is_sent_no_signal_once_it_may_be_another_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, how: killed.append(pid))
    for pid, said in ((7, b'{"returncode": 0}'), (8, b"")):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs, open(os.devnull, "w+") as pipe:
            worker = Forked(pid, 3, ours, pipe, pipe)
            worker.kill()
            assert killed == [pid]
            if said:
                theirs.send(said)  # it has ended
                worker.kill()
            theirs.close()  # the warm process has
            worker.kill()
            assert killed == [pid]
            assert worker.wait() == (0 if said else -signal.SIGKILL)
        killed.clear()


LAYOUT = """
import ctypes, mmap, os
from hwcost.timing.processes.layout import with_new_layout

def places():
    large, heap, small = mmap.mmap(-1, 1 << 22, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS), bytearray(3000), bytes(40)
    address = lambda one: ctypes.addressof(ctypes.c_char.from_buffer(one))
    return [address(large), address(heap), id(small)]

for how in (lambda run: run(), with_new_layout):
    for _ in range(8):
        if not os.fork():
            print(*how(places), flush=True)
            os._exit(0)
        os.wait()
"""


def test_forks_share_their_layout_until_it_is_drawn_anew() -> None:
    said = subprocess.run([sys.executable, "-c", LAYOUT], capture_output=True, text=True, check=True).stdout
    found = [line.split() for line in said.splitlines()]
    assert [len(set(places)) for places in zip(*found[:8], strict=True)] == [1, 1, 1]
    assert min(len(set(places)) for places in zip(*found[8:], strict=True)) > 4


SLOW_BACKEND = pytest.param("torch-compile", marks=pytest.mark.slow)


@pytest.mark.parametrize("backend", ["torch", "onnxruntime", "openvino", SLOW_BACKEND])
def test_forked_runtimes_compute_and_say_what_spawned_ones_do(backend: str) -> None:
    """ONNX Runtime and OpenVINO compare their own outputs with eager torch's; several threads are used."""
    if not BACKENDS.load(backend).availability()[0]:
        pytest.skip(f"{backend} is not installed")
    works: list[Workload] = [small_workload()]
    works += [ComponentWorkload.of(space("supershaper"), Component("layer", (("hidden", 240),)), seq_len=8)]
    job = job_of(backend, works, threads=2)
    with ForkServer(backend, "cpu") as server:
        forked = events_of(job, server)
        assert len(below()["servers"]) == 1
    spawned = events_of(job, None)
    assert [event["event"] for event in forked if event["event"] == "visit"] == []
    for kind, names in (("environment", forked[0].keys() - {"event"}), ("prepared", {"facts", "name"})):
        one, other = ([event for event in events if event["event"] == kind] for events in (forked, spawned))
        assert [[event[name] for name in names] for event in one] == [[event[name] for name in names] for event in other]
    blocks = [block for event in forked if event["event"] == "pass" for block in event["blocks"]]
    assert {block["workload_key"] for block in blocks} == {work.key for work in works}
