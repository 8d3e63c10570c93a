"""Help texts of the commands, and the files that commands write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from hwcost.cli import console
from hwcost.cli.main import application, invoke
from hwcost.errors import UsageError

ROOT_COMMAND = typer.main.get_command(application())
OTHERS = ("search", "pipeline", "supernet")


def options() -> list[tuple[str, str]]:
    """Returns command and help text of every option."""
    commands = {name: one for name, one in ROOT_COMMAND.commands.items() if name not in OTHERS}  # type: ignore[attr-defined]
    groups = {name: one.commands for name, one in commands.items() if hasattr(one, "commands")}
    flat = {f"{name} {sub}": one for name, inner in groups.items() for sub, one in inner.items()}
    flat |= {name: one for name, one in commands.items() if name not in groups}
    return [(f"{name} {one.opts[0]}", one.help or "") for name, command in flat.items() for one in command.params]


@pytest.mark.parametrize(("option", "text"), [pytest.param(*one, id=one[0]) for one in options()])
def test_defaults_that_are_words_are_not_read_as_markup(option: str, text: str) -> None:
    """Square brackets in a help text are taken for markup and vanish; ``show_default`` is what shows a default."""
    assert "[" not in text, option


@pytest.mark.parametrize("name", ROOT_COMMAND.commands)  # type: ignore[attr-defined]
def test_a_command_that_stands_alone_is_the_same(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    texts = []
    for command in (ROOT_COMMAND, typer.main.get_command(application(name))):
        command([name, "--help"], standalone_mode=False)
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]
    assert f" {name} [OPTIONS]" in texts[0]
    assert list(typer.main.get_command(application(name)).commands) == [name]  # type: ignore[attr-defined]


def test_help_fills_the_terminal_and_names_no_types(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert invoke(["measure", "--help"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    about = lines[: next(i for i, line in enumerate(lines) if "Options" in line and "OPTIONS" not in line)]
    first = about.index(next(line for line in about if line.startswith("A round is")))
    assert all(len(line) > 40 for line in about[first : first + 3])
    assert "hwcost measure --space supershaper -n 40 --store cpu.db" in about
    assert not {"<bool>", "<str>", "<int>", "<list[str]>"} & {word for line in lines for word in line.split()}


def test_documents_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "found.json"
    assert console.write_json({"a": float("nan")}, str(path)) is False
    assert json.loads(path.read_text()) == {"schema_version": 1, "a": None}
    link = tmp_path / "link.json"
    link.symlink_to(path)
    console.write_json({"a": 2}, str(link))
    assert link.is_symlink()
    assert json.loads(path.read_text())["a"] == 2
    assert [one.name for one in path.parent.iterdir()] == ["found.json"]
    with pytest.raises(UsageError, match=r"Give --json another file, or -"):
        console.write_json({}, str(tmp_path))
    console.write_json({}, "/dev/null")  # neither a file nor a folder: written as it is
