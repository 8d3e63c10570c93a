"""Commands of other distributions: the entry-point group ``hwcost.commands``.

The name of an entry point is the command's, its value a function with Typer's annotations, or a ``typer.Typer`` with several
commands. A function returns its exit code (None is 0) and raises errors of :mod:`hwcost.errors`. No module is
imported before its command is called, so a broken distribution disturbs neither ``hwcost --help`` nor any other command.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import typer
from typer.core import TyperCommand

from hwcost.cli import console
from hwcost.errors import HwcostError
from hwcost.registry import Registry

COMMANDS = Registry("hwcost.commands", "command", {})
"""Commands that other distributions add."""

HELP = {"help_option_names": ["-h", "--help"]}


class Forwarded(TyperCommand):
    """A command that parses nothing: whatever follows its name is for the command that it stands for."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See the base class; keeps the arguments as they are."""
        ctx.args = list(args)
        return []


def register(app: typer.Typer, own: Collection[str]) -> None:
    """Adds the commands of other distributions; one that cannot be added is reported on stderr and left out.

    Args:
        app: The command line.
        own: Names of hwcost's own commands, which no other distribution can take.
    """
    try:
        names = COMMANDS.names()
    except HwcostError as error:
        console.note(f"hwcost: commands of other distributions are left out: {error}")
        return
    for name in names:
        if name in own:
            console.note(f"hwcost: command '{name}' of {COMMANDS.origin(name)} is left out: hwcost has one of that name")
        else:
            app.command(name, cls=Forwarded, help=f"From the distribution {COMMANDS.origin(name)}.")(_standing_for(name))


def _standing_for(name: str) -> Any:
    def call(context: typer.Context) -> Any:
        loaded = typer.main.get_command(alone(name, COMMANDS.load(name)))
        return loaded.main([name, *context.args], prog_name="hwcost", standalone_mode=False)

    return call


def alone(name: str, member: Any) -> typer.Typer:
    """Returns a command line with one command, so that its help and its errors read as those of hwcost's own commands.

    Raises:
        HwcostError: When the member is neither a function nor a ``typer.Typer``.
    """
    app = typer.Typer(name="hwcost", add_completion=False, context_settings=HELP)
    app.callback()(_nothing)
    if isinstance(member, typer.Typer):
        app.add_typer(member, name=name)
    elif callable(member):
        app.command(name)(member)
    else:
        raise HwcostError(
            f"command '{name}' of {COMMANDS.origin(name)} is of type {type(member).__name__}. Expected a function with "
            "Typer's annotations, or a typer.Typer"
        )
    return app


def _nothing() -> None:
    """Makes Typer keep the name of a command that is alone."""
