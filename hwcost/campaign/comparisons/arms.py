"""One side of a comparison: measurements, with the campaigns and the environment that they come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost.campaign.comparisons.campaign_levels import MeasuredCampaign
from hwcost.campaign.estimates.estimate import fit_campaign, visits_of
from hwcost.campaign.plans.plan import Plan, find_campaign
from hwcost.campaign.result import Result
from hwcost.errors import UnknownNameError, UsageError
from hwcost.stores import open_store
from hwcost.timing.arrival import BACK_TO_BACK
from hwcost.timing.measurement import Measurement

if TYPE_CHECKING:
    from hwcost.stores.base import Store
    from hwcost.stores.schema import Campaign

__all__ = ["Arm", "arm_of_campaign", "read_arm"]


@dataclass(frozen=True)
class Arm:
    """One side of a comparison.

    Attributes:
        name: Name of its source, for people.
        campaign_id: Its campaign; None for measurements given as they are.
        backend: Name of the backend, where known.
        device: Name of the device, where known.
        measurements: Measurements of the arm.
        environment: Facts that must agree; unknown ones are absent.
        canaries: Latency of each canary by its key, in seconds.
        campaigns: The campaigns that the measurements come from; empty for one of these measurements alone.
    """

    name: str
    campaign_id: str | None
    backend: str | None
    device: str | None
    measurements: tuple[Measurement, ...]
    environment: Mapping[str, Any]
    canaries: Mapping[str, float] = field(default_factory=dict)
    campaigns: tuple[MeasuredCampaign, ...] = ()


def read_arm(source: Result | str | Path | Sequence[Measurement]) -> Arm:
    """Reads one side of a comparison; see :func:`hwcost.compare` for what it may be.

    Raises:
        UsageError: When it is something else.
    """
    if isinstance(source, Result):
        with open_store(source.store_url, create=False) as store:
            return arm_of_campaign(store, store.campaign(source.campaign_id), source.campaign_id)
    if isinstance(source, (str, Path)):
        location, _, wanted = str(source).partition("#")
        with open_store(location, create=False) as store:
            return arm_of_campaign(store, _campaign(store, wanted), str(source))
    held = tuple(source) if isinstance(source, Iterable) else (source,)
    if not all(isinstance(one, Measurement) for one in held):
        raise UsageError(
            "an arm is the result of measure, a store, a campaign in one, measurements, or a table; got "
            f"{source!r:.60} ({type(source).__name__})"
        )
    return Arm("measurements", None, None, None, held, {})


def _campaign(store: Store, wanted: str) -> Campaign:
    """Finds a campaign by id, by the beginning of its id, or as the latest of a backend or device."""
    if not wanted:
        return find_campaign(store)
    campaigns = store.campaigns()
    for one in reversed(campaigns):
        if wanted in (one.campaign_id, one.plan.get("backend"), one.plan.get("device")):
            return one
    begun = [one for one in campaigns if one.campaign_id.startswith(wanted)]
    if len(begun) == 1:
        return begun[0]
    names = [name for one in campaigns for name in (one.campaign_id, one.plan.get("backend"), one.plan.get("device"))]
    raise UnknownNameError("campaign, backend or device", wanted, {name for name in names if name is not None})


def arm_of_campaign(store: Store, campaign: Campaign, name: str) -> Arm:
    """Reads a campaign as one side of a comparison.

    Args:
        store: Store that holds it.
        campaign: The campaign.
        name: Name of its source, for people.
    """
    plan = campaign.plan
    fit = fit_campaign(Plan.from_dict(plan), visits_of(store, campaign.campaign_id))
    canaries = {} if fit.canaries is None else fit.canaries.latency_s
    environment = store.environment(campaign.campaign_id)
    planned = {"threads": plan.get("threads"), "arrival": _arrival(plan)}
    facts = {} if environment is None else environment.deciding | planned
    return Arm(
        name, campaign.campaign_id, plan.get("backend"), plan.get("device"), fit.measurements, facts, canaries,
        (MeasuredCampaign.fitted(fit),),
    )  # fmt: skip


def _arrival(plan: Mapping[str, Any]) -> str:
    """Returns when the calls of a campaign arrived; plans of earlier versions knew no pauses."""
    return str(plan.get("protocol", {}).get("arrival", BACK_TO_BACK))
