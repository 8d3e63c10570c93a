"""Every option of every command as documentation, in Markdown and in the words of ``--help``; a page has a mark for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import typer

from hwcost.cli.help_text import tidy
from hwcost.cli.main import GROUPS, VERBS, application

MARK = "<!-- commands -->"
"""Line of a page in whose place the commands stand."""


def filled(page: str) -> str:
    """Returns a page with the commands in place of its mark; a page without a mark stays as it is."""
    return page.replace(MARK, "\n".join(_document())) if MARK in page else page


def commands() -> dict[str, Any]:
    """Returns hwcost's own commands by their names, such as ``store info``; those of other distributions are left out."""
    found: dict[str, Any] = {}
    root: Any = typer.main.get_command(application())
    tidy(root)
    for name in (*VERBS, *GROUPS):
        command = root.commands[name]
        inner: dict[str, Any] | None = getattr(command, "commands", None)
        found.update({name: command} if inner is None else {f"{name} {one}": inner[one] for one in inner})
    return found


def _document() -> Iterator[str]:
    """Yields what all commands take, then a section for each of them."""
    known = commands()
    shared = set.intersection(*({_written(one) for one in command.params} for command in known.values()))
    first = next(iter(known.values()))
    yield from _section("In every command", "", [one for one in first.params if _written(one) in shared])
    for name, command in known.items():
        own = [one for one in command.params if _written(one) not in shared]
        about = str(command.help or "").partition("\n\n")[0].replace("\n", " ")
        yield from _section(f"`hwcost {name}`", about, own)


def _section(title: str, about: str, parameters: Sequence[Any]) -> Iterator[str]:
    yield from (f"## {title}", "", *((about, "") if about else ()))
    if parameters:
        yield from ("| option | default | meaning |", "|---|---|---|", *map(_row, parameters), "")


def _row(one: Any) -> str:
    return f"| `{_cell(_written(one))}` | {_cell(_default(one))} | {_cell(one.help or '')} |"


def _written(one: Any) -> str:
    """Returns how a parameter is written: ``--tier``, ``--pin, --no-pin``, ``--device, -d NAME``, or an argument's name."""
    if one.param_type_name == "argument":
        return str(one.metavar or one.name.upper())
    names = ", ".join([*one.opts, *one.secondary_opts])
    return f"{names} {one.metavar}" if one.metavar else names


def _default(one: Any) -> str:
    if one.required:
        return "needed"
    if isinstance(one.show_default, str):
        return one.show_default
    if isinstance(one.default, bool):
        return f"`{(one.opts if one.default else one.secondary_opts)[0]}`" if one.secondary_opts else ""
    return f"`{one.default}`" if one.default not in (None, "") else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
