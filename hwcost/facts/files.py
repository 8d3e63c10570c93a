"""Small files of ``proc`` and ``sys``, as readers of facts take them."""

from __future__ import annotations

from pathlib import Path

from hwcost.agent.files import text, text_or_empty

__all__ = ["cpuinfo", "text", "text_or_empty"]


def cpuinfo(root: Path, key: str) -> str:
    """Returns the first value of a key in ``proc/cpuinfo``.

    Raises:
        OSError: When the file cannot be read.
        KeyError: When it has no such key.
    """
    for line in text(root / "proc/cpuinfo").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    raise KeyError(key)
