"""The table of facts as documentation, in Markdown.

After a change of the table ``python -m hwcost.facts.document docs/facts.md`` brings the page up to date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from hwcost._io import write_text
from hwcost.facts.table import BY_GROUP, GROUPS

MARK = "<!-- facts -->\n"
"""Line of the page below which the tables stand."""

TITLES = {
    "tool": "Tool",
    "device": "Device",
    "host": "Host",
    "software": "Software",
    "settings": "Settings of processor and device",
    "protocol": "Protocol",
    "conditions": "Conditions during a visit",
}
"""Heading of each group."""


def tables() -> str:
    """Returns one table for each group: name, type, whether two measurements must agree on it, and meaning."""
    return "\n".join(line for group in GROUPS for line in _table(group))


def page(text: str) -> str:
    """Returns the page with the tables of the day below its mark."""
    return f"{text.partition(MARK)[0]}{MARK}\n{tables().rstrip()}\n"


def _table(group: str) -> Iterator[str]:
    yield f"## {TITLES[group]}"
    yield ""
    yield "| fact | type | to compare | meaning |"
    yield "|---|---|---|---|"
    for fact in BY_GROUP[group].values():
        yield f"| `{fact.name}` | {fact.value} | {fact.agree.rule} | {fact.meaning} |"
    yield ""


if __name__ == "__main__":
    path = Path(sys.argv[1])
    write_text(path, page(path.read_text(encoding="utf-8")))
