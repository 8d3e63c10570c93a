"""Values that need no converter are what Typer's converters make of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from hwcost.cli import converters

GIVEN = [
    [],
    ["--name", "a b", "--folder", "not/there", "--number", "3", "--share", "0.25", "--loud", "--each", "x", "--each", "y"],
    ["--folder", ".", "--number", "7", "--upper", "abc"],
    ["--number", "0"],
    ["--number", "many"],
    ["--share", "half"],
    ["--there", "not/there"],
    ["--there", "."],
    ["--name"],
    ["--kind", "b"],
]


def answers(arguments: list[str], spared: bool) -> Any:
    """Returns what a command is called with, or its usage error."""
    app, seen = typer.Typer(), []

    @app.command()
    def command(
        name: str = "none",
        folder: Path = Path("here"),
        there: Annotated[Path | None, typer.Option(exists=True)] = None,
        number: Annotated[int, typer.Option(min=1, max=9)] = 5,
        share: float = 0.5,
        loud: bool = False,
        upper: Annotated[str, typer.Option(parser=str.upper)] = "x",
        each: list[str] | None = None,
        default: str | None = None,
    ) -> None:
        seen.append((name, folder, there, number, share, loud, upper, each, default))

    made = typer.main.get_command(app)
    if spared:
        converters.spare(made)
    try:
        made(arguments, standalone_mode=False)
    except Exception as error:
        return type(error), str(error)
    return seen


@pytest.mark.parametrize("arguments", GIVEN, ids=" ".join)
def test_a_spared_converter_changes_nothing(arguments: list[str]) -> None:
    assert answers(arguments, spared=True) == answers(arguments, spared=False)


def test_commands_below_a_group_are_spared_too() -> None:
    app, group = typer.Typer(), typer.Typer()
    group.command("one")(lambda: None)
    group.command("two")(lambda name="x": None)
    app.add_typer(group, name="group")
    command = typer.main.get_command(app)
    converters.spare(command)
    for one in (command, *command.commands.values(), *command.commands["group"].commands.values()):
        for parameter in one.params:
            assert not hasattr(parameter, "get_runtime_param") or "get_runtime_param" in vars(parameter)


def test_texts_that_may_be_repeated_need_no_converter() -> None:
    app = typer.Typer()

    @app.command()
    def command(each: list[str] | None = None) -> None:
        pass

    made = typer.main.get_command(app)
    converters.spare(made)
    each = next(one for one in made.params if one.name == "each")
    convert = each.get_runtime_param()
    convert._make = None
    assert convert.coerce(("x", "y"), each, None) == ["x", "y"]


def test_a_folder_that_is_there_needs_no_converter_unless_more_is_asked(tmp_path: Path) -> None:
    app = typer.Typer()

    @app.command()
    def command(out: Path, into: Annotated[Path | None, typer.Option(writable=True)] = None) -> None:
        pass

    made = typer.main.get_command(app)
    converters.spare(made)
    out, into = (next(one for one in made.params if one.name == name) for name in ("out", "into"))
    for parameter, is_made in ((out, False), (into, True)):
        convert, count = parameter.get_runtime_param(), []
        convert._make = lambda own=convert._make, count=count: count.append(1) or own()  # type: ignore[attr-defined]
        assert convert.coerce(str(tmp_path), parameter, None) == tmp_path
        assert bool(count) == is_made
