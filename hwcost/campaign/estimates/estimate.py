"""From visits to measurements: one latency per workload, with its interval.

The model is ``log latency = item + level(class, t) + round + noise``, see :mod:`hwcost.campaign.estimates.time_model`; a
latency is the one at the mean level of the campaign. A visit's latency is the median of its blocks; on a machine whose
blocks see two states, it is the mean of those that saw the uncontended one, and a visit that hardly saw it hardly counts.
An item that too few visits show uncontended is unconfirmed: its interval is as wide as the delay. Where workloads were
measured in turn, their blocks tell level, states and delays together (:mod:`hwcost.campaign.estimates.block_model`):
contended blocks count too, less their delay, and the level's own error is part of every interval.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hwcost._types import Floats
from hwcost.campaign.estimates.diagnostics import DriftCheck, check_drift, is_confounded, of_campaign, size_order
from hwcost.campaign.estimates.intervals import OF_NORMAL, intervals
from hwcost.campaign.estimates.lost_time import CLEAR
from hwcost.campaign.estimates.process_bands import bands_of_item, half_width_of_bands
from hwcost.campaign.estimates.reached import Reached
from hwcost.campaign.estimates.time_model import TimeModel, VisitTable, fit_time_model
from hwcost.campaign.estimates.uncontended import visit_values
from hwcost.campaign.estimates.visit_values import VisitValues
from hwcost.campaign.plans.canaries import CanaryCheck, check_canaries
from hwcost.campaign.plans.plan import Plan, find_campaign
from hwcost.timing.guards import guards
from hwcost.timing.guards.modes import Mode
from hwcost.timing.measurement import Flag, Measurement, Visit

if TYPE_CHECKING:
    from hwcost.stores.base import Store


ONE_PROCESS = "only one process measured it, and the interval of a single workload needs two or more"
ONE_VISIT = "every workload was visited only once, and an interval needs two rounds or more"
UNCONFIRMED = "fewer than two visits show the machine uncontended, so that the interval is as wide as the delay"
TOO_SLOW = "some blocks are {:.0f} % quicker than what seems to be the uncontended machine, and the interval reaches as far"
LOST = "by the machine's counters {:.0f} % of the time was lost where no block shows it, and the interval is that much wider"
OWN = (
    "even in its least disturbed blocks {:.0f} % of the time was lost in calls that were clearly slower than the "
    "quickest ones, by a neighbour or by themselves, and the interval is that much wider"
)
BOTH = "the processes that measured it fall into two groups, and the interval holds both"
UNUSABLE = "none of its visits can be used"

PAUSE = 10.0
"""A pause between visits counts as at most so many usual ones, so that a campaign resumed the next day has one scale."""


@dataclass(frozen=True, slots=True)
class _Estimate:
    """Latency of an item, its relative half-width with the reason for its lack or width and the part common to all items.

    Bands are those of processes that lie further apart than those of other items.
    """

    latency_s: float
    half_width: float | None
    reason: str = ""
    level_half_width: float = 0.0
    is_confirmed: bool = True
    bands: tuple[Mode, ...] = ()


@dataclass(frozen=True)
class CampaignFit:
    """What a campaign's visits say.

    Attributes:
        measurements: One per item, in the plan's order.
        visits: The usable visits in the order measured.
        values: Latency and weight of each of them by its blocks; None without visits.
        model: Their levels, and what is left of each; None for fewer than two items, or without visits.
        drift: Whether the level moved, and what was done about it; None without a model.
        canaries: Check of the level by canaries; None without enough of them.
        flags: Doubts about the campaign as a whole.
    """

    measurements: tuple[Measurement, ...]
    visits: tuple[Visit, ...]
    values: VisitValues | None
    model: TimeModel | None
    drift: DriftCheck | None
    canaries: CanaryCheck | None
    flags: tuple[Flag, ...]


def fit_campaign(plan: Plan, visits: Iterable[Visit]) -> CampaignFit:
    """Estimates every workload of a plan from the visits that there are, and the level of the machine meanwhile.

    Without usable visits an item's latency is None and its flags say why.
    """
    everything = sorted(visits, key=lambda visit: (visit.round, visit.position))
    ordered = [visit for visit in everything if visit.workload_key not in plan.canary_keys]
    usable = [visit for visit in ordered if visit.is_usable]
    grouped: dict[str, list[Visit]] = {key: [] for key in plan.by_key}
    for visit in ordered:
        grouped[visit.workload_key].append(visit)
    values = visit_values(usable) if usable else None
    model = drift = canary_check = None
    fitted: dict[str, _Estimate] = {}
    if values is not None and len({visit.workload_key for visit in usable}) == 1:
        fitted = _alone(usable[0].workload_key, values)
    elif values is not None:
        table = visit_table(plan, usable, values)
        ratio = size_order([plan.sizes[visit.workload_key] for visit in usable])
        confounded = values.level is None and is_confounded(ratio, len(usable))
        model = fit_time_model(table, with_level=values.level is None and not confounded)
        model = model if values.level is None else replace(model, offset=model.offset + values.level)
        drift = check_drift(table, model, ratio, confounded, is_known=values.level is not None)
        fitted = _estimates(usable, table, model, values)
        canary_check = _canary_check(plan, everything, usable, table, model)
    places = [(visit.round, visit.position) for visit in usable]
    levels = {} if model is None else dict(zip(places, map(float, model.offset), strict=True))
    found = tuple(_measurement(plan, key, grouped[key], fitted.get(key), levels, len(fitted)) for key in plan.by_key)
    flags = of_campaign(plan, found, values.states if values else None, model, drift, canary_check)
    return CampaignFit(found, tuple(usable), values, model, drift, canary_check, tuple(flags))


def estimate(plan: Plan, visits: Iterable[Visit]) -> list[Measurement]:
    """Estimates every workload of a plan from the visits that there are, in the plan's order."""
    return list(fit_campaign(plan, visits).measurements)


