"""Sets of workloads that a run could not make, and that have no series which could say so."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import NamedTuple

from hwcost.stores.runs import UNMADE, Run

__all__ = ["Unmade", "unmade_of"]


class Unmade(NamedTuple):
    """A set of workloads that could not be made, in a campaign of a run.

    Attributes:
        set: Name of the set.
        device: Name of the device.
        backend: Name of the backend.
        reason: Reason, as the run kept it.
    """

    set: str
    device: str
    backend: str
    reason: str


def unmade_of(run: Run, workload: str = "*", device: str = "*", backend: str = "*") -> list[Unmade]:
    """Returns the sets that a run could not make; what a run of another tool holds in their place is passed over.

    Args:
        run: The run.
        workload: Pattern of the names of sets.
        device: Pattern of the names of devices.
        backend: Pattern of the names of backends.
    """
    found = []
    kept = run.extra.get(UNMADE)
    for one in kept if isinstance(kept, list) else ():
        if isinstance(one, dict) and all(isinstance(one.get(name), str) for name in Unmade._fields):
            made = Unmade(*(one[name] for name in Unmade._fields))
            if all(map(fnmatchcase, made[:3], (workload, device, backend))):
                found.append(made)
    return found
