"""The arms of a round: what one process can measure, since all of it is built by the same revision of the code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
    """

    places: Places
    workloads: list[Workload]
    tree: Tree | None
    keys: dict[str, str]

    def renamed(self, event: dict[str, Any]) -> dict[str, Any]:
        """Returns an event of the process with the keys of the plan."""
        if self.tree is None:
            return event
        found = dict(event)
        if "workload_key" in event:
            found["workload_key"] = self.keys[event["workload_key"]]
        if "blocks" in event:
            found["blocks"] = [{**one, "workload_key": self.keys[one["workload_key"]]} for one in event["blocks"]]
        if "visit" in event:
            found["visit"] = {**event["visit"], "workload_key": self.keys[event["visit"]["workload_key"]]}
        return found


def one_arm(plan: Plan, left: Places) -> Arm:
    """Returns what of a round belongs to the same revision as its first workload.

    Args:
        plan: The plan.
        left: Rest of the round; not empty.
    """
    wanted = tree_of(plan.workload(left[0][1]))
    places = [(position, key) for position, key in left if tree_of(plan.workload(key)) == wanted]
    workloads = [measured(plan.workload(key)) for _, key in places]
    keys = {workload.key: key for workload, (_, key) in zip(workloads, places, strict=True)}
    return Arm(places, workloads, wanted, keys)


def tree_of(workload: Workload) -> Tree | None:
    """Returns the working tree that a workload is built in; None for the present one."""
    return Tree(workload.folder, workload.paths) if isinstance(workload, RevisionWorkload) else None


def measured(workload: Workload) -> Workload:
    """Returns what a process measures: of a workload at a revision, the workload itself."""
    return workload.workload if isinstance(workload, RevisionWorkload) else workload
