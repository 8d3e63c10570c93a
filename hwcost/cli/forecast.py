"""How long a plan will take, by what a store knows of its calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hwcost.campaign.plans.plan import Plan
    from hwcost.campaign.rounds.forecast import Forecast


def expected(plan: Plan, store: str | None, budget_s: float | None, is_here: bool = True) -> Forecast:
    """Forecasts a plan, by calls of the same workloads in a store where there are any."""
    from hwcost.campaign.rounds.forecast import forecast, known_calls
    from hwcost.errors import StoreError, UsageError
    from hwcost.stores import open_store

    try:
        with open_store(store, create=False) as opened:
            return forecast(plan, known_calls(plan, opened), budget_s, is_here)
    except (StoreError, UsageError):  # the store does not exist yet, or cannot be read
        return forecast(plan, budget_s=budget_s, is_here=is_here)
