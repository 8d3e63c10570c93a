"""Values of options that are what they should be already: Typer's converters of these are never made.

Typer makes a converter for every option of the command that is called, given or not, and imports pydantic for that, which
takes longer than the fit of a lookup table. It spares them where a switch was not given, and so it is here with everything
else that a converter would leave as it is. All other values go to Typer's converters, which also say what is wrong with one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

OWN = ("parser", "click_type")
"""Converters that a parameter may bring."""

OF_PATHS = ("exists", "resolve_path", "allow_dash", "path_type")
"""Conditions of a parameter on a path that is not there yet."""

OF_PRESENT = ("writable", "executable")
"""Conditions on a path that is there, beside those that every such path is asked by default."""


def spare(command: Any) -> None:
    """Spares the converters of a command, and of all commands below a group.

    Args:
        command: Command or group of Typer. That of a version whose parameters make no converters stays as it is.
    """
    for parameter in command.params:
        _spare(parameter)
    make_help = command.get_help_option

    def help_option(ctx: Any) -> Any:
        return _spare(make_help(ctx))

    command.get_help_option = help_option
    for one in getattr(command, "commands", {}).values():
        spare(one)


def _spare(parameter: Any) -> Any:
    if hasattr(parameter, "get_runtime_param") and "get_runtime_param" not in vars(parameter):
        parameter.get_runtime_param = _Converter(parameter.get_runtime_param).itself
    return parameter


class _Converter:
    """Converter of a parameter that makes Typer's own where a value needs it."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def itself(self) -> _Converter:
        return self

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Converts the value of a parameter, as Typer's converters do."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        of_type, asked = param.type_descriptor.annotation, param.type_descriptor.parameter_info
        if not _asks(asked, OWN):
            if of_type is str and isinstance(value, str):
                return value
            if of_type == list[str] and isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value):
                return list(value)
            if of_type in (int, float) and type(value) is of_type and value == param.default:
                return value
            if of_type is Path and isinstance(value, str) and not _asks(asked, OF_PATHS) and _is_fine(value, asked):
                return Path(value)
        return self._make().coerce(value, param=param, ctx=ctx)


def _is_fine(path: str, asked: Any) -> bool:
    """Whether a path is not there, or is a readable file or folder of which nothing else is asked."""
    if not os.path.lexists(path):
        return True
    takes_any = bool(getattr(asked, "file_okay", False) and getattr(asked, "dir_okay", False))
    return takes_any and not _asks(asked, OF_PRESENT) and os.access(path, os.R_OK)


def _asks(parameter: Any, names: tuple[str, ...]) -> bool:
    return any(getattr(parameter, name, None) for name in names)
