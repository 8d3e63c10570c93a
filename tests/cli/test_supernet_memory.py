"""``hwcost supernet train --dry-run``: memory of a training by its number of processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from hwcost.cli.main import invoke
from hwcost.supernets import memory_check

pytestmark = pytest.mark.torch

SPACE = "transformer:layers=[1,2],hidden=[16,32],heads=[2],ffn_ratio=[2],vocabulary=128,positions=64"


@pytest.fixture
def planned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*more: str) -> dict[str, Any]:
        command = ["supernet", "train", SPACE, "--out", str(tmp_path / "run"), "--batch-size", "64", "--recipe", "mini"]
        assert invoke([*command, "--dry-run", *more, "--json", "-"]) == 0
        assert not (tmp_path / "run").exists()
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return run


def test_processes_divide_activations_and_nothing_else(planned: Any) -> None:
    two, halves = planned("--processes", "2"), planned("--accumulate", "2")
    assert two["micro_batch"] == halves["micro_batch"] == 32
    assert two["activations_bytes"] == pytest.approx(halves["activations_bytes"], rel=0.15)
    one = planned()
    assert two["activations_bytes"] == pytest.approx(one["activations_bytes"] / 2, rel=0.1)
    assert all(two[name] == one[name] for name in ("parameters_bytes", "optimizer_bytes"))
    assert two["exchanged_bytes"] == one["optimizer_bytes"] // 2


def test_what_does_not_fit_is_told_with_what_would(planned: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = planned(), planned("--processes", "2")
    monkeypatch.setattr(memory_check, "available_bytes", lambda device: two["memory_bytes"])
    assert planned()["processes_needed"] == 2
    assert planned()["accumulate"] > 1
    monkeypatch.setattr(memory_check, "available_bytes", lambda device: one["memory_bytes"])
    assert (planned()["processes_needed"], planned()["accumulate"]) == (1, 1)


def test_what_does_not_fit_is_refused(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no number of micro batches brings down is told so; a training that has begun goes on."""
    for number in range(10):
        (tmp_path / f"{number}.txt").write_text("\n".join(f"Line {line} of document {number}." for line in range(60)))
    command = ["supernet", "train", SPACE, "--out", str(tmp_path / "run"), "--recipe", "smoke", "--corpus", str(tmp_path)]
    monkeypatch.setattr(memory_check, "available_bytes", lambda device: 1000)
    assert invoke(command) == 2
    said = capsys.readouterr().err
    assert "does not fit into the 1.00 kB" in said
    assert "one sequence at a time still takes" in said
    assert "every process holds all parameters, gradients and moments" in said
    assert not (tmp_path / "run").exists()
    assert invoke([*command, "--no-memory-check"]) == 0
    assert invoke(command) == 0


def test_processes_of_one_host_share_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = memory_check.available_bytes("cpu")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert whole
    assert memory_check.available_bytes("cpu") == pytest.approx(whole / 4, rel=0.2)


def test_wrong_numbers_of_processes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["supernet", "train", SPACE, "--recipe", "smoke", "--out", str(tmp_path / "run"), "--processes", "9"]
    assert invoke(command) == 2
    assert "--processes goes with --dry-run" in capsys.readouterr().err
    assert invoke([*command, "--dry-run"]) == 2
    assert "a batch of 4 sequences cannot be divided among 9 processes" in capsys.readouterr().err
