"""Systems and containers that bind no process to CPUs, or have no room for temporary files: campaigns go on, or say why."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import pytest

from hwcost import errors
from hwcost.agent import cores as of_runner
from hwcost.agent import machine as machine_of_runner
from hwcost.agent import processors
from hwcost.agent import sweep as sweep_of_runner
from hwcost.agent.counters import clock_reader
from hwcost.agent.worker_process import NOT_BEGUN, in_hand
from hwcost.backends import sweep
from hwcost.campaign.processes import cpus
from hwcost.campaign.processes.cpus import reserved
from hwcost.campaign.processes.launch import temporary_file
from hwcost.facts import Process, of_moment
from hwcost.timing.processes.exporter import ExportJob, backend_of


@pytest.fixture(params=["macOS", "refused"])
def unbound(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Makes a system without affinity, or a container that refuses it; returns what it says."""
    if request.param == "macOS":
        monkeypatch.setattr(sys, "platform", "darwin")
        for name in ("sched_setaffinity", "sched_getaffinity"):
            monkeypatch.delattr(os, name, raising=False)
        return "darwin binds no process to CPUs"

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setaffinity", refuse, raising=False)
    return "the system refuses to bind a process to CPUs: Operation not permitted"


def test_cpus_are_held_and_a_flag_says_that_nothing_is_bound_to_them(
    unbound: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HWCOST_LOCK_DIR", str(tmp_path))
    monkeypatch.setattr(cpus, "_busy", dict)
    with reserved(1, {}) as found:
        assert len(found.cpus) == 1
        assert not found.is_exclusive
        assert found.flag is not None
        assert found.flag.code == "W_NOT_EXCLUSIVE"
        assert f"processes were not bound to CPU {found.cpus[0]}, and may have moved" in found.flag.text
        assert unbound in found.flag.text
        assert "no lock" not in found.flag.text
    with of_runner.Cores(1, 0, print) as held:
        assert len(held.cpus) == 1
        assert not held.is_exclusive


def test_processes_go_on_where_they_are(unbound: str) -> None:
    assert processors.bind([0]) == unbound
    assert processors.allowed()
    assert backend_of(ExportJob("null", {}, 1, False, cpus=[0])).name == "null"
    clock_reader()()
    affinity = next(fact for fact in of_moment("process") if fact.name == "cpu_affinity").find(Process())
    assert affinity == machine_of_runner._settings("/")["cpu_affinity"]
    assert affinity is None or "refuses" in unbound


@pytest.mark.parametrize("module", [sweep, sweep_of_runner])
def test_caches_of_several_cpus_are_not_said_to_be_empty(
    module: ModuleType, unbound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processors, "allowed", lambda: [2, 4])
    assert not module.empty_host_caches(1 << 20)
    monkeypatch.setattr(processors, "allowed", lambda: [2])
    assert module.empty_host_caches(1 << 20)


FILTER = """
import ctypes, os, struct
NUMBER = {number}
code = [(0x20, 0, 0, 0), (0x15, 0, 1, NUMBER), (0x06, 0, 0, 0x00050000 | 1), (0x06, 0, 0, 0x7FFF0000)]
program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in code))
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]
libc = ctypes.CDLL(None, use_errno=True)
filled = Program(len(code), ctypes.addressof(program))
assert not libc.prctl(38, 1, 0, 0, 0) and not libc.prctl(22, 2, ctypes.byref(filled), 0, 0), ctypes.get_errno()
from hwcost.campaign.processes import cpus
cpus.LOOK_S = 0.0
with cpus.reserved(1, {{}}) as found:
    print(found.flag)
"""
"""A program whose seccomp filter refuses ``sched_setaffinity`` with EPERM, as those of some containers do."""


@pytest.mark.skipif(sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"), reason="numbers of Linux")
def test_a_seccomp_filter_that_refuses_affinity(tmp_path: Path) -> None:
    program = FILTER.format(number=203 if platform.machine() == "x86_64" else 122)
    environment = {**os.environ, "HWCOST_LOCK_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(map(str, sys.path))}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    if "AssertionError" in done.stderr:
        pytest.skip("no seccomp filter can be set here")
    assert done.returncode == 0, done.stderr
    assert "refuses to bind a process to CPUs: Operation not permitted" in done.stdout


def test_the_place_of_the_workload_in_hand_is_taken_at_once() -> None:
    with temporary_file(NOT_BEGUN) as file:
        assert in_hand(file.fileno()) is None
        os.pwrite(file.fileno(), (7).to_bytes(8, "little"), 0)
        assert in_hand(file.fileno()) == 7


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a file on a full disk")
def test_a_full_disk_is_told_before_anything_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: open("/dev/full", "r+b", buffering=0))  # noqa: SIM115
    with pytest.raises(errors.StoreError, match="No space left on device. Make room, or name another folder in TMPDIR"):
        temporary_file(NOT_BEGUN)


def test_no_folder_for_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with pytest.raises(errors.StoreError, match="no temporary file can be written"):
        temporary_file()
