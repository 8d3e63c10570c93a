"""Every command of hwcost passes the suite, and so does one that somebody adds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import typer

from hwcost.cli.main import application
from hwcost.testing.commands import CommandSuite
from hwcost.testing.plugins import registered

WORKS = {
    "config schema": (), "config show": (), "devices detect": (), "devices list": (), "devices show": ("k80",),
    "spaces list": (), "spaces show": ("supershaper",),
    "version": (),
}  # fmt: skip
"""Arguments with which a command is done in a moment."""

WRONG = {
    "accept": ("*", "--list"), "audit": ("no-such-file.csv",), "check": ("--fail-on", "no-such-verdict"),
    "compare": ("no-such-file.csv",), "config schema": ("surplus",), "config show": ("surplus",),
    "components": ("--grid", "no-such-grid"), "devices detect": ("surplus",),
    "devices list": ("surplus",), "devices probe": ("no-such-device",), "devices show": ("no-such-device",),
    "evaluate": ("no-such-file.csv",), "export": (), "fit": ("no-such-file.csv",), "import": (),
    "measure": ("--device", "no-such-device", "--space", "supershaper"), "pipeline": ("no-such-system",),
    "plan": ("--device", "no-such-device", "--out", "no-such-folder"),
    "predict": ("no-such-folder",), "report build": ("--store", "no-such-store.db", "--out", "no-such-folder"),
    "report grafana": (), "report serve": ("--store", "no-such-store.db"), "run": ("no-such-suite",),
    "search": ("--space", "no-such-space"),
    "spaces from-table": (), "spaces list": ("surplus",), "spaces show": ("no-such-space",),
    **{f"store {name}": ("--store", "no-such-store.db") for name in ("info", "migrate", "doctor", "prune", "refresh")},
    "supernet eval": (), "supernet extract": (),
    "supernet info": (), "supernet train": ("no-such-space",), "version": ("surplus",),
}  # fmt: skip
"""Arguments that a command refuses."""


def names(group: object, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yields the names of all commands below a group."""
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        below = (*path, name)
        if hasattr(command, "commands"):
            yield from names(command, below)
        else:
            yield " ".join(below)


for index, text in enumerate(names(typer.main.get_command(application()))):
    about = {"name": text, "works": WORKS.get(text), "wrong": WRONG.get(text), "__doc__": text}
    globals()[f"TestCommand{index}"] = type(f"TestCommand{index}", (CommandSuite,), about)


class OfAnotherDistribution(CommandSuite):
    """A command that is registered for the length of its tests."""

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _registered(cls) -> Iterator[None]:
        here = "tests.cli.test_plugin_commands"
        with registered("hwcost.commands", {"greet": f"{here}:greet", "tools": f"{here}:tools"}):
            yield


class TestFunction(OfAnotherDistribution):
    name = "greet"
    works = ("Ada",)
    wrong = ()


class TestAppOfCommands(OfAnotherDistribution):
    name = "tools count"
    works = ()
