"""The journal of a round under way: what its process reported, until the records of its workloads are there.

An event is plain JSON. One with ``workload_key`` is about that workload, one with ``blocks`` about the workload of each
block, and any other about the process that reports what follows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from hwcost.stores.fields import Count, Group, JsonDict, Key

Event = dict[str, Any]


class PassLine(Group):
    """An event of a round under way."""

    campaign_id: Key
    round: Count
    event: JsonDict


def workload_keys(event: Mapping[str, Any]) -> set[str]:
    """Returns the keys of the workloads that an event is about; none for one about the process."""
    if "blocks" in event:
        return {block["workload_key"] for block in event["blocks"]}
    return {event["workload_key"]} if "workload_key" in event else set()


def unfinished(events: Iterable[Event], recorded: Collection[str]) -> list[Event]:
    """Returns the events of a round that still matter, in their order.

    An event is dropped once all its workloads have a record; one about a process, once no event of it is left.

    Args:
        events: Events of one round, the first one first.
        recorded: Keys of the workloads that have a record of that round.
    """
    found: list[Event] = []
    heading: list[Event] = []
    for event in events:
        keys = workload_keys(event)
        if not keys:
            heading = [event]
        elif not keys <= set(recorded):
            found += [*heading, event]
            heading = []
    return found
