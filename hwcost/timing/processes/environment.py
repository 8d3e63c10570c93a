"""What machine and software this process runs in: the facts of the table that are found once a process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hwcost.facts import Process, read_process

ROOT = Path("/")


def read(
    versions: Mapping[str, str], device: Mapping[str, Any] | None = None, root: Path = ROOT
) -> dict[str, dict[str, Any]]:
    """Returns what is known of this process, by group of facts; a fact that cannot be found is absent.

    Args:
        versions: Versions that the backend reports about itself.
        device: Facts of the device that the process measures on; None where it is not known.
        root: Folder in which ``proc`` and ``sys`` lie; tests pass a tree of their own.
    """
    return read_process(Process(root, versions, device or {}))
