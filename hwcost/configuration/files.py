"""Configuration files: the nearest one of the project, and the user's."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwcost.errors import DataError

OWN, SHARED = "hwcost.toml", "pyproject.toml"
"""Names of a project's files: hwcost's own, and the one that it shares with other tools."""

TABLE = "tool.hwcost"
"""Table of the shared file."""


@dataclass(frozen=True)
class ConfigFile:
    """A configuration file.

    Attributes:
        path: Path of the file.
        values: Content, or the table ``tool.hwcost`` of a shared file.
        text: The file as it stands.
        table: Table that the values stand in; empty for the whole file.
    """

    path: Path
    values: dict[str, Any]
    text: str
    table: str = ""

    def place(self, name: str) -> str:
        """Returns where a key stands: the file, with the line where that can be found."""
        line = self._line(name)
        return str(self.path) if line is None else f"{self.path}:{line}"

    def _line(self, name: str) -> int | None:
        table, key = "", re.compile(rf"\s*[\"']?{re.escape(name)}[\"']?\s*=")
        for number, line in enumerate(self.text.split("\n"), 1):
            if header := re.fullmatch(r"\s*\[+([^\[\]]+)\]+\s*(?:#.*)?", line):
                table = header[1].strip()
            elif table == self.table and key.match(line):
                return number
        return None


def read_toml(path: Path, what: str) -> tuple[dict[str, Any], str]:
    """Reads a TOML file.

    Args:
        path: Path of the file.
        what: Noun for the file in messages.

    Returns:
        Its content, and its text.

    Raises:
        DataError: When it cannot be read, or is not TOML.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        text = path.read_text(encoding="utf-8-sig")
        return tomllib.loads(text), text
    except OSError as error:
        raise DataError(f"cannot read {what} '{path}': {error.strerror}.") from None
    except ValueError as error:  # not UTF-8, or not TOML
        raise DataError(f"{what} '{path}' is not valid TOML: {error}.") from None


def project_file() -> ConfigFile | None:
    """Returns the configuration of the nearest folder, from the current one upwards, that has any; None without one.

    Raises:
        DataError: When the file cannot be used.
    """
    begin = Path.cwd().resolve()
    for place in (begin, *begin.parents):
        if (place / OWN).is_file():
            return ConfigFile(place / OWN, *read_toml(place / OWN, "the configuration"))
        if (found := _shared(place / SHARED)) is not None:
            return found
    return None


def user_file() -> ConfigFile | None:
    """Returns the user's configuration, ``hwcost.toml`` in ``HWCOST_HOME`` or the user's configuration folder."""
    path = user_path()
    return ConfigFile(path, *read_toml(path, "the configuration")) if path.is_file() else None


def user_path() -> Path:
    """Returns where the user's configuration lies, if there is one."""
    if home := os.environ.get("HWCOST_HOME"):
        return Path(home) / OWN
    from platformdirs import user_config_path

    return Path(user_config_path("hwcost", appauthor=False)) / OWN


def _shared(path: Path) -> ConfigFile | None:
    """Returns the table of a shared file; None where it has none, or cannot be read."""
    try:
        if f"{TABLE}" not in path.read_text(encoding="utf-8-sig"):
            return None
    except (OSError, ValueError):  # that of another project's, or none
        return None
    document, text = read_toml(path, "the configuration")
    values = document.get("tool", {}).get("hwcost")
    return None if values is None else ConfigFile(path, values, text, TABLE)
