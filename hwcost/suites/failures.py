"""Failures as records: workloads that could not be measured at all, and the histories that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hwcost.errors import HwcostError
from hwcost.stores.series import Estimate, Series
from hwcost.suites.histories import key_of_device, measured_before, series_of_plan
from hwcost.suites.making import is_matched

if TYPE_CHECKING:
    from hwcost.campaign.plans.plan import Plan
    from hwcost.stores.base import Store
    from hwcost.stores.runs import Run
    from hwcost.suites.expansion import Part
    from hwcost.suites.making import Broken, Made

__all__ = ["lost_series", "planned_series", "record_failure", "with_series"]


def with_series(part: Part, made: Made, store: Store | None) -> tuple[Broken, ...]:
    """Returns the broken sets of a campaign with the series that earlier runs measured of them.

    A set that was not asked for by its name, and of which no known workload was, is left out.

    Args:
        part: The campaign as it is declared.
        made: Its workloads that could be made, and its broken sets.
        store: Store with earlier runs of the suite; None without one.
    """
    names = {one.name for one in made.broken}
    known = {} if store is None else measured_before(part, store, names)
    measured = {key for keys in made.sets.values() for key in keys}
    found = []
    for one in made.broken:
        lost = [series for series in known.get(one.name, []) if series.workload_key not in measured]
        asked = lost if one.is_named else [series for series in lost if is_matched(part.only, _own_name(series))]
        if one.is_named or asked:
            found.append(replace(one, series=tuple(asked)))
    return tuple(found)


def lost_series(part: Part, store: Store) -> list[Series]:
    """Returns the series of a campaign that cannot be planned: those of its sets in earlier runs, else new ones.

    Args:
        part: The campaign as it is declared.
        store: Store with earlier runs of the suite.
    """
    try:
        options = part.options(is_absent=True)
        made = part.made(options)
        plan = part.planned(made, options)
    except HwcostError:  # not even the workloads are known
        known = measured_before(part, store, [one.name for one in part.sets])
        return [one for name, lost in known.items() for one in lost if is_matched(part.only, name, _own_name(one))]
    broken = with_series(part, made, store)
    return [*planned_series(part, plan, store), *(series for one in broken for series in one.series)]


def planned_series(part: Part, plan: Plan, store: Store) -> list[Series]:
    """Returns the series of the workloads of a plan: all that earlier runs have of each, else a new one of its latency.

    Args:
        part: The campaign as it is declared.
        plan: Its plan.
        store: Store with earlier runs of the suite.
    """
    known = measured_before(part, store, [one.name for one in part.sets])
    found = [one for of_set in known.values() for one in of_set if one.workload_key in plan.by_key]
    there = {one.workload_key for one in found}
    usual = series_of_plan(plan, store, key_of_device(part, known))
    return [*found, *(one for key, one in usual.items() if key not in there)]


def record_failure(store: Store, run: Run, lost: Sequence[Series], error: HwcostError) -> int:
    """Writes that workloads could not be measured, and returns how many they are.

    What the run measured before it was interrupted stays as it is.

    Args:
        store: Store of the run.
        run: The run.
        lost: Series of the workloads.
        error: Reason why they could not be measured.
    """
    values = (one.series_key for one in store.estimates(run_ids=[run.run_id]).estimates() if one.value is not None)
    known = set(values) if lost else set()
    left = list({one.series_key: one for one in lost if one.series_key not in known}.values())
    place = run.run_id, run.started_at
    failed = [Estimate(one.series_key, None, *place, None, None, status="failed", reason=str(error)) for one in left]
    store.add_estimates(left, failed)
    return len({one.workload_key for one in left})


def _own_name(series: Series) -> str:
    """Returns the name of a series' workload without that of its space."""
    return series.name if series.search_space is None else series.name.removeprefix(f"{series.search_space} ")
