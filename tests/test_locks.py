"""Locks between processes: who holds one, who lets go of it, and files that must not be trusted."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hwcost.agent import locks
from hwcost.agent.locks import CannotLockError, FileLock, described, machine_folder
from tests.conftest import PATIENCE_S

HOLD = """
import sys, time
from pathlib import Path
from hwcost.agent.locks import FileLock
lock = FileLock(Path(sys.argv[1]))
print(lock.acquire({"campaign": "c", "store": "s.db", "since": "today"}), flush=True)
time.sleep(600)
"""


def holding(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    return process


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_a_lock_names_its_holder_and_is_free_when_that_dies(tmp_path: Path, by: signal.Signals) -> None:
    path = tmp_path / "cpu.lock"
    process = holding(path)
    lock = FileLock(path)
    try:
        assert not lock.acquire({})
        assert described(lock.holder()) == f"process {process.pid} (campaign c in s.db) since today"
    finally:
        process.send_signal(by)
        process.wait(timeout=PATIENCE_S)
    assert lock.acquire({})
    assert lock.holder() == {"pid": os.getpid()}
    lock.release()
    lock.release()


def test_two_locks_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    one, other = FileLock(tmp_path / "a"), FileLock(tmp_path / "a")
    assert one.acquire({})
    assert not other.acquire({})
    one.release()
    assert other.acquire({})
    other.release()
    assert (tmp_path / "a").exists()


def test_a_temporary_lock_leaves_nothing_behind_and_one_that_is_removed_is_made_again(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "a", is_temporary=True)
    assert lock.acquire({})
    lock.release()
    assert not (tmp_path / "a").exists()
    assert lock.acquire({})
    (tmp_path / "a").unlink()
    other = FileLock(tmp_path / "a")
    assert other.acquire({})
    other.release()
    lock.release()


def test_a_child_that_was_forked_does_not_keep_a_lock_that_was_let_go(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "a")
    assert lock.acquire({})
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(write)
            os.read(read, 1)  # lives on until the parent closes the pipe
        finally:
            os._exit(0)
    os.close(read)
    lock.release()
    assert FileLock(tmp_path / "a").acquire({})
    os.close(write)
    os.waitpid(child, 0)


def test_every_user_may_hold_a_lock_whatever_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        assert FileLock(tmp_path / "a").acquire({})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o666


def test_files_that_someone_prepared_are_not_written(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (tmp_path / "link").symlink_to(precious)
    os.link(precious, tmp_path / "second")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    for name in ("link", "second", "fifo", "folder", "no/such"):
        with pytest.raises(CannotLockError, match=name):
            FileLock(tmp_path / name).acquire({})
    assert precious.read_text() == "kept"


def test_what_a_holder_wrote_is_cleaned_before_it_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text(json.dumps({"pid": 7, "campaign": "\x1b[31mred\n" + "x" * 5000}))
    told = described(FileLock(path).holder())
    assert told.startswith("process 7 (campaign [31mredxxx")
    assert told.isprintable()
    assert len(told) < 400
    for text in ("", "[1]", "{", "\udcff"):
        path.write_bytes(text.encode(errors="surrogateescape"))
        assert described(FileLock(path).holder()) == "another process"


def test_the_folder_is_the_first_that_everyone_can_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HWCOST_LOCK_DIR")
    private, shared = tmp_path / "private", tmp_path / "shared"
    private.mkdir(mode=0o755)
    shared.mkdir()
    shared.chmod(0o1777)
    monkeypatch.setattr(locks, "SHARED_FOLDERS", (str(tmp_path / "none"), str(private), str(shared)))
    assert machine_folder() == shared
    monkeypatch.setattr(locks, "SHARED_FOLDERS", (str(private),))
    with pytest.raises(CannotLockError, match="HWCOST_LOCK_DIR may name a folder"):
        machine_folder()
    monkeypatch.setenv("HWCOST_LOCK_DIR", str(tmp_path / "own" / "locks"))
    assert machine_folder() == tmp_path / "own" / "locks"
    assert machine_folder().is_dir()
