"""Which campaign of a store a cost model learns from: the latest one that was measured for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hwcost.errors import DataError

if TYPE_CHECKING:
    from hwcost.stores.base import Store
    from hwcost.stores.schema import Campaign

__all__ = ["campaign_to_fit", "described", "unmeasured"]

LEARNT = {"fit", "component"}
"""Roles of workloads that cost models are made of: nets to fit on, and components, whose prices make a lookup table."""

SHOWN = 3
"""Latest campaigns of a store that a text names."""


def campaign_to_fit(store: Store, campaign_id: str | None = None) -> tuple[Campaign, tuple[str, ...]]:
    """Returns the campaign that cost models learn from, and a remark where that is not the store's latest.

    Args:
        store: The store.
        campaign_id: Campaign that was asked for; None for the latest one that has workloads to fit on, or where none has,
            the latest of all.

    Raises:
        UnknownNameError: When the id is not there.
        DataError: When the store is empty.
    """
    from hwcost.campaign.plans.plan import find_campaign

    latest = find_campaign(store, campaign_id)
    if campaign_id is not None or LEARNT & latest.roles.keys():
        return latest, ()
    campaigns = store.campaigns()
    found = next((one for one in reversed(campaigns) if LEARNT & one.roles.keys()), None)
    if found is None:
        return latest, (f"no campaign of {store.url} has workloads of role fit; the latest: {_list(campaigns)}",)
    return found, (
        f"of {store.url}, campaign {described(found)} is read, the latest with workloads of role fit; later ones have none: "
        f"{_list(campaigns[campaigns.index(found) + 1 :])}. --campaign ID takes another one",
    )


def described(campaign: Campaign) -> str:
    """Says which campaign it is: its id, when it was planned, and how many workloads of which roles it has."""
    of_roles = ", ".join(f"{count} {role}" for role, count in campaign.roles.items())
    return f"{campaign.campaign_id} ({f'{campaign.created_at[:16]}Z'.replace('T', ' ')}, {of_roles or 'no workloads'})"


def unmeasured(campaigns: Sequence[Campaign], campaign: Campaign, store: str) -> DataError:
    """Returns the error of a campaign that has measured nothing, which names others of its store."""
    others = [one.campaign_id for one in campaigns if one.campaign_id != campaign.campaign_id][-SHOWN:]
    named = f"; or name another one with --campaign: {', '.join(reversed(others))}" if others else ""
    return DataError(
        f"{store} holds no usable measurement of its campaign {campaign.campaign_id} ({campaign.status}). Go on with it by "
        f"'hwcost measure --resume'{named}"
    )


def _list(campaigns: Sequence[Campaign]) -> str:
    """Names the latest campaigns, the latest first, and how many more there are."""
    named = ", ".join(map(described, reversed(campaigns[-SHOWN:])))
    more = len(campaigns) - SHOWN
    return f"{named} and {more} before" if more > 0 else named
