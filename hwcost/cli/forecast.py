"""Announces how long a campaign will take: before it begins, and again after its first visit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hwcost.cli import console

if TYPE_CHECKING:
    from hwcost.campaign.forecast import Forecast
    from hwcost.campaign.plan import Plan
    from hwcost.campaign.run import Progress


def expected(plan: Plan, store: str | None) -> Forecast:
    """Forecasts the time of a plan, by calls of the same workloads in a store where there are any."""
    from hwcost.campaign.forecast import forecast, known_calls
    from hwcost.errors import StoreError, UsageError
    from hwcost.stores import open_store

    try:
        with open_store(store, create=False) as opened:
            return forecast(plan, known_calls(plan, opened))
    except (StoreError, UsageError):  # the store does not exist yet, or cannot be read
        return forecast(plan)


def announced(
    update: Callable[[Progress], None], store: Any, campaign_id: str
) -> Callable[[Progress], None]:
    """Returns a callback for a campaign that says once, after the first visit, that it will take long.

    What is known beforehand is said at once.

    Args:
        update: Function that shows the progress.
        store: The open store of the campaign.
        campaign_id: The campaign.
    """
    from hwcost.campaign.forecast import beforehand, underway
    from hwcost.campaign.plan import Plan, find_campaign

    plan = Plan.from_dict(find_campaign(store, campaign_id).plan)
    if (text := beforehand(plan)) is not None:
        console.note(text)
    is_said = False

    def show(state: Progress) -> None:
        nonlocal is_said
        update(state)
        if not is_said and state.call_s is not None:
            is_said = True
            if (text := underway(state, plan.protocol)) is not None:
                console.note(text)

    return show
