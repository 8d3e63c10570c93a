"""The arms of a round: what one process can measure, since all of it is built by the same revision of the code.

On the host, the processes of several revisions measure in turn, pass by pass: so the machine does the same to all of them,
however its level moves or a neighbour computes. One after another, each would meet another machine.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hwcost.agent.pipe import ACKNOWLEDGED
from hwcost.campaign.processes.launch import Tree
from hwcost.workloads import RevisionWorkload

if TYPE_CHECKING:
    from hwcost.campaign.plans.plan import Plan
    from hwcost.workloads.base import Workload

Places = list[tuple[int, str]]
"""Positions in a round's order, each with the key of its workload."""


@dataclass(frozen=True)
class Arm:
    """What one process measures.

    Attributes:
        places: Positions and keys of its workloads.
        workloads: The workloads as the process builds them.
        tree: Working tree whose modules it imports; None for the present one.
        keys: Keys in the plan by those that the process reports.
        number: Its number among the arms of the round.
        arms: Number of the arms of the round.
    """

    places: Places
    workloads: list[Workload]
    tree: Tree | None
    keys: dict[str, str]
    number: int = 0
    arms: int = 1

    def renamed(self, event: dict[str, Any]) -> dict[str, Any]:
        """Returns an event of the process with the keys of the plan, and a group that no other arm has."""
        if self.tree is None:
            return event
        found = dict(event)
        if "group" in event:
            found["group"] = event["group"] * self.arms + self.number
        if "workload_key" in event:
            found["workload_key"] = self.keys[event["workload_key"]]
        if "blocks" in event:
            found["blocks"] = [{**one, "workload_key": self.keys[one["workload_key"]]} for one in event["blocks"]]
        if "visit" in event:
            found["visit"] = {**event["visit"], "workload_key": self.keys[event["visit"]["workload_key"]]}
        return found


def arms_of(plan: Plan, left: Places) -> list[Arm]:
    """Parts a round by revision, in the order of their first workloads.

    Args:
        plan: The plan.
        left: Rest of the round.
    """
    parts: dict[Tree | None, Places] = {}
    for position, key in left:
        parts.setdefault(tree_of(plan.workload(key)), []).append((position, key))
    found = []
    for number, (tree, places) in enumerate(parts.items()):
        workloads = [measured(plan.workload(key)) for _, key in places]
        keys = {workload.key: key for workload, (_, key) in zip(workloads, places, strict=True)}
        found.append(Arm(places, workloads, tree, keys, number, len(parts)))
    return found


def in_turn(processes: Sequence[Iterable[dict[str, Any]]], seed: str) -> Iterator[dict[str, Any]]:
    """Yields the events of several processes: one of them goes on until it waits for an answer, and then another one.

    Args:
        processes: The events of each; a process that waits is answered when its next event is asked for.
        seed: Seed of the order within a turn.
    """
    drawn, left = random.Random(seed), [iter(one) for one in processes]
    while left:
        for one in drawn.sample(left, len(left)):
            for event in one:
                yield event
                if event["event"] in ACKNOWLEDGED:
                    break
            else:
                left.remove(one)


def tree_of(workload: Workload) -> Tree | None:
    """Returns the working tree that a workload is built in; None for the present one."""
    return Tree(workload.folder, workload.paths) if isinstance(workload, RevisionWorkload) else None


def measured(workload: Workload) -> Workload:
    """Returns what a process measures: of a workload at a revision, the workload itself."""
    return workload.workload if isinstance(workload, RevisionWorkload) else workload
