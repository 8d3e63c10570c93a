"""Which histories the workloads of a campaign belong to, before anything is measured."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hwcost.campaign.plans.plan import Plan
from hwcost.campaign.series import series_of
from hwcost.devices import elsewhere, find
from hwcost.quantities import LATENCY
from hwcost.stores.series import Series

if TYPE_CHECKING:
    from hwcost.stores.base import Store
    from hwcost.stores.runs import Run
    from hwcost.stores.schema import Campaign
    from hwcost.suites.expansion import Part
    from hwcost.suites.making import Made

__all__ = ["facts", "measured_before", "series_of_plan"]

PART, SETS = "part", "sets"
"""Names of what a suite's campaigns keep: which one of their suite they are, and the keys of the workloads of each set."""

NIGHTS = 120
"""Latest runs in which a set is looked for that cannot be made."""


def facts(part: Part, made: Made) -> dict[str, Any]:
    """Returns what a campaign of a suite keeps beside its plan, so that later runs find its sets again."""
    return {PART: part.identity, SETS: made.sets}


def measured_before(part: Part, store: Store, names: Collection[str]) -> dict[str, list[Series]]:
    """Returns the series of sets by their names, as the latest runs knew them that measured each.

    Nothing of the sets need be made for it. A set that no run measured in this campaign is left out.

    Args:
        part: The campaign as it is declared.
        store: Store with earlier runs of the suite.
        names: Names of the sets.
    """
    found: dict[str, list[Series]] = {}
    known = _of_device(part, store) if names else {}
    for run in reversed(store.runs(part.suite.name)[-NIGHTS:]):
        if len(found) == len(names):
            break
        for campaign in reversed(store.campaigns(run.run_id)):
            if campaign.extra.get(PART) != part.identity:
                continue
            estimated = [known[key] for key in _estimated(store, run, campaign) if key in known]
            for name, keys in campaign.extra.get(SETS, {}).items():
                of_set = [one for one in estimated if one.workload_key in keys]
                if of_set and name in names:
                    found.setdefault(name, of_set)
    return found


def series_of_plan(plan: Plan, store: Store, *, is_elsewhere: bool = False) -> dict[str, Series]:
    """Returns the series of the latency of every workload of a plan, by the workload's key.

    Those that the store has are taken from there: of the same device where it is here, else of a device of that name. A
    workload that was never measured gets a new one.

    Args:
        plan: The plan.
        store: Store with the histories.
        is_elsewhere: Whether another machine has the device, of which no more than its name is known.
    """
    present = None if plan.handle is None or is_elsewhere else find(plan.handle)
    device_key = None if present is None else present.key
    fitting = [one for one in store.series().values() if _is_of(one, plan)]
    if present is not None or is_elsewhere:
        fitting = [one for one in fitting if one.device_key in (None, device_key)]
    known = {one.workload_key: one for one in fitting}
    return {key: known.get(key) or series_of(plan, item, device_key=device_key) for key, item in plan.by_key.items()}


def _is_of(series: Series, plan: Plan) -> bool:
    same = (series.device, series.backend, series.backend_options, series.threads, series.quantity, series.origin)
    return same == (plan.device, plan.backend, plan.backend_options, plan.threads, LATENCY, "measured")


def _of_device(part: Part, store: Store) -> Mapping[str, Series]:
    """Returns the series of a store by their keys, without those of this machine's device on other machines."""
    present = None if part.on is not None else find(elsewhere(part.device))
    if present is None:
        return store.series()
    return {key: one for key, one in store.series().items() if one.device_key in (None, present.key)}


def _estimated(store: Store, run: Run, campaign: Campaign) -> Iterator[str]:
    """Yields the keys of the series that a campaign has estimates of."""
    table = store.estimates(run_ids=[run.run_id])
    ids = [*table.campaign_id, None]  # the last one is that of rows without a campaign, whose index is -1
    mine = np.array([ids[index] == campaign.campaign_id for index in table.campaign.tolist()], dtype=np.bool_)
    for index in np.unique(table.series[mine]).tolist():
        yield table.series_key[index]
