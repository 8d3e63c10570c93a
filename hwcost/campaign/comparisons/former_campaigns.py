"""Former campaigns in the same store that measured workloads of a campaign: what the store's estimates say of these.

They are of the same device, backend with its options, and threads, since they are of the same series, and all facts of the
environments agree on which comparisons insist. Blocks are not read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats, Indices
from hwcost.campaign.plans.plan import Item
from hwcost.campaign.series import instants, series_of
from hwcost.facts import differing
from hwcost.stores.estimate_table import instant, seconds
from hwcost.stores.ids import utc
from hwcost.stores.series import STATUSES
from hwcost.timing import timer

if TYPE_CHECKING:
    from hwcost.campaign.plans.plan import Plan
    from hwcost.stores.base import Store
    from hwcost.stores.environment import Environment
    from hwcost.stores.estimate_table import EstimateTable
    from hwcost.stores.schema import Campaign
    from hwcost.timing.measurement import Measurement

__all__ = ["FormerCampaign", "former_campaigns"]

LATEST = 50
"""Campaigns that are looked at, the latest ones: what the machine was like before these tells little, and takes time."""

CONFIRMED = STATUSES.index("ok")


@dataclass(frozen=True, slots=True, eq=False)
class FormerCampaign:
    """A former campaign beside the present one, by the workloads that have an interval in both.

    Attributes:
        campaign_id: Id of the former campaign.
        measured_at: Instant at which it visited the first of them.
        workload_keys: Keys of the n workloads.
        log_ratio: Logarithm of the present latency over the former one, shape (n,).
        half_width: Half-widths of both latencies, the present one first, without what the level of their campaign adds to
            them, shape (n, 2).
        is_confirmed: Whether each of them is confirmed, shape (n, 2).
        level_half_width: Half-widths that the levels of both campaigns add, the present one first, shape (2,).
        is_ahead: Whether it is dated later than now, so that the system's time was set meanwhile.
    """

    campaign_id: str
    measured_at: str
    workload_keys: tuple[str, ...]
    log_ratio: Floats
    half_width: Floats
    is_confirmed: NDArray[np.bool_]
    level_half_width: Floats
    is_ahead: bool = False


def former_campaigns(
    store: Store, campaign: Campaign, plan: Plan, measurements: Collection[Measurement]
) -> list[FormerCampaign]:
    """Reads the latest campaigns that were measured before one and share workloads with it, the oldest first.

    One that is dated later than now was stored before now all the same, so it counts as a former one.

    Args:
        store: Store that holds the campaigns.
        campaign: The present campaign.
        plan: Its plan.
        measurements: Its measurements.
    """
    known = [m for m in measurements if m.latency_s is not None and m.half_width is not None]
    if not known or plan.confirms:
        return []
    environment = store.environment(campaign.campaign_id)
    device_key = None if environment is None else environment.device.get("device_key")
    series = {series_of(plan, Item(m.workload, m.role), device_key=device_key).series_key: m for m in known}
    begun = min((at for m in measurements for at in instants(m)), default=campaign.created_at)
    table, now_s = store.estimates(series_keys=series), timer.unix_s()
    own = np.array([one == campaign.campaign_id for one in [*table.campaign_id, None]], dtype=np.bool_)[table.campaign]
    is_before = (table.measured_s < seconds(utc(begun))) | (table.measured_s > now_s)
    is_known = (table.campaign >= 0) & (np.nan_to_num(table.value) > 0) & np.isfinite(table.half_width)
    return list(_comparable(store, environment, table.take(is_before & is_known & ~own), series, now_s))[::-1]


def _comparable(
    store: Store, environment: Environment | None, table: EstimateTable, series: Mapping[str, Measurement], now_s: float
) -> Iterator[FormerCampaign]:
    """Yields the campaigns of a table whose environment agrees, the latest first; those dated after ``now_s`` are marked."""
    facts = {} if environment is None else environment.deciding
    for index in list(dict.fromkeys(reversed(table.campaign.tolist())))[:LATEST]:
        there = store.environment(table.campaign_id[index])
        if not differing(facts, {} if there is None else there.deciding):
            found = _beside(table, np.flatnonzero(table.campaign == index), series)
            yield replace(found, is_ahead=seconds(found.measured_at) > now_s)


def _beside(table: EstimateTable, rows: Indices, series: Mapping[str, Measurement]) -> FormerCampaign:
    """Lays the estimates of a former campaign, by their rows, beside the measurements of the same series."""
    present = [series[table.series_key[index]] for index in table.series[rows].tolist()]
    latency_s = np.array([m.latency_s for m in present], dtype=np.float64)
    paired = np.array([m.paired_half_width for m in present], dtype=np.float64)
    half, level = table.half_width[rows], table.level_half_width[rows]
    was_paired = np.sqrt(np.maximum(0.0, half**2 - level**2))
    is_confirmed = np.array([m.is_confirmed for m in present], dtype=np.bool_)
    own = max((m.level_half_width for m in series.values()), default=0.0)
    return FormerCampaign(
        campaign_id=table.campaign_id[int(table.campaign[rows[0]])],
        measured_at=instant(float(table.measured_s[rows].min())),
        workload_keys=tuple(m.workload.key for m in present),
        log_ratio=np.log(latency_s / table.value[rows]),
        half_width=np.stack([paired, was_paired], axis=1),
        is_confirmed=np.stack([is_confirmed, table.status[rows] == CONFIRMED], axis=1),
        level_half_width=np.array([own, level.max()]),
    )
