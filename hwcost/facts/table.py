"""The table of facts: every fact that a record can hold, found and compared and documented by its row.

A new fact is one row, with its reader, in ``machine.py`` (once a process) or ``visits.py`` (every visit).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from hwcost.facts.agreement import FREE
from hwcost.facts.fact import Fact, Group, Moment, Process
from hwcost.facts.machine import DEVICE, HOST, SETTINGS, SOFTWARE, TOOL
from hwcost.facts.visits import OF_BLOCKS, OF_QUANTITIES, PROTOCOL, SPAN, STATE, TELEMETRY

FACTS = (*TOOL, *DEVICE, *HOST, *SOFTWARE, *SETTINGS, *PROTOCOL, *SPAN, *STATE, *OF_BLOCKS, *TELEMETRY, *OF_QUANTITIES)

GROUPS: tuple[Group, ...] = get_args(Group)

BY_GROUP: Mapping[str, Mapping[str, Fact]] = {
    group: {fact.name: fact for fact in FACTS if fact.group == group} for group in GROUPS
}


def of_moment(when: Moment) -> tuple[Fact, ...]:
    """Returns the facts that have a reader and are read at that moment."""
    return tuple(fact for fact in FACTS if fact.when == when and fact.read is not None)


def read_process(process: Process) -> dict[str, dict[str, Any]]:
    """Returns the facts of a process by group; unknown ones are absent."""
    found: dict[str, dict[str, Any]] = {}
    for fact in of_moment("process"):
        value = fact.find(process)
        if value is not None:
            found.setdefault(fact.group, {})[fact.name] = value
    return found


def checked(group: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Returns known facts of a group; what has no row is kept as it is.

    Raises:
        ValueError: When the value of a fact is not of its type.
    """
    rows = BY_GROUP[group]
    for name, value in facts.items():
        fact = rows.get(name)
        if fact is not None and value is not None and not fact.value.accepts(value):
            raise ValueError(f"'{name}' must be a {fact.value}, got {value!r:.100}")
    return {name: value for name, value in facts.items() if value is not None}


def deciding(facts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Returns the facts on which two measurements must agree, by label; unknown ones are absent.

    Args:
        facts: Facts by group.
    """
    return {
        fact.label: value
        for fact in FACTS
        if fact.agree is not FREE and (value := facts.get(fact.group, {}).get(fact.name)) is not None
    }


def differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Returns both values of every fact that both sides know and do not agree on.

    Args:
        a: Facts of one side, from :func:`deciding`.
        b: Facts of the other side.
    """
    found: dict[str, tuple[Any, Any]] = {}
    for fact in FACTS:
        if fact.agree is FREE or a.get(fact.label) is None or b.get(fact.label) is None:
            continue
        pairs = fact.agree.differing(a[fact.label], b[fact.label])
        found |= {f"{fact.label}{suffix}": pair for suffix, pair in pairs.items()}
    if a.get("device.product") is not None and b.get("device.product") is not None:
        found.pop("device_key", None)  # a hash of facts that are compared themselves, with their tolerance
    return found
