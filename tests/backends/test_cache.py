"""The cache of files that can be made again."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from hwcost._io import write_atomically
from hwcost.backends.cache import RECENT_S, cache_dir, mark_used, prune
from hwcost.errors import StoreError


def test_the_environment_says_where_caches_lie(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HWCOST_CACHE_DIR", str(tmp_path / "new"))
    assert cache_dir("onnx") == tmp_path / "new" / "onnx"
    assert cache_dir("onnx").is_dir()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HWCOST_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(StoreError, match="cannot make the cache folder.*Set HWCOST_CACHE_DIR"):
        cache_dir("onnx")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path) -> None:
    path = tmp_path / "a.onnx"
    write_atomically(path, lambda new: new.write_text("old"))

    def fail(new):
        new.write_text("half")
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        write_atomically(path, fail)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.onnx", "old")]


def aged(folder, ages: dict[str, float]) -> None:
    """Writes files of ten bytes, each used so many seconds before the latest."""
    for name, age in ages.items():
        (folder / name).write_bytes(b"x" * 10)
        os.utime(folder / name, (1_000_000 - age, 1_000_000 - age))


def test_a_file_that_another_process_deleted_is_not_made_anew(tmp_path) -> None:
    aged(tmp_path, {"here": 0})
    mark_used(tmp_path / "here")
    mark_used(tmp_path / "gone")
    assert names(tmp_path) == ["here"]
    assert (tmp_path / "here").stat().st_mtime > 1_000_000


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_used_longest_ago_goes_first(tmp_path) -> None:
    aged(tmp_path, {"new": 0, "middle": 2 * RECENT_S, "old": 3 * RECENT_S})
    prune(tmp_path, limit_bytes=20)
    assert names(tmp_path) == ["middle", "new"]


@pytest.mark.parametrize(("free", "left"), [(0.5, ["fourth", "new", "third"]), (0.01, ["new", "third"])])
def test_what_is_in_use_stays_while_the_disk_has_room(tmp_path, monkeypatch, free, left) -> None:
    aged(tmp_path, {"new": 0, "third": 1, "fourth": RECENT_S / 2, "old": 2 * RECENT_S})
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(total=1000, free=1000 * free))
    prune(tmp_path, limit_bytes=20)
    assert names(tmp_path) == left
