"""The value of every option, and where it comes from: variables before the project's file before the user's."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from hwcost.configuration.files import ConfigFile, project_file, user_file
from hwcost.configuration.options import OPTIONS
from hwcost.errors import DataError, UsageError
from hwcost.units import parse_duration, parse_wait

if TYPE_CHECKING:
    from hwcost.configuration.table import Table

Origin = Literal["environment", "project", "user", "default"]

TIMES = {"budget": parse_duration, "wait": parse_wait}
"""Options whose values are times, with what reads them."""

SUITES = "suite"
"""Key of the tables that :mod:`hwcost.suites` reads."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The value of an option.

    Attributes:
        name: Name of the option.
        value: Value; None where it is not configured.
        origin: Kind of place that it comes from.
        place: Variable, or file with the line where it can be found; empty for a default.
    """

    name: str
    value: Any
    origin: Origin
    place: str = ""


def settings() -> dict[str, Setting]:
    """Returns the value of every option by name, with its origin.

    Raises:
        DataError: When a file cannot be used, or a value has a wrong type; names the place.
    """
    found = {name: Setting(name, None, "default") for name in OPTIONS}
    for file, origin in files():
        found |= _of_file(file, origin)
    found |= _of_environment()
    for one in found.values():
        _check_time(one)
    return found


def _check_time(one: Setting) -> None:
    """Raises DataError when the value of an option is not the time that it should be; names the place."""
    parse = TIMES.get(one.name)
    if parse is None or one.value is None:
        return
    try:
        parse(one.value)
    except UsageError as error:
        place = f"the variable {one.place}" if one.origin == "environment" else one.place
        raise DataError(f"{place}: {one.name}: {error}") from None


def files() -> list[tuple[ConfigFile, Origin]]:
    """Returns the files that there are: the user's, then the project's, whose values take the place of the user's.

    Raises:
        DataError: When a file cannot be read.
    """
    both: list[tuple[ConfigFile | None, Origin]] = [(user_file(), "user"), (project_file(), "project")]
    return [(file, origin) for file, origin in both if file is not None]


def _of_file(file: ConfigFile, origin: Origin) -> dict[str, Setting]:
    from hwcost.configuration.table import checked

    source = f"{file.path} [{file.table}]" if file.table else str(file.path)
    read = checked(settings_model(), file.values, source)
    return {
        name: Setting(name, _anchored(name, getattr(read, name), file), origin, file.place(name))
        for name in OPTIONS if name in file.values
    }  # fmt: skip


def _anchored(name: str, value: Any, file: ConfigFile) -> Any:
    """Returns a value whose path, if it is one, is relative to the folder of its file."""
    is_path = (name == "store" and "://" not in value) or (name == "device" and value.endswith(".toml"))
    return str(file.path.parent / value) if is_path else value


def _of_environment() -> dict[str, Setting]:
    given = _variables()
    if not given:
        return {}
    from hwcost.configuration.table import checked

    model, found = settings_model(), {}
    for name, text in given.items():
        variable = OPTIONS[name].variable
        read = checked(model, {name: text}, f"the variable {variable}")
        found[name] = Setting(name, getattr(read, name), "environment", variable)
    return found


def _variables() -> dict[str, str]:
    """Returns what the environment says, by the names of the options; empty variables say nothing."""
    found = {name: os.environ.get(one.variable, "") for name, one in OPTIONS.items()}
    return {name: text for name, text in found.items() if text}


def settings_model() -> type[Table]:
    """Returns the pydantic model of a configuration file; its tables of suites are checked where they are read."""
    from pydantic import Field, create_model

    from hwcost.configuration.table import Table

    own: dict[str, Any] = {
        name: (one.type | None, Field(None, description=one.help))
        for name, one in OPTIONS.items()
    }
    own[SUITES] = (dict[str, Any], Field(default_factory=dict))
    return create_model("Settings", __base__=Table, **own)
