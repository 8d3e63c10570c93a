"""Series that the latest runs do not have at all: they were measured before, and are missing until somebody accepts that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hwcost.history.judgement import REMOVED, Judgement, name_of
from hwcost.history.policy import Policy, is_matched
from hwcost.stores.entries import Acceptance
from hwcost.stores.estimate_table import EstimateTable
from hwcost.stores.runs import Run
from hwcost.stores.series import Series

__all__ = ["judged_lost"]


def judged_lost(
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
