"""What files and variables say in place of the defaults of a command's options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hwcost.configuration import OPTIONS, settings

if TYPE_CHECKING:
    from hwcost.configuration import Setting

OF_SUITES = "run"
"""Command whose suite says how it measures: a file does not take the place of what a suite says, a variable does."""

ALWAYS = ("store", "wait")
"""Options that a suite leaves to whoever runs it."""


def defaults(root: Any) -> dict[str, Any]:
    """Returns the configured defaults of every command below a group, as the parser takes them.

    Raises:
        DataError: When a configuration file, or a variable, cannot be used.
    """
    found = {name: one for name, one in settings().items() if one.value is not None}
    return _of_group(root, found) if found else {}


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
