"""Announces how long a campaign will take: before it begins, and again after its first visit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hwcost.cli import console

if TYPE_CHECKING:
    from hwcost.campaign.plans.plan import Plan
    from hwcost.campaign.rounds.forecast import Forecast
    from hwcost.campaign.rounds.progress import Progress


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


def announced(
    update: Callable[[Progress], None], store: Any, campaign_id: str, budget_s: float | None, is_here: bool = True
) -> Callable[[Progress], None]:
    """Returns a callback for a campaign that says once, after the first passes, what fits or that it will take long.

    What is known beforehand is said at once.

    Args:
        update: Function that shows the progress.
        store: The open store of the campaign.
        campaign_id: The campaign.
        budget_s: Seconds of the campaign; None for as long as the protocol asks for.
        is_here: Whether this machine measures.
    """
    from hwcost.campaign.plans.plan import Plan, find_campaign
    from hwcost.campaign.rounds.forecast import beforehand, underway

    plan = Plan.from_dict(find_campaign(store, campaign_id).plan)
    if (text := beforehand(plan, budget_s, is_here)) is not None:
        console.note(text)
    is_said = False

    def show(state: Progress) -> None:
        nonlocal is_said
        update(state)
        if not is_said and state.passes and (budget_s is None or state.half_width is not None):
            is_said = True
            if (text := underway(state, plan.protocol, budget_s)) is not None:
                console.note(text)

    return show
