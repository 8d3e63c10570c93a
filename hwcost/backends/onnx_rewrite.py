"""ONNX files made of other ONNX files: kept by the content of the first and what was done to it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hwcost._io import write_atomically
from hwcost._log import logger
from hwcost.backends.cache import cache_dir, mark_used, prune
from hwcost.backends.exported import Exported
from hwcost.workloads.base import digest

_log = logger(__name__)

PART_BYTES = 1 << 24
"""Bytes of a file that are read at once."""


def rewritten(export: Exported, how: Mapping[str, Any], write: Callable[[Path, Path], object]) -> Exported:
    """Returns an exported model in another form; it is made once for one content and one way of making it.

    Args:
        export: The model, which stays as it is.
        how: Plain JSON that tells this form from others: settings and versions.
        write: Function that takes the path of the model and the path to write to.
    """
    folder = cache_dir("onnx")
    path = folder / f"{digest({'content': file_digest(export.path), **how})[:32]}.onnx"
    if path.exists():
        _log.info("took a rewritten model from the cache: %s", path)
    else:
        _log.info("rewriting %s to %s: %s", export.path, path, how)
        write_atomically(path, lambda part: write(export.path, part))
    mark_used(path)
    prune(folder)
    return replace(export, path=path, temporary=False)


def file_digest(path: Path) -> str:
    """Returns the SHA-256 of a file as hexadecimal digits."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(PART_BYTES):
            found.update(part)
    return found.hexdigest()


def operators(path: Path) -> Counter[str]:
    """Counts the nodes of a graph by their operators; weights that lie in other files are not read."""
    import onnx

    return Counter(node.op_type for node in onnx.load(str(path), load_external_data=False).graph.node)
