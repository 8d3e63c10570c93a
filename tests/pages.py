"""Runs the code blocks of README and docs, page by page, in a folder that holds the files that pages speak of.

- Python blocks share the names of their page. ``hc.measure`` runs the null backend, and searches are short.
- Blocks that begin with a file's name in a comment (``# mynets.py``) are written to that file.
- Commands (``hwcost ...``, with or without ``$``) are parsed by the command line itself, so that every command, option and
  type of value exists. Those that take no time, on files that are there, are run too, and print the words that stand below
  them; numbers may differ.
- ``<!-- skip: next "reason" -->`` before a block leaves it out.
- ``<!-- invisible-code-block: python ... -->`` is run and not shown.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import typer

from hwcost.cli import console
from hwcost.cli.main import application, invoke

QUICK = ("audit", "devices", "predict", "spaces", "version")
"""Commands that are run; the others are parsed only."""

WRITTEN_TO = ("--out", "-o", "--json", "--plot", "--onnx")
"""Options whose files are made by the command."""

_FILE = re.compile(r"^# ([\w-]+\.(?:py|toml))\n")
_PATH = re.compile(r"^(\./)?[\w./-]+\.(csv|db|toml|json|gz|jsonl|parquet|xlsx|yaml)(?=$|#)|^models/[\w-]+$")


def commands(block: str) -> Iterator[list[str]]:
    """Yields the arguments of every ``hwcost`` command of a block; output and other programs are left out."""
    lines = re.sub(r"\\\n\s*", " ", block).splitlines()
    shown = [line[2:] for line in lines if line.startswith("$ ")] or lines
    for line in shown:
        words = shlex.split(re.sub(r"(^|\s)#\s.*$", "", line), posix=True) if "hwcost" in line else []
        if words and words[0].rpartition("/")[2] == "hwcost":
            yield [word for word in words[1:] if word != "..."]


def output(block: str) -> str:
    """Returns what a block shows below its one command with ``$``; nothing where it shows several commands or none."""
    parts = re.split(r"^\$ .*\n", re.sub(r"\\\n\s*", " ", block), flags=re.MULTILINE)
    return parts[1] if len(parts) == 2 else ""


def words(text: str) -> list[str]:
    """Returns the lines of an output with every number as ``0``; empty ones, rules and widths of columns are left out."""
    lines = [" ".join(re.sub(r"(?<![\w_])-?\d[\d.]*(?![\w_])", "0", line).split()) for line in text.splitlines()]
    return [line for line in lines if line.strip("─ ")]


@cache
def program() -> Any:
    """Returns the command line with all of its commands, which takes a fifth of a second to make."""
    return typer.main.get_command(application())


def parse(arguments: list[str]) -> None:
    """Parses a command line as the program does, and runs nothing.

    Raises:
        AssertionError: When there is no such command, option or value.
    """
    command, rest, path = program(), list(arguments), "hwcost"
    while hasattr(command, "commands"):
        assert rest, f"'{path}' is a group, not a command"
        found = command.get_command(None, rest[0])
        assert found is not None, f"there is no command '{path} {rest[0]}'"
        command, path = found, f"{path} {rest.pop(0)}"
    try:
        command.make_context(path, rest)
    except Exception as error:  # the parser's own usage errors
        message = error.format_message() if hasattr(error, "format_message") else error
        raise AssertionError(f"{path} {shlex.join(rest)}: {message}") from None
    finally:
        console.reset()


def is_runnable(arguments: list[str]) -> bool:
    """Whether a command is quick, and the files that it reads are here."""
    if arguments[0] not in QUICK:
        return False
    pairs = zip(arguments, ["", *arguments], strict=False)
    read = [word.partition("#")[0] for word, option in pairs if _PATH.match(word) and option not in WRITTEN_TO]
    return all(Path(word).exists() for word in read)


def run_commands(block: str) -> None:
    """Parses the commands of a block, and runs those that can be run here; what is shown below one is what it prints."""
    for arguments in commands(block):
        parse(arguments)
        if is_runnable(arguments):
            with redirect_stdout(StringIO()) as printed:
                code = invoke([*arguments])
            shown = words(output(block))
            assert not shown or words(printed.getvalue()) == shown, f"hwcost {shlex.join(arguments)}: {printed.getvalue()}"
            expected = (0, 1, 3) if "--device" in arguments else (0, 1)  # the device of a page need not be here
            assert code in expected, f"hwcost {shlex.join(arguments)} ended with exit code {code}"


def file_of(block: str) -> str | None:
    """Returns the name of the file that a block shows, or None."""
    found = _FILE.match(block)
    return found[1] if found else None