def _canary_check(
    plan: Plan, visits: Sequence[Visit], usable: Sequence[Visit], table: VisitTable, model: TimeModel
) -> CanaryCheck | None:
    """Checks the level of the smallest class against the canaries, which are small too.

    Canaries that ran in turn with the workloads met the same neighbours, so that delays are part of what both show.
    """
    watched = [visit for visit in visits if visit.workload_key in plan.canary_keys]
    is_small = table.group == table.group.min()
    small = [visit for visit, one in zip(usable, is_small, strict=True) if one]
    if not any(visit.passes for visit in small):
        return check_canaries(watched, small, model.offset[is_small])
    observed = np.log([visit.latency_s for visit in small]) - model.item[table.item[is_small]]
    return check_canaries(watched, small, observed)


def visit_table(plan: Plan, visits: Sequence[Visit], values: VisitValues) -> VisitTable:
    """Makes the columns that the time model takes of usable visits in the order measured."""
    keys = [visit.workload_key for visit in visits]
    return VisitTable(
        y=values.y,
        item=np.unique(keys, return_inverse=True)[1],
        round=np.array([visit.round for visit in visits]),
        group=np.array([plan.classes[key] for key in keys]),
        time=visit_times(visits),
        weight=values.weight,
        in_level=values.uncontended,
        is_precise=values.is_precise,
    )


def visit_times(visits: Sequence[Visit]) -> Floats:
    """Returns the middle of each visit on one time scale, in seconds.

    Long pauses are cut short. Where visits have no times, or those of several virtual clocks, their order is the time.
    """
    middles = np.array([(visit.started_s + visit.ended_s) / 2 for visit in visits])
    gaps = np.diff(middles)
    if len(gaps) == 0 or gaps.min() <= 0:
        return np.arange(len(visits), dtype=np.float64)
    return np.append(0.0, np.cumsum(np.minimum(gaps, PAUSE * np.median(gaps))))


def _alone(key: str, values: VisitValues) -> dict[str, _Estimate]:
    """Returns the t interval over processes of a single workload, since its rounds cannot be distinguished from noise.

    Processes that hardly saw the uncontended machine are left out, unless fewer than two did. Doubt about how much of the
    noise is contention is the same in all of them: the truth is anywhere within its range with the same probability.
    """
    from scipy import stats

    seen = values.y[values.uncontended]
    are_few = len(seen) < min(2, len(values.y))
    are_doubtful = are_few or values.quicker > 0
    is_unconfirmed = are_doubtful and values.delay > 0  # of visits of a single block, nothing says that they were slowed
    y = values.y if are_few else seen
    n = len(y)
    half = float(stats.t.ppf(0.975, n - 1) * y.std(ddof=1) / math.sqrt(n)) if n > 1 else None
    half = None if half is None else math.hypot(half, OF_NORMAL * values.level_error, OF_NORMAL * values.reading_error)
    if is_unconfirmed:
        half = max(half or 0.0, values.delay)
    lost, own = (0.0 if of_visit is None else float(of_visit.mean()) for of_visit in (values.lost, values.own))
    half = None if half is None else half + lost + own
    reason = _unconfirmed(values) if is_unconfirmed else "" if n > 1 else ONE_PROCESS
    is_confirmed = not is_unconfirmed and lost + own <= CLEAR
    return {key: _Estimate(math.exp(float(y.mean())), half, reason or _slowed(lost, own), is_confirmed=is_confirmed)}


