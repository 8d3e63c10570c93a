"""Loading profiles: strict files, clear errors, the user's own folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwcost.devices import load, names
from hwcost.errors import DataError, UnknownNameError, UsageError

GOOD = """
name = "mine"
title = "My GPU"
kind = "cuda"
memory_bytes = 8_000_000_000

[match]
cuda = ["RTX 4090"]

[flops_per_s]
float32 = 82.6e12

[protocol]
batch_size = 1
seq_len = 128
dtype = "float32"
threads = 1

[sources]
memory_bytes = "box"
flops_per_s = "box"
protocol = "me"
"""


def write(folder: Path, text: str, name: str = "mine") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_loads_a_path(tmp_path: Path) -> None:
    profile = load(str(write(tmp_path, GOOD)))
    assert (profile.name, profile.memory_bytes, profile.power_w) == ("mine", 8_000_000_000, None)


def test_unknown_name_lists_names_and_says_what_to_do() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown device 'k8'.*Did you mean 'k80'.*tpu-v4i.*HWCOST_DEVICE_PATH"):
        load("k8")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("memory_bytes = 8_000", "memory_byte = 8_000", r"unknown key 'memory_byte'\. Known:.*memory_bytes"),
        ("= 8_000_000_000", '= "8 GB"', r"'memory_bytes' must be a positive whole number, got '8 GB'"),
        ("memory_bytes = 8_000_000_000", "memory_bytes = 0", r"must be a positive whole number, got 0.*left out"),
        ("memory_bytes = 8_000_000_000", "memory_bytes = true", r"must be a positive whole number, got True"),
        ("float32 = 82.6e12", "float32 = inf", r"'flops_per_s.float32' must be a positive number, got inf"),
        ("float32 = 82.6e12", "fp32 = 82.6e12", r"unknown key 'flops_per_s.fp32'.*float32"),
        ('flops_per_s = "box"', "", r"flops_per_s.float32 has no source"),
        ('memory_bytes = "box"', "", r"memory_bytes has no source"),
        ('protocol = "me"', "", r"protocol\.\w+ has no source"),
        ('protocol = "me"', 'protocol = "me"\npower_w = "box"', r"unknown key 'sources.power_w'"),
        ('kind = "cuda"', 'kind = "gpu"', r"kind is 'gpu'\. Known: cpu, cuda"),
        ('cuda = ["RTX 4090"]', "", r"match.cuda is missing"),
        ('cuda = ["RTX 4090"]', 'cuda = "RTX 4090"', r"'match.cuda' must be a list of texts"),
        ("threads = 1", "", r"\[protocol\] lacks what every profile states: threads is missing.*threads = 1"),
        ('dtype = "float32"', 'dtype = "fp32"', r"protocol.dtype is 'fp32'"),
        ('title = "My GPU"', "", r"title is missing. Expected at the top of the file"),
        ('name = "mine"', 'name = "yours"', r"its name is 'yours', expected 'mine'"),
        ('name = "mine"', "name = mine", r"not valid TOML"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, 1) if old != "threads = 1" else GOOD.replace("\nthreads = 1", ""))
    with pytest.raises(DataError, match=message):
        load(str(path))


def test_missing_and_binary_files_are_data_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        load(str(tmp_path / "none.toml"))
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not valid TOML"):
        load(str(tmp_path / "bad.toml"))


def test_folders_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, GOOD)
    monkeypatch.setenv("HWCOST_DEVICE_PATH", str(tmp_path))
    assert "mine" in names()
    assert "k80" in names()
    assert load("mine").title == "My GPU"


def test_two_files_with_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, GOOD, name="k80")
    monkeypatch.setenv("HWCOST_DEVICE_PATH", str(tmp_path))
    with pytest.raises(UsageError, match="two profiles are called 'k80'"):
        names()


def test_a_folder_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWCOST_DEVICE_PATH", str(tmp_path / "gone"))
    with pytest.raises(UsageError, match=r"HWCOST_DEVICE_PATH names .*gone"):
        names()


def test_a_profile_without_a_protocol_says_what_one_is(tmp_path: Path) -> None:
    head = 'name = "mine"\ntitle = "My box"\nkind = "cpu"\n[match]\ncpu = ["*"]\n'
    with pytest.raises(DataError) as told:
        load(str(write(tmp_path, head)))
    assert "the table [protocol] lacks what every profile states: batch_size, seq_len, threads and dtype are missing" in str(
        told.value
    )
    assert 'Expected batch_size = 1, seq_len = 128, dtype = "float32" and threads = 1' in str(told.value)


def test_peaks_that_are_no_table_say_how_one_is_written(tmp_path: Path) -> None:
    head = 'name = "mine"\ntitle = "My box"\nkind = "cpu"\nflops_per_s = 4e11\n'
    with pytest.raises(DataError, match=r"'flops_per_s' must be a table, with a line \[flops_per_s\]"):
        load(str(write(tmp_path, head)))
