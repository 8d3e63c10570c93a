"""Names that are safe in paths, columns and identifiers of other tools."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

LONGEST = 120


def safe(name: str, more: str = "._") -> str:
    """Returns a name of ASCII letters, digits, ``-`` and some other signs; it begins with a letter or digit.

    Args:
        name: Any text.
        more: Further signs that may stand in it.
    """
    kept = re.sub(rf"[^A-Za-z0-9\-{re.escape(more)}]+", "-", name).strip(f"-{more}")
    return kept[:LONGEST] or "unnamed"


def unique(names: Mapping[str, str], more: str = "._") -> dict[str, str]:
    """Returns safe names by key; where two are equal, the first digits of their keys stand behind them.

    Args:
        names: Any texts by key.
        more: Further signs that may stand in them.
    """
    short = {key: safe(name, more) for key, name in names.items()}
    counts = Counter(name.lower() for name in short.values())
    return {key: name if counts[name.lower()] == 1 else f"{name}-{key[:8]}" for key, name in short.items()}
