"""What a command does where its streams are closed, full, or cannot encode what is printed."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hwcost.cli import main
from hwcost.cli.main import invoke

SHOW = [sys.executable, "-m", "hwcost", "spaces", "show", "supershaper"]


@pytest.mark.skipif(os.name != "posix", reason="file descriptors are those of POSIX")
@pytest.mark.parametrize("arguments", [SHOW[3:], ["devices", "list", "--json", "-"], ["measure", "--help"]], ids=" ".join)
def test_a_reader_that_goes_away_ends_a_command_without_an_error(arguments: list[str]) -> None:
    """Whether what is printed fits into a buffer, or is written while the command runs."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*SHOW[:3], *arguments], stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_full_disk_is_said_once() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(SHOW, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 5
    assert done.stderr.count("No space left on device") == 1
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="file descriptors are those of POSIX")
def test_a_closed_stdout_is_no_internal_error() -> None:
    done = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *SHOW], stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(os.name != "posix", reason="file descriptors are those of POSIX")
def test_a_closed_stdin_holds_nothing(tmp_path: Path) -> None:
    rows = "\n".join(f"{width},{width}" for width in range(1, 9))
    (tmp_path / "t.csv").write_text(f"width,latency_ms\n{rows}\n")
    how = ["--space", "table", "--model", "ridge", "--no-plot", "--out", str(tmp_path / "m")]
    assert invoke(["fit", str(tmp_path / "t.csv"), *how]) == 0
    command = [*SHOW[:3], "predict", str(tmp_path / "m"), "--file", "-"]
    done = subprocess.run(["sh", "-c", '"$@" <&-', "sh", *command], capture_output=True, text=True)
    assert done.returncode == 2
    assert "no architecture was given" in done.stderr


def test_what_a_terminal_cannot_encode_is_escaped(tmp_path: Path) -> None:
    rows = "\n".join(f"{layers},{width},{layers * width}" for layers in (1, 2, 3) for width in (8, 16, 24, 32))
    (tmp_path / "t.csv").write_text(f"layers,größe,latency_ms\n{rows}\n", encoding="utf-8")
    command = [*SHOW[:3], "evaluate", "t.csv", "--space", "table", "--model", "ridge", "--seeds", "1", "--json", "-"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "r2" in done.stdout


def test_ctrl_c_is_said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hwcost.cli.version.describe", interrupt)
    assert invoke(["version"]) == 130
    assert capsys.readouterr().err == "hwcost: interrupted\n"


def test_a_group_without_a_command_shows_its_help_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["devices"]) == 2
    out, err = capsys.readouterr()
    assert "probe" in out + err
    assert "hwcost:" not in err


@pytest.mark.parametrize(("number", "code"), [(errno.ENAMETOOLONG, 2), (errno.ENOSPC, 5), (errno.EACCES, 5)])
def test_what_the_system_refuses_is_said_with_the_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(number, os.strerror(number), "some-file")

    monkeypatch.setattr(main, "application", refuse)
    assert invoke(["version"]) == code
    assert capsys.readouterr().err.startswith(f"hwcost: 'some-file': {os.strerror(number)}.")


def test_a_result_is_shown_where_its_document_meets_a_full_disk(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("hwcost._io.write_text", full)
    assert invoke(["spaces", "list", "--json", str(tmp_path / "spaces.json")]) == 5
    out, err = capsys.readouterr()
    assert "supershaper" in out
    assert "No space left on device. Make room, or give --json another file, or -." in err
    monkeypatch.undo()
    assert invoke(["spaces", "list", "--json", str(tmp_path / "spaces.json")]) == 0
