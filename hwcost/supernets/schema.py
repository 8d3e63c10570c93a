"""The version of the format of every file of a training or a net."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hwcost.errors import DataError

VERSION = 1
"""Version of the formats of settings, checkpoints and descriptions of nets."""


def check_version(described: dict[str, Any], path: Path) -> None:
    """Raises DataError when a file was written by a later hwcost."""
    if described["schema_version"] != VERSION:
        raise DataError(
            f"'{path}' has schema version {described['schema_version']}; this hwcost reads {VERSION}. A later one wrote it"
        )
