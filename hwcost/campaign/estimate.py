"""From visits to measurements: one latency per workload, with its interval.

The model is ``log latency = item + round + noise``: every round is one process with a layout and a level of its own, so
round means are taken out; noise is pooled over all items, which makes a handful of rounds enough. Outlying visits count
less (Huber). A visit's latency is the median of its blocks; on a machine whose blocks see two states, it is the mean of
those that saw the undisturbed one, and a visit that hardly saw it hardly counts. An item that only one visit shows
undisturbed is unconfirmed: its interval is as wide as the delay. The level of the machine over time takes its place beside
the round effect.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hwcost.campaign.plan import Plan, find_campaign
from hwcost.campaign.undisturbed import contention, visit_values
from hwcost.measure import guards
from hwcost.measure.measurement import Flag, Measurement, Visit

if TYPE_CHECKING:
    from hwcost.stores.base import Store

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

HUBER = 1.5
"""Residuals beyond this many robust standard deviations count less."""

PASSES = 30
MAD_TO_SD = 1.4826


@dataclass(frozen=True, slots=True)
class Effects:
    """The fitted additive model.

    Attributes:
        item: Log latency per item.
        round: Log level per round, mean zero.
        sd: Pooled standard deviation of the noise of a full visit; NaN without degrees of freedom.
        dof: Degrees of freedom of ``sd``.
    """

    item: Floats
    round: Floats
    sd: float
    dof: float


def fit_effects(y: Floats, item: Indices, round: Indices, weight: Floats | None = None) -> Effects:
    """Fits ``y = item + round + noise`` by backfitting with Huber weights.

    Args:
        y: Log latency per visit, shape (n,).
        item: Index of the item of each visit, shape (n,), without gaps.
        round: Index of the round of each visit, shape (n,), without gaps.
        weight: How much of a full visit each one is, shape (n,); None for all of it.
    """
    n_items, n_rounds = int(item.max()) + 1, int(round.max()) + 1
    full = np.ones(len(y)) if weight is None else weight
    a, p, used, scale = np.zeros(n_items), np.zeros(n_rounds), full, 0.0
    for _ in range(PASSES):
        a = _means(y - p[round], item, used, n_items)
        p = _means(y - a[item], round, used, n_rounds)
        p -= p.mean()
        size = np.sqrt(full) * np.abs(y - a[item] - p[round])
        scale = MAD_TO_SD * float(np.median(size))
        used = full * np.minimum(1.0, HUBER * scale / np.maximum(size, 1e-300)) if scale > 0 else full
    a = _means(y - p[round], item, used, n_items)
    repeats = np.maximum(np.bincount(item, full, n_items) - 1, 0).sum()
    dof = float(repeats) - (n_rounds - 1)
    return Effects(a, p, _noise(np.sqrt(full) * (y - a[item] - p[round]), scale, dof), dof)


def _means(values: Floats, group: Indices, weights: Floats, n: int) -> Floats:
    total = np.bincount(group, weights * values, n)
    return np.asarray(total / np.bincount(group, weights, n))


def _noise(residual: Floats, scale: float, dof: float) -> float:
    """Returns the standard deviation that belongs to a Huber estimate: clipped residuals over the share not clipped.

    Source: Huber and Ronchetti, Robust Statistics, 2nd edition, section 7.6.
    """
    if dof < 1:
        return math.nan
    if scale == 0:
        return float(np.sqrt((residual**2).sum() / dof))
    clipped = np.clip(residual, -HUBER * scale, HUBER * scale)
    kept = float((np.abs(residual) <= HUBER * scale).mean())
    return math.sqrt(float((clipped**2).sum()) / dof) / kept


def estimate(plan: Plan, visits: Iterable[Visit]) -> list[Measurement]:
    """Estimates every workload of a plan from the visits that there are.

    Returns:
        One measurement per item, in the plan's order; without usable visits its latency is None and its flags say why.
    """
    ordered = sorted(visits, key=lambda visit: (visit.round, visit.position))
    grouped: dict[str, list[Visit]] = {key: [] for key in plan.by_key}
    for visit in ordered:
        grouped[visit.workload_key].append(visit)
    fitted = _intervals([visit for visit in ordered if visit.is_usable])
    return [_measurement(plan, key, grouped[key], fitted.get(key)) for key in plan.by_key]


def _intervals(visits: Sequence[Visit]) -> dict[str, tuple[float, float | None]]:
    """Returns latency and relative half-width by workload key."""
    if not visits:
        return {}
    from scipy import stats

    values = visit_values(visits)
    y, weight = values.y, values.weight
    keys, item = np.unique([visit.workload_key for visit in visits], return_inverse=True)
    rounds, round_index = np.unique([visit.round for visit in visits], return_inverse=True)
    if len(keys) == 1:  # rounds cannot be told from noise: a t interval over the processes
        n = len(y)
        half = float(stats.t.ppf(0.975, n - 1) * y.std(ddof=1) / math.sqrt(n)) if n > 1 else None
        return {str(keys[0]): (math.exp(float(y.mean())), half)}
    effects = fit_effects(y, item, round_index, weight)
    latency_s = np.exp(effects.item)
    if effects.dof < 1:
        return {str(key): (float(latency_s[i]), None) for i, key in enumerate(keys)}
    amount = np.bincount(item, weight)
    free = max(1.0, float(np.maximum(amount - 1, 0).sum()))
    wide = float(stats.t.ppf(0.975, effects.dof)) * effects.sd * math.sqrt(1 + (len(rounds) - 1) / free)
    is_confirmed = np.bincount(item, values.is_seen) >= 2
    halves = np.maximum(wide / np.sqrt(amount), np.where(is_confirmed, 0.0, values.delay))
    return {str(key): (float(latency_s[i]), float(halves[i])) for i, key in enumerate(keys)}


def _measurement(
    plan: Plan, key: str, visits: Sequence[Visit], fitted: tuple[float, float | None] | None
) -> Measurement:
    item = plan.by_key[key]
    flags = list({flag.code: flag for visit in visits for flag in visit.flags}.values())
    if fitted is None:
        return Measurement(item.workload, item.role, None, None, 0, tuple(visits), tuple(flags))
    latency_s, half_width = fitted
    if half_width is not None and half_width > plan.protocol.half_width:
        text = f"the half-width is {100 * half_width:.2f} %, wanted {100 * plan.protocol.half_width:g} %."
        flags.append(Flag("W_IMPRECISE", text, "Measure more rounds, or on a quieter machine."))
    usable = sum(visit.is_usable for visit in visits)
    return Measurement(item.workload, item.role, latency_s, half_width, usable, tuple(visits), tuple(flags))


def campaign_flags(plan: Plan, measurements: Sequence[Measurement]) -> list[Flag]:
    """Returns the doubts about a campaign as a whole."""
    flags = []
    states = contention([visit for m in measurements for visit in m.visits])
    if states is not None:
        share, delay = 100 * (1 - states.share), 100 * math.expm1(states.delay)
        text = f"{share:.0f} % of the blocks were slowed, by {delay:.0f} % on average."
        remedy = "Latencies are those of the undisturbed machine; stop what else runs here, or on the same host."
        flags.append(Flag("W_UNSTABLE_HOST", text, remedy))
    if len({item.workload.kind for item in plan.items}) == 1:
        groups = [[v.latency_s for v in m.visits if v.is_usable] for m in measurements]
        flag = guards.null_effect([group for group in groups if group])
        flags += [flag] if flag else []
    return flags


def measurements(store: Store, campaign_id: str | None = None) -> list[Measurement]:
    """Estimates a campaign that lies in a store.

    Args:
        store: The store.
        campaign_id: The campaign; None for the youngest.

    Raises:
        DataError: When the store holds no campaign.
    """
    campaign = find_campaign(store, campaign_id)
    plan = Plan.from_dict(campaign.plan)
    return estimate(plan, visits_of(store, campaign.campaign_id))


def visits_of(store: Store, campaign_id: str) -> list[Visit]:
    """Returns the visits of a campaign, with their common clock."""
    return [record.visit() for record in store.records(campaign_id) if record.result.status != "skipped"]


def topped_up(measurements: Sequence[Measurement], plan: Plan) -> list[str]:
    """Returns the keys of the workloads whose interval is still wider than wanted."""
    wanted = plan.protocol.half_width
    return [m.workload.key for m in measurements if m.half_width is not None and m.half_width > wanted]


