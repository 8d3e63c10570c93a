"""Which histories the workloads of a plan belong to, before anything is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwcost.campaign.plans.plan import Plan
from hwcost.campaign.series import series_of
from hwcost.devices import find
from hwcost.quantities import LATENCY
from hwcost.stores.series import Series

if TYPE_CHECKING:
    from hwcost.stores.base import Store

__all__ = ["series_of_plan"]


def series_of_plan(plan: Plan, store: Store) -> dict[str, Series]:
    """Returns the series of the latency of every workload of a plan, by the workload's key.

    Those that the store has are taken from there: of the same device where it is here, else of a device of that name. A
    workload that was never measured gets a new one.

    Args:
        plan: The plan.
        store: Store with the histories.
    """
    present = None if plan.handle is None else find(plan.handle)
    device_key = None if present is None else present.key
    known = {one.workload_key: one for one in store.series().values() if _is_of(one, plan, device_key)}
    return {key: known.get(key) or series_of(plan, item, device_key=device_key) for key, item in plan.by_key.items()}


def _is_of(series: Series, plan: Plan, device_key: str | None) -> bool:
    same = (series.device, series.backend, series.backend_options, series.threads, series.quantity, series.origin)
    is_here = device_key is None or series.device_key in (None, device_key)
    return same == (plan.device, plan.backend, plan.backend_options, plan.threads, LATENCY, "measured") and is_here
