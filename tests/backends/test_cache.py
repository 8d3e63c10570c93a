"""The cache of files that can be made again."""

from __future__ import annotations

import os

import pytest

from hwcost._io import write_atomically
from hwcost.backends.cache import cache_dir, prune
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


def test_what_was_used_longest_ago_goes_first(tmp_path) -> None:
    for age, name in enumerate(["new", "middle", "old"]):
        (tmp_path / name).write_bytes(b"x" * 10)
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    prune(tmp_path, limit_bytes=20)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["middle", "new"]
