"""Options come from the command line, then variables, then the project's file, then the user's; each says from where."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hwcost.cli.main import invoke
from hwcost.configuration import OPTIONS, project_file, settings
from hwcost.errors import DataError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder, in which commands run."""
    folder = tmp_path / "project" / "below"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder.parent


def user(text: str) -> Path:
    path = Path(os.environ["HWCOST_HOME"]) / "hwcost.toml"
    path.write_text(text)
    return path


def test_each_place_goes_before_the_next(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = user('tier = "strict"\nthreads = 2\nbackend = "null"\n')
    (project / "hwcost.toml").write_text('# of the project\ntier = "quick"\nthreads = 4\n')
    monkeypatch.setenv("HWCOST_THREADS", "8")
    found = settings()
    assert [found[name].value for name in ("threads", "tier", "backend", "dtype")] == [8, "quick", "null", None]
    assert (found["threads"].origin, found["threads"].place) == ("environment", "HWCOST_THREADS")
    assert (found["tier"].origin, found["tier"].place) == ("project", f"{project / 'hwcost.toml'}:2")
    assert (found["backend"].origin, found["backend"].place) == ("user", f"{mine}:3")
    assert found["dtype"].origin == "default"
    assert set(found) == set(OPTIONS)


def test_the_table_of_a_shared_file_counts_and_other_tools_do_not(project: Path) -> None:
    shared = project / "pyproject.toml"
    shared.write_text('[tool.other]\ntier = "strict"\n')
    assert project_file() is None
    shared.write_text('[tool.other]\ntier = "strict"\n\n[tool.hwcost]\ntier = "quick"\n')
    assert settings()["tier"].place == f"{shared}:5"
    (project / "hwcost.toml").write_text('tier = "standard"\n')
    assert settings()["tier"].value == "standard"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('teir = "quick"', "unknown key 'teir'. Did you mean 'tier'?"),
        ('tier = "fast"', "tier: Input should be 'quick', 'standard' or 'strict', got 'fast'"),
        ("threads = [1]", "threads: "),
        ("tier = ", "is not valid TOML"),
        ('# times\nbudget = "soon"', "hwcost.toml:2: budget: 'soon' is not a duration. Expected a positive number"),
        ('wait = "soon"', "hwcost.toml:1: wait: 'soon' is not a duration"),
    ],
)
def test_what_cannot_be_used_names_the_file_and_the_key(
    project: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "hwcost.toml").write_text(text)
    with pytest.raises(DataError, match="hwcost.toml") as caught:
        settings()
    assert said in str(caught.value)
    assert invoke(["measure", "--dry-run"]) == 2
    assert said in capsys.readouterr().err
    assert invoke(["measure", "--help"]) == 0


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("BUDGET", "abc", "the variable HWCOST_BUDGET: budget: 'abc' is not a duration. Expected a positive number"),
        ("WAIT", "abc", "the variable HWCOST_WAIT: wait: 'abc' is not a duration"),
        ("THREADS", "abc", "the variable HWCOST_THREADS: threads: Input should be a valid integer"),
    ],
)
def test_what_cannot_be_used_names_the_variable(
    name: str, text: str, said: str, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"HWCOST_{name}", text)
    assert invoke(["measure", "--dry-run"]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("DEVICE", "k81", "--device k81 comes from HWCOST_DEVICE."),
        ("BACKEND", "jax", "--backend jax comes from HWCOST_BACKEND."),
        ("DTYPE", "float7", "--dtype float7 comes from HWCOST_DTYPE."),
        ("STORE", "runs.txt", "--store runs.txt comes from HWCOST_STORE."),
        ("BATCH_SIZE", "0", "--batch-size 0 comes from HWCOST_BATCH_SIZE."),
        ("SEQ_LEN", "-3", "--seq-len -3 comes from HWCOST_SEQ_LEN."),
        ("THREADS", "0", "--threads 0 comes from HWCOST_THREADS."),
    ],
)
def test_a_value_that_fails_later_names_its_variable(
    name: str, text: str, said: str, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (Path.cwd() / "runs.txt").write_text("no database")
    if name != "BACKEND":
        monkeypatch.setenv("HWCOST_BACKEND", "null")
    monkeypatch.setenv(f"HWCOST_{name}", text)
    assert invoke(["measure", "--space", "supershaper", "-n", "2"]) in (2, 5)
    shown = capsys.readouterr().err
    assert shown.endswith(f"\n{said}\n")
    assert shown.count("comes from") == 1


def test_no_wait_can_be_configured(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWCOST_WAIT", "0s")
    assert settings()["wait"].value == "0s"


def planned(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert invoke(["measure", "--space", "supershaper", "-n", "2", "--dry-run", "--json", "-", *arguments]) == 0
    plan = json.loads(capsys.readouterr().out)["plan"]
    return {"tier": plan["protocol"]["tier"], "backend": plan["backend"]}


def test_commands_take_what_is_configured(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "hwcost.toml").write_text('tier = "quick"\nbackend = "null"\n')
    assert planned(capsys) == {"tier": "quick", "backend": "null"}
    assert planned(capsys, "--tier", "strict") == {"tier": "strict", "backend": "null"}
    monkeypatch.setenv("HWCOST_TIER", "standard")
    assert planned(capsys) == {"tier": "standard", "backend": "null"}


def test_the_command_shows_values_with_their_origins(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "hwcost.toml").write_text(
        'store = "night.db"\n[suite.mine]\n[[suite.mine.workloads]]\nname = "a"\nspace = "supershaper"\n'
    )
    assert invoke(["config", "show", "--origin"]) == 0
    shown = capsys.readouterr().out
    assert str(project / "night.db") in shown  # relative to the file, not to the folder below
    assert f"{project / 'hwcost.toml'}:1" in shown
    assert invoke(["config", "show", "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["settings"]["store"]["origin"] == "project"
    assert {"mine", "nightly", "smoke"} <= set(document["suites"])
