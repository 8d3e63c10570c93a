"""Entry points that the installed distributions declare.

Importing ``importlib.metadata`` and asking it costs far more than a look into the folders of ``sys.path``. It is asked only
where that look finds a declaration, or cannot tell: at a zip file, or with an import hook that finds distributions itself.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["entry_points"]

_INFO = (".dist-info", "egg-info")
"""Ends of the names of the folders that describe distributions; within an egg, the whole name is ``EGG-INFO``."""


def entry_points(prefix: str) -> dict[str, list[EntryPoint]]:
    """Returns the entry points of all distributions by group.

    Args:
        prefix: First part of the names of the groups that are looked for.
    """
    if not _may_exist(prefix):
        return {}
    from importlib import metadata

    found = metadata.entry_points()
    return {group: list(found.select(group=group)) for group in found.groups if group.startswith(prefix)}


def _may_exist(prefix: str) -> bool:
    """Tells whether a distribution may declare such a group; a no is certain."""
    header = b"[" + prefix.encode()
    return any(map(_finds_by_itself, sys.meta_path)) or any(_may_declare(folder, header) for folder in sys.path)


def _finds_by_itself(finder: object) -> bool:
    return finder is not PathFinder and hasattr(finder, "find_distributions")


def _may_declare(folder: str, header: bytes) -> bool:
    try:
        names = os.listdir(folder or ".")
    except FileNotFoundError:
        return False
    except OSError:  # a zip file
        return True
    described = (os.path.join(folder, name) for name in names if name.lower().endswith(_INFO))
    return any(header in _declarations(info) for info in described)


def _declarations(info: str) -> bytes:
    try:
        with open(os.path.join(info, "entry_points.txt"), "rb") as file:
            return file.read()
    except OSError:  # none
        return b""
