"""What files and variables say in place of the defaults of a command's options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hwcost.configuration import OPTIONS, settings
from hwcost.errors import HwcostError

if TYPE_CHECKING:
    from hwcost.configuration import Setting

OF_SUITES = "run"
"""Command whose suite says how it measures: a file does not take the place of what a suite says, a variable does."""

ALWAYS = ("store", "wait")
"""Options that a suite leaves to whoever runs it."""

SHORTEST = 3
"""Letters by which a message names a part of an option's name: ``seq`` of a sequence length."""


def defaults(root: Any) -> dict[str, Any]:
    """Returns the configured defaults of every command below a group, as the parser takes them.

    Raises:
        DataError: When a configuration file, or a variable, cannot be used.
    """
    found = {name: one for name, one in settings().items() if one.value is not None}
    return _of_group(root, found) if found else {}


def with_places(message: str) -> str:
    """Returns an error's message, followed by the place of each configured value that it names, one a line.

    A value that was configured once and forgotten is not found in the command that fails by it.
    """
    try:
        found = [one for one in settings().values() if one.value is not None and _is_named(message, one)]
    except HwcostError:  # which is the message itself
        return message
    return "\n".join([message, *(f"{OPTIONS[one.name].flag} {one.value} comes from {one.place}." for one in found)])


def _is_named(message: str, one: Setting) -> bool:
    """Whether a message names a value, and not its place: a text in quotes, a number beside a part of its option's name."""
    if re.search(rf"{re.escape(one.place)}\b", message):
        return False
    if isinstance(one.value, str):
        return f"'{one.value}'" in message or (one.name == "store" and f"/{one.value}'" in message)
    is_number = re.search(rf"(?<![\w.-]){re.escape(str(one.value))}(?![\w-]|\.\w)", message) is not None
    return is_number and any(part[:SHORTEST] in message.lower() for part in one.name.split("_"))


def _of_group(group: Any, found: Mapping[str, Setting]) -> dict[str, Any]:
    values = {}
    for name, command in group.commands.items():
        is_group = hasattr(command, "commands")
        values[name] = _of_group(command, found) if is_group else _of_command(name, command, found)
    return values


def _of_command(name: str, command: Any, found: Mapping[str, Setting]) -> dict[str, Any]:
    flags = {parameter.name: parameter.opts for parameter in command.params}
    return {
        key: [one.value] if name == OF_SUITES and key == "device" else one.value
        for key, one in found.items()
        if OPTIONS[key].flag in flags.get(key, ()) and OPTIONS[key].configures(name) and _applies(name, one)
    }


def _applies(command: str, one: Setting) -> bool:
    return command != OF_SUITES or one.name in ALWAYS or one.origin == "environment"
