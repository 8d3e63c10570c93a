"""``hwcost pipeline`` as a user meets it, on a pipeline that trains nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")

from hwcost.cli.main import invoke
from hwcost.testing.plugins import registered
from tests.systems.test_base import Counting


@pytest.fixture(autouse=True)
def _counting() -> Iterator[None]:
    with registered("hwcost.systems", {"counting": "tests.systems.test_base:Counting"}):
        yield


def command(out: Path, *more: str) -> list[str]:
    return ["pipeline", "counting", "--preset", "small", "--backend", "null", "--out", str(out), *more]


def test_a_run_ends_in_verdicts_and_a_page(tmp_path, capsys) -> None:
    assert invoke(command(tmp_path / "run")) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[:3] == ["A pipeline that counts", "  yes  the sum is that of squares", "       30"]
    assert out.splitlines()[-1] == f"report: {tmp_path / 'run' / 'report.html'}"
    assert "stage 2 of 3, times: measuring" in err
    page = (tmp_path / "run" / "report.html").read_text()
    assert "<strong>Yes:</strong> the sum is that of squares." in page


def test_the_same_command_reads_what_is_there(tmp_path, capsys) -> None:
    assert invoke(command(tmp_path / "run", "-q")) == 0
    capsys.readouterr()
    assert invoke(command(tmp_path / "run", "--json", "-")) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert (found["pipeline"], found["stages"]["sum"]["sum"]) == ("counting", 30)
    assert "begins" not in err


@pytest.mark.parametrize("where", ["add", "claims"])
def test_ctrl_c_is_130_and_says_how_to_go_on(tmp_path, capsys, monkeypatch, where) -> None:
    def interrupted(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Counting, where, interrupted)
        assert invoke(command(tmp_path / "run")) == 130
    assert "interrupted in stage 3 of 3, sum; " in capsys.readouterr().err
    assert invoke(command(tmp_path / "run")) == 0
    assert "squares: numbers" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changed", "code", "told"),
    [
        (["pipeline", "supershape"], 2, "Did you mean 'supershaper'"),
        (["pipeline", "counting", "--preset", "quickly"], 2, "unknown preset 'quickly'. Known: large, small"),
        (["pipeline", "counting", "--preset", "small", "--device", "k80"], 3, "k80"),
        (["pipeline", "counting", "--preset", "small", "--train-on", "tpu"], 2, "trained on cpu or cuda"),
        (["pipeline", "counting", "--preset", "small", "--threads", "0"], 2, "--threads"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(tmp_path, capsys, monkeypatch, changed, code, told) -> None:
    monkeypatch.chdir(tmp_path)
    assert invoke(changed) == code
    err = capsys.readouterr().err
    assert told in err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


def test_a_page_that_cannot_be_written_is_an_error(tmp_path, capsys) -> None:
    assert invoke(command(tmp_path / "run")) == 0
    (tmp_path / "run" / "report.html").unlink()
    (tmp_path / "run" / "report.html").mkdir()
    assert invoke(command(tmp_path / "run")) == 2
    assert "cannot write" in capsys.readouterr().err


def test_ctrl_c_while_the_page_is_written_says_that_the_run_is_finished(tmp_path, capsys, monkeypatch) -> None:
    def interrupted(*given: object) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("hwcost.report.write_page", interrupted)
        assert invoke(command(tmp_path / "run")) == 130
    told = f"the run in '{tmp_path / 'run'}' is finished, and the same command writes its page"
    assert told in capsys.readouterr().err
    assert invoke(command(tmp_path / "run")) == 0
    assert (tmp_path / "run" / "report.html").exists()
