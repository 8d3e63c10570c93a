"""CPUs of a campaign: whole cores, idle ones first, all or none of them, and what is said where they cannot be had."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from hwcost.agent import cgroups, processors
from hwcost.agent.locks import FileLock
from hwcost.agent.processors import Core
from hwcost.campaign.processes import cpus
from hwcost.campaign.processes.cpus import refuse_too_many, reserved
from hwcost.errors import BusyError, UsageError
from tests.conftest import PATIENCE_S
from tests.timing.trees import tree


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWCOST_LOCK_DIR", str(tmp_path / "locks"))
    monkeypatch.setattr(cpus, "sleep", lambda seconds: None)


def machine(
    monkeypatch: pytest.MonkeyPatch, *cores: Sequence[int], allowed: Sequence[int] = (), busy: Sequence[int] = ()
) -> None:
    """Makes a machine of these cores; the CPUs in ``busy`` do other work."""
    usable = sorted(allowed or [cpu for core in cores for cpu in core])
    found = [Core(tuple(cpu for cpu in core if cpu in usable), tuple(core)) for core in cores if set(core) & set(usable)]
    monkeypatch.setattr(processors, "allowed", lambda: usable)
    monkeypatch.setattr(processors, "cores", lambda cpus: found)
    monkeypatch.setattr(cpus, "_busy", lambda: {cpu: 1.0 if cpu in busy else 0.0 for core in cores for cpu in core})


def test_the_last_idle_core_is_taken_and_its_siblings_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch, (0, 4), (1, 5), (2, 6), (3, 7), busy=[3, 6])
    with reserved(1, {}) as one:
        assert one.cpus == (5,)
        assert one.is_exclusive
        assert one.flag is None
        assert not FileLock(tmp_path / "locks" / "hwcost-cpu-1.lock").acquire({})
        with reserved(1, {}) as two:
            assert two.cpus == (4,)
            with reserved(1, {}) as three:  # only busy ones are left
                assert three.cpus == (7,)
    with reserved(1, {}, wait_s=0) as again:
        assert again.cpus == (5,)


def test_of_a_hybrid_processor_the_quickest_kind_is_taken_whatever_is_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, (0, 1), (2, 3), (4,), (5,), busy=[2, 3])
    hybrid = [Core((0, 1), (0, 1)), Core((2, 3), (2, 3)), Core((4,), (4,), 1), Core((5,), (5,), 1)]
    monkeypatch.setattr(processors, "cores", lambda cpus: hybrid)
    with reserved(1, {}) as first, reserved(1, {}) as second:
        assert (first.cpus, second.cpus) == ((1,), (3,))
        with pytest.raises(BusyError, match="no CPU is free for 1 thread"):  # another one would have another latency
            reserved(1, {}, wait_s=0).__enter__()
    with reserved(3, {}) as all_kinds:
        assert all_kinds.cpus == (1, 3, 5)


def test_threads_have_cores_of_their_own_as_far_as_there_are_any(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, (0, 4), (1, 5), (2, 6), (3, 7))
    for threads, expected in [(2, (6, 7)), (4, (4, 5, 6, 7)), (6, (2, 3, 4, 5, 6, 7)), (8, tuple(range(8)))]:
        with reserved(threads, {}) as held:
            assert held.cpus == expected


def test_a_sibling_that_another_campaign_holds_keeps_a_core_from_being_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, (0, 1), allowed=[0])
    with reserved(1, {"campaign": "first"}) as first:
        assert first.cpus == (0,)
        machine(monkeypatch, (0, 1), allowed=[1])
        with pytest.raises(BusyError, match="no CPU is free for 1 thread.*CPU 0, 1 held by process .*campaign first"):
            reserved(1, {}, wait_s=0).__enter__()


def test_all_or_nothing_and_the_wait_says_who_holds_what(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, (0,), (1,))
    said: list[str] = []
    with reserved(1, {"campaign": "first", "store": "runs.db", "since": "noon"}) as first:
        assert first.cpus == (1,)
        with pytest.raises(BusyError, match="Wait longer with --wait") as caught:
            reserved(2, {}, wait_s=1e-9, waiting=said.append).__enter__()
        assert caught.value.exit_code == 3
        assert f"CPU 1 held by process {os.getpid()} (campaign first in runs.db) since noon" in str(caught.value)
        with reserved(1, {}, wait_s=0) as other:  # what it had got hold of was let go of
            assert other.cpus == (0,)
    with reserved(2, {}, wait_s=0) as both:
        assert both.cpus == (0, 1)


def test_waiting_ends_when_the_holder_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, (0,))
    first = reserved(1, {})
    first.__enter__()
    said: list[str] = []

    def wait(who: str) -> None:
        said.append(who)
        if len(said) == 3:
            first.__exit__(None, None, None)

    with reserved(1, {}, waiting=wait) as second:
        assert second.cpus == (0,)
    assert len(said) == 3
    assert "waiting up to 10 min" in said[0]


def test_a_killed_holder_frees_its_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import time; from hwcost.campaign.processes.cpus import reserved\n"
    script += "with reserved(1, {}) as held: print(held.cpus, flush=True); time.sleep(600)"
    if len(os.sched_getaffinity(0)) > 1:
        monkeypatch.setattr(processors, "allowed", lambda: sorted(os.sched_getaffinity(0))[-1:])
    last = max(os.sched_getaffinity(0))
    command = f"import os; os.sched_setaffinity(0, [{last}]); " + script
    process = subprocess.Popen([sys.executable, "-c", command], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == f"({last},)\n"
        with pytest.raises(BusyError, match=f"CPU .*{last}.* held by process {process.pid}"):
            reserved(1, {}, wait_s=0).__enter__()
    finally:
        process.kill()
        process.wait(timeout=PATIENCE_S)
    with reserved(1, {}, wait_s=0) as held:
        assert held.is_exclusive


def test_without_locks_it_goes_on_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, (0,), (1,))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HWCOST_LOCK_DIR", str(tmp_path / "file"))
    with reserved(1, {}, wait_s=0) as held:
        assert held.cpus == (1,)
        assert not held.is_exclusive
        assert held.flag is not None
        assert held.flag.code == "W_NOT_EXCLUSIVE"
        assert "CPU 1" in held.flag.text
        assert "HWCOST_LOCK_DIR" in held.flag.remedy


def test_a_lock_that_cannot_be_trusted_is_avoided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, (0,), (1,))
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "hwcost-cpu-1.lock").symlink_to(tmp_path / "elsewhere")
    with reserved(1, {}) as held:
        assert (held.cpus, held.is_exclusive) == ((0,), True)
        with reserved(1, {}) as other:
            assert (other.cpus, other.is_exclusive) == ((1,), False)
    assert not (tmp_path / "elsewhere").exists()


def test_more_threads_than_cpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "allowed", lambda: [1, 3])
    refuse_too_many(2)
    with pytest.raises(UsageError, match=r"3 threads need 3 CPUs, and this process may use 2 \(CPU 1, 3\)\. Give at most 2"):
        refuse_too_many(3)


def test_a_quota_below_the_threads_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "allowed", lambda: [0, 1, 2, 3])
    group = {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cgroup.procs": ""}
    root = tree(tmp_path, {**group, "sys/fs/cgroup/cpu.max": "150000 100000"})
    assert cgroups.quota_cpus(root) == 1.5
    refuse_too_many(1, root)
    with pytest.raises(UsageError, match="quota is that of 1.5.*Give at most 1 with --threads"):
        refuse_too_many(2, root)
    tree(tmp_path, {"sys/fs/cgroup/cpu.max": "50000 100000"})
    with pytest.raises(UsageError, match="quota is that of 0.5.*Lift the quota"):
        refuse_too_many(1, root)