def _estimates(visits: Sequence[Visit], table: VisitTable, model: TimeModel, values: VisitValues) -> dict[str, _Estimate]:
    """Returns the estimate for each item by its workload's key; a delay is a half-width also where noise is unknown."""
    found, lacking = intervals(table, model, values), _lacking(table, values)
    estimates: dict[str, _Estimate] = {}
    for i, key in {int(i): visit.workload_key for visit, i in zip(visits, table.item, strict=True)}.items():
        half = None if math.isnan(found.half_width[i]) else float(found.half_width[i])
        is_unconfirmed, why = bool(found.is_unconfirmed[i]), _slowed(float(found.lost[i]), float(found.own[i]))
        reason = lacking if half is None else why or (_unconfirmed(values) if is_unconfirmed else "")
        level, bands = float(found.level[i]), bands_of_item(table, model, i)
        both = half_width_of_bands(bands, float(model.item[i]), int((table.item == i).sum()))
        if half is not None and both > half:
            half, reason = both, reason or BOTH
        estimates[key] = _Estimate(math.exp(model.item[i]), half, reason, level, not is_unconfirmed, bands)
    return estimates


def _unconfirmed(values: VisitValues) -> str:
    """Says why a latency is unconfirmed."""
    return TOO_SLOW.format(-100 * math.expm1(-values.quicker)) if values.quicker > 0 else UNCONFIRMED


def _slowed(lost: float, own: float) -> str:
    """Says that lost time, or slow calls in all blocks, widen an interval; empty where that is little."""
    return (LOST if lost >= own else OWN).format(-100 * math.expm1(-max(lost, own))) if lost + own > CLEAR else ""


def _lacking(table: VisitTable, values: VisitValues) -> str:
    """Says why a campaign of several workloads has no interval."""
    if np.bincount(table.item).max() == 1:
        return ONE_VISIT
    items, rounds = int(table.item.max()) + 1, len(np.unique(table.round))
    slowed = ", of which slowed ones count little" if values.states is not None else ""
    return f"{len(table.y)} visits of {items} workloads in {rounds} rounds{slowed} leave no degree of freedom"


def _measurement(
    plan: Plan,
    key: str,
    visits: Sequence[Visit],
    fitted: _Estimate | None,
    levels: dict[tuple[int, int], float],
    workloads: int,
) -> Measurement:
    """Makes the measurement of one item.

    Args:
        plan: Plan of the campaign.
        key: The item's key.
        visits: All its visits.
        fitted: Estimate of its latency; None without usable visits.
        levels: Log level at each usable visit, by round and position.
        workloads: Number of workloads that have an estimate.
    """
    item = plan.by_key[key]
    speaking = [visit for visit in visits if not visit.is_unfinished] or visits
    flags = list({flag.code: flag for visit in speaking for flag in visit.flags}.values())
    if fitted is None:
        return Measurement(item.workload, item.role, None, None, 0, tuple(visits), tuple(flags), UNUSABLE)
    half_width, reason, wanted = fitted.half_width, fitted.reason, plan.protocol.half_width
    usable = [visit for visit in visits if visit.is_usable]
    factors = [math.exp(-levels.get((visit.round, visit.position), 0.0)) for visit in usable]
    levelled = [[factor * sample for sample in visit.samples_s] for visit, factor in zip(usable, factors, strict=True)]
    needed = len(usable) if half_width is None else Reached(half_width, len(usable), workloads).rounds_for(wanted)
    doubts = [guards.imprecise(half_width, wanted, needed, reason), guards.of_item(levelled, fitted.bands)]
    flags += [flag for flag in doubts if flag is not None]
    return Measurement(
        item.workload, item.role, fitted.latency_s, half_width, len(usable), tuple(visits), tuple(flags), reason,
        fitted.level_half_width, fitted.is_confirmed,
    )  # fmt: skip


def measurements(store: Store, campaign_id: str | None = None) -> list[Measurement]:
    """Estimates a campaign that lies in a store.

    Args:
        store: The store.
        campaign_id: The campaign; None for the latest.

    Raises:
        DataError: When the store holds no campaign.
    """
    campaign = find_campaign(store, campaign_id)
    plan = Plan.from_dict(campaign.plan)
    return estimate(plan, visits_of(store, campaign.campaign_id))


def visits_of(store: Store, campaign_id: str) -> list[Visit]:
    """Returns the visits of a campaign, with their common clock."""
    return [record.visit for record in store.records(campaign_id)]


def needs_more_rounds(measurements: Sequence[Measurement], plan: Plan) -> list[str]:
    """Returns the keys of the workloads that were measured and whose interval is missing, or still wider than wanted."""
    wanted = plan.protocol.half_width
    known = [m for m in measurements if m.latency_s is not None]
    return [m.workload.key for m in known if m.half_width is None or m.half_width > wanted]
