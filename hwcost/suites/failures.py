"""Failures as records: workloads that could not be measured at all, since their device or runtime was not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwcost.errors import HwcostError
from hwcost.facts.values import MAX_TEXT
from hwcost.stores.series import Estimate
from hwcost.suites.histories import series_of_plan

if TYPE_CHECKING:
    from hwcost.stores.base import Store
    from hwcost.stores.runs import Run
    from hwcost.suites.expansion import Part


def record_failure(store: Store, run: Run, part: Part, error: HwcostError) -> int:
    """Writes that the workloads of a campaign could not be measured, and returns how many they are.

    Their histories are those of earlier runs, where the device was there and is known by more than its name.

    Args:
        store: Store of the run.
        run: The run.
        part: The campaign as it is declared.
        error: Reason why nothing could be measured.
    """
    try:
        plan = part.plan(is_absent=True)
    except HwcostError:  # not even the workloads are known
        return 0
    found = list(series_of_plan(plan, store).values())
    text = str(error)[:MAX_TEXT]
    failed = [
        Estimate(one.series_key, None, run.run_id, run.started_at, None, None, status="failed", reason=text) for one in found
    ]
    store.add_estimates(found, failed)
    return len(found)
