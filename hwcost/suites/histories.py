"""Which histories the workloads of a campaign belong to, before anything is measured."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hwcost.campaign.plans.plan import Plan
from hwcost.campaign.series import series_of
from hwcost.devices import DetectedDevice, elsewhere, find
from hwcost.quantities import LATENCY
from hwcost.stores.series import Series
from hwcost.suites.machine import is_of_machine, machine

if TYPE_CHECKING:
    from hwcost.stores.base import Store
    from hwcost.stores.runs import Run
    from hwcost.stores.schema import Campaign
    from hwcost.suites.expansion import Part
    from hwcost.suites.making import Made

__all__ = ["facts", "key_of_device", "measured_before", "series_of_plan"]

PART, SETS = "part", "sets"
"""Names of what a suite's campaigns keep: which one of their suite they are, and the keys of the workloads of each set."""

NIGHTS = 120
"""Latest runs in which a set is looked for that cannot be made."""


def facts(part: Part, made: Made) -> dict[str, Any]:
    """Returns what a campaign of a suite keeps beside its plan, so that later runs find its sets again."""
    return {PART: part.identity, SETS: made.sets}


def measured_before(part: Part, store: Store, names: Collection[str]) -> dict[str, list[Series]]:
    """Returns the series of sets by their names, as the latest runs knew them that measured each, the latest first.

    Nothing of the sets need be made for it. A set that no run measured in this campaign is left out. Of a device that is
    absent, only the runs of this machine count: others that share the store may have one of that name.

    Args:
        part: The campaign as it is declared.
        store: Store with earlier runs of the suite.
        names: Names of the sets.
    """
    found: dict[str, list[Series]] = {}
    here, runs = _present(part), store.runs(part.suite.name)
    known = {key: one for key, one in (store.series() if names else {}).items() if _may_be(one, here)}
    if here is None and part.on is None:
        own = machine()
        runs = [run for run in runs if is_of_machine(run, own)]
    for run in reversed(runs[-NIGHTS:]):
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


def key_of_device(part: Part, known: Mapping[str, Sequence[Series]]) -> str | None:
    """Returns the key of a campaign's device: of the one that is here, else of the one that was measured before.

    Args:
        part: The campaign as it is declared.
        known: Series of its sets, from :func:`measured_before`.

    Returns:
        The key; None where the device is not here, and no run measured it.
    """
    here = _present(part)
    return here.key if here else next((one.device_key for of_set in known.values() for one in of_set), None)


def series_of_plan(plan: Plan, store: Store, device_key: str | None) -> dict[str, Series]:
    """Returns the series of the latency of every workload of a plan, by the workload's key.

    Those that the store has are taken from there: of the same device, else of one of its name whose key nobody knows. A
    workload that was never measured gets a new one.

    Args:
        plan: The plan.
        store: Store with the histories.
        device_key: Key of the device; None where it is not known.
    """
    fitting = [one for one in store.series().values() if _is_of(one, plan) and one.device_key in (None, device_key)]
    known = {one.workload_key: one for one in sorted(fitting, key=lambda one: one.device_key is not None)}
    return {key: known.get(key) or series_of(plan, item, device_key=device_key) for key, item in plan.by_key.items()}


def _is_of(series: Series, plan: Plan) -> bool:
    same = (series.device, series.backend, series.backend_options, series.threads, series.quantity, series.origin)
    return same == (plan.device, plan.backend, plan.backend_options, plan.threads, LATENCY, "measured")


def _present(part: Part) -> DetectedDevice | None:
    """Returns the device of a campaign; None where another machine has it, or it is absent."""
    return None if part.on is not None else find(elsewhere(part.device))


def _may_be(series: Series, here: DetectedDevice | None) -> bool:
    """Says whether a series may be of a device: not one of another device of its name."""
    return here is None or series.device_key in (None, here.key)


def _estimated(store: Store, run: Run, campaign: Campaign) -> Iterator[str]:
    """Yields the keys of the series that a campaign has estimates of."""
    table = store.estimates(run_ids=[run.run_id])
    ids = [*table.campaign_id, None]  # the last one is that of rows without a campaign, whose index is -1
    mine = np.array([ids[index] == campaign.campaign_id for index in table.campaign.tolist()], dtype=np.bool_)
    for index in np.unique(table.series[mine]).tolist():
        yield table.series_key[index]
