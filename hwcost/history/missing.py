"""What the latest runs lack: sets of workloads that could not be made, and series that were measured before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

import numpy as np

from hwcost.history.judgement import REMOVED, Judgement, name_of
from hwcost.history.policy import Policy, is_matched
from hwcost.stores.entries import Acceptance
from hwcost.stores.estimate_table import EstimateTable
from hwcost.stores.runs import UNMADE, Run
from hwcost.stores.series import Series

__all__ = ["Unmade", "judged_missing", "unmade_of"]


class Unmade(NamedTuple):
    """A set of workloads that could not be made, in a campaign of a run, and that has no series which could say so.

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


def judged_missing(
    runs: Sequence[Run], series: Mapping[str, Series], older: EstimateTable, policy: Policy,
    acceptances: Sequence[Acceptance],
) -> list[Judgement]:  # fmt: skip
    """Judges series without an estimate in the latest runs.

    Args:
        runs: Runs, the oldest first.
        series: The series by key.
        older: Their estimates of earlier ones of these runs.
        policy: Rules; anchors get no verdict.
        acceptances: Accepted changes.

    Returns:
        A judgement, ``missing``, of every series that has an estimate, unless it was accepted since then.
    """
    place = {run.run_id: index for index, run in enumerate(runs)}
    accepted = [(place[one.run_id], one) for one in acceptances if one.run_id in place]
    last = np.full(len(older.series_key), -1)
    np.maximum.at(last, older.series, np.array([place[run_id] for run_id in older.run_id], dtype=np.intp)[older.run])
    found = []
    for key, at in zip(older.series_key, last.tolist(), strict=True):
        one, terms = series[key], policy.terms(series[key])
        is_gone = any(of > at and is_matched(one, by.workload, by.device, by.backend) for of, by in accepted)
        if at >= 0 and not terms.is_anchor and not is_gone:
            text = f"None of the latest runs has an estimate of it; the last one is of {name_of(runs[at])}. {REMOVED}"
            found.append(Judgement(key, "missing", text, owner=terms.owner))
    return found
