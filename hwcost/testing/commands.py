"""The conformance suite of commands: what every command promises, as tests.

::

    class TestMyCommand(CommandSuite):
        name = "my-command"
        works = ("k80", "--dtype", "float32")
        wrong = ("no-such-device",)

A command of a group is named with it: ``devices list``.
"""

from __future__ import annotations

import json
from abc import ABC
from typing import Any, ClassVar

import pytest
import typer

from hwcost.cli.main import application, invoke
from hwcost.cli.plugins import COMMANDS, alone

Command = Any
"""A command as the parser holds it: ``help``, and ``params`` with ``name``, ``opts`` and ``help``."""

JSON = "--json"
"""Option that every command takes which prints data."""


class CommandSuite(ABC):
    """Subclass it as ``Test...`` and name the command.

    Attributes:
        name: Name of the command, as a user types it behind ``hwcost``.
        works: Arguments with which it is done in a moment and prints what it found; None where it takes longer.
        wrong: Arguments that it refuses, beside an unknown option; None where nothing else can be wrong.
    """

    name: ClassVar[str]
    works: ClassVar[tuple[str, ...] | None] = None
    wrong: ClassVar[tuple[str, ...] | None] = None

    @pytest.fixture(scope="class")
    @classmethod
    def command(cls) -> Command:
        """The command."""
        first, *others = cls.name.split()
        app = alone(first, COMMANDS.load(first)) if first in COMMANDS else application(first)
        found: Command = typer.main.get_command(app)
        for name in (first, *others):
            found = found.commands[name]
        return found

    def test_it_is_listed(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The help of the program, or of its group, shows it."""
        *group, name = self.name.split()
        assert invoke([*group, "--help"]) == 0
        assert name in capsys.readouterr().out

    def test_its_help_says_what_it_does(self, command: Command, capsys: pytest.CaptureFixture[str]) -> None:
        """Both spellings of the option print it to stdout, and nothing is done."""
        shown = []
        for option in ("-h", "--help"):
            assert invoke([*self.name.split(), option]) == 0
            out, err = capsys.readouterr()
            assert not err
            shown.append(out)
        assert shown[0] == shown[1]
        assert f"{self.name} [OPTIONS]" in shown[0]
        assert command.help
        assert command.help.split()[0] in shown[0]

    def test_every_option_has_a_description(self, command: Command) -> None:
        """Arguments have one too; in square brackets it would be read as markup and vanish."""
        described = {one.name: getattr(one, "help", None) or "" for one in command.params}
        assert not [name for name, text in described.items() if not text.strip() or text.lstrip().startswith("[")]

    def test_done_is_0_and_data_is_on_stdout(self, capsys: pytest.CaptureFixture[str]) -> None:
        """For people, or as one document for programs."""
        if self.works is None:
            return
        assert invoke([*self.name.split(), *self.works]) == 0
        assert capsys.readouterr().out.strip()

    def test_the_document_is_versioned_and_alone_on_stdout(
        self, command: Command, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Commands without ``--json`` print no data that a program would read."""
        if self.works is None or not any(JSON in one.opts for one in command.params):
            return
        assert invoke([*self.name.split(), *self.works, JSON, "-"]) == 0
        assert isinstance(json.loads(capsys.readouterr().out)["schema_version"], int)

    @pytest.mark.parametrize("arguments", [("--no-such-option",), None], ids=["unknown option", "wrong arguments"])
    def test_a_wrong_use_is_2_and_explained(
        self, arguments: tuple[str, ...] | None, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The explanation is on stderr, and stdout stays empty."""
        given = self.wrong if arguments is None else arguments
        if given is None:
            return
        assert invoke([*self.name.split(), *given]) == 2
        out, err = capsys.readouterr()
        assert not out
        assert err.startswith("hwcost: ")
