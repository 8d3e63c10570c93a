"""Commands of other distributions stand beside hwcost's own, and break nothing when they are broken."""

from __future__ import annotations

import re
from typing import Annotated

import pytest
import typer

from hwcost.cli.main import invoke
from hwcost.errors import MeasurementError
from hwcost.testing.plugins import registered

GROUP, HERE = "hwcost.commands", "tests.cli.test_plugin_commands"


def greet(
    name: Annotated[str, typer.Argument(help="Name of somebody.")],
    times: Annotated[int, typer.Option("--times", "-n", help="Number of greetings.")] = 1,
) -> int:
    """Greet somebody."""
    if name == "nobody":
        raise MeasurementError("nobody is here")
    print(" ".join([f"hello {name}"] * times))
    return 7 if name == "seven" else 0


tools = typer.Typer(help="Tools of somebody else.")
NUMBER = 4


@tools.command()
def list_them() -> None:
    """List them."""
    print("one, two")


@tools.command()
def count() -> None:
    """Count them."""
    print(2)


@pytest.fixture(autouse=True)
def _plugins():
    members = {"greet": f"{HERE}:greet", "tools": f"{HERE}:tools", "gone": "no_such_module:run", "number": f"{HERE}:NUMBER"}
    with registered(GROUP, members):
        yield


def test_help_lists_commands_of_others_and_imports_none(capsys) -> None:
    assert invoke(["--help"]) == 0
    out = capsys.readouterr().out
    for name in ("measure", "greet", "tools", "gone"):
        assert name in out
    assert "From the distribution" in out


def test_a_function_is_a_command_with_its_own_options_and_exit_code(capsys) -> None:
    assert invoke(["greet", "Ada", "-n", "2"]) == 0
    assert capsys.readouterr().out == "hello Ada hello Ada\n"
    assert invoke(["greet", "--", "--help"]) == 0
    assert capsys.readouterr().out == "hello --help\n"
    assert invoke(["greet", "seven"]) == 7


def test_help_and_errors_read_as_those_of_own_commands(capsys) -> None:
    assert invoke(["greet", "--help"]) == 0
    out = capsys.readouterr().out
    assert "Usage: hwcost greet [OPTIONS]" in out
    assert "Number of greetings." in out
    assert invoke(["greet"]) == 2
    assert "Missing argument" in capsys.readouterr().err
    assert invoke(["greet", "nobody"]) == 4
    assert capsys.readouterr().err == "hwcost: nobody is here\n"


def test_an_app_is_a_group_of_commands(capsys) -> None:
    assert invoke(["tools", "list-them"]) == 0
    assert capsys.readouterr().out == "one, two\n"
    assert invoke(["tools", "--help"]) == 0
    assert "Tools of somebody else." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone", "command 'gone' .no_such_module:run. of .* cannot be imported: ModuleNotFoundError.*uninstall"),
        ("number", "command 'number' of .* is of type int. Expected a function"),
    ],
)
def test_a_broken_command_is_named_when_it_is_called(name, message, capsys) -> None:
    assert invoke([name, "--anything"]) == 5
    err = capsys.readouterr().err
    assert re.search(message, err), err


def test_names_of_own_commands_cannot_be_taken(capsys) -> None:
    with registered(GROUP, {"version": f"{HERE}:greet"}):
        assert invoke(["version"]) == 0
    out, err = capsys.readouterr()
    assert "hwcost" in out
    assert "command 'version' of an unnamed distribution is left out: hwcost has one of that name" in err


def test_a_name_that_two_others_claim_leaves_hwcosts_commands(capsys) -> None:
    with registered(GROUP, {"greet": f"{HERE}:NUMBER"}):
        assert invoke(["version"]) == 0
    assert "two commands are called 'greet'" in capsys.readouterr().err
