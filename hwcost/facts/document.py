"""The table of facts as documentation, in Markdown; the documentation site shows it where a page has the mark."""

from __future__ import annotations

from collections.abc import Iterator

from hwcost.facts.table import BY_GROUP, GROUPS

MARK = "<!-- facts -->"
"""Line of a page in whose place the tables stand."""

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


def filled(page: str) -> str:
    """Returns a page with the tables in place of its mark; a page without a mark stays as it is."""
    return page.replace(MARK, tables()) if MARK in page else page


def _table(group: str) -> Iterator[str]:
    yield f"## {TITLES[group]}"
    yield ""
    yield "| fact | type | to compare | meaning |"
    yield "|---|---|---|---|"
    for fact in BY_GROUP[group].values():
        yield f"| `{fact.name}` | {fact.value} | {fact.agree.rule} | {fact.meaning} |"
    yield ""
