"""From visits to measurements: one latency per workload, with its interval.

The model is ``log latency = item + round + noise``: every round is one process with a layout and a level of its own, so
round means are taken out; noise is pooled over all items, which makes a handful of rounds enough. Outlying visits count
less (Huber). The level of the machine over time takes its place beside the round effect.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hwcost.campaign.plan import Plan, find_campaign
from hwcost.measure import guards
from hwcost.measure.measurement import Flag, Measurement, Visit

if TYPE_CHECKING:
    from hwcost.stores.base import Store

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
        sd: Pooled standard deviation of the noise; NaN without degrees of freedom.
        dof: Degrees of freedom of ``sd``.
    """

    item: NDArray[np.float64]
    round: NDArray[np.float64]
    sd: float
    dof: int


def fit_effects(y: NDArray[np.float64], item: NDArray[np.intp], round: NDArray[np.intp]) -> Effects:
    """Fits ``y = item + round + noise`` by backfitting with Huber weights.

    Args:
        y: Log latency per visit, shape (n,).
        item: Index of the item of each visit, shape (n,), without gaps.
        round: Index of the round of each visit, shape (n,), without gaps.
    """
    n_items, n_rounds = int(item.max()) + 1, int(round.max()) + 1
    a, p, weights = np.zeros(n_items), np.zeros(n_rounds), np.ones(len(y))
    for _ in range(PASSES):
        a = _means(y - p[round], item, weights, n_items)
        p = _means(y - a[item], round, weights, n_rounds)
        p -= p.mean()
        residual = y - a[item] - p[round]
        scale = MAD_TO_SD * float(np.median(np.abs(residual)))
        weights = np.minimum(1.0, HUBER * scale / np.maximum(np.abs(residual), 1e-300)) if scale > 0 else np.ones(len(y))
    a = _means(y - p[round], item, weights, n_items)
    dof = len(y) - n_items - (n_rounds - 1)
    return Effects(a, p, _noise(y - a[item] - p[round], scale, dof), dof)


def _noise(residual: NDArray[np.float64], scale: float, dof: int) -> float:
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


def _means(
    values: NDArray[np.float64], group: NDArray[np.intp], weights: NDArray[np.float64], n: int
) -> NDArray[np.float64]:
    total = np.bincount(group, weights * values, n)
    return np.asarray(total / np.bincount(group, weights, n))


def estimate(plan: Plan, visits: Iterable[Visit]) -> list[Measurement]:
    """Estimates every workload of a plan from the visits that there are.

    Returns:
        One measurement per item, in the plan's order; without usable visits its latency is None and its flags say why.
    """
    grouped: dict[str, list[Visit]] = {key: [] for key in plan.by_key}
    for visit in sorted(visits, key=lambda visit: (visit.round, visit.position)):
        grouped[visit.workload_key].append(visit)
    usable = {key: [v for v in group if v.is_usable] for key, group in grouped.items()}
    fitted = _intervals({key: group for key, group in usable.items() if group})
    return [_measurement(plan, key, grouped[key], usable[key], fitted.get(key)) for key in plan.by_key]


def _intervals(usable: dict[str, list[Visit]]) -> dict[str, tuple[float, float | None]]:
    """Returns latency and relative half-width by workload key."""
    if not usable:
        return {}
    from scipy import stats

    keys = list(usable)
    rows = [(math.log(v.latency_s), i, v.round) for i, key in enumerate(keys) for v in usable[key]]
    _, round_index = np.unique([row[2] for row in rows], return_inverse=True)
    effects = fit_effects(np.array([row[0] for row in rows]), np.array([row[1] for row in rows]), round_index)
    if len(keys) == 1:  # rounds cannot be told from noise: a t interval over the processes
        y = np.array([row[0] for row in rows])
        n = len(y)
        half = float(stats.t.ppf(0.975, n - 1) * y.std(ddof=1) / math.sqrt(n)) if n > 1 else None
        return {keys[0]: (math.exp(float(y.mean())), half)}
    if effects.dof < 1:
        return {key: (math.exp(effects.item[i]), None) for i, key in enumerate(keys)}
    free = len(rows) - len(keys)
    leverage = math.sqrt(1 + (len(effects.round) - 1) / free)
    wide = float(stats.t.ppf(0.975, effects.dof)) * effects.sd * leverage
    return {key: (math.exp(effects.item[i]), wide / math.sqrt(len(usable[key]))) for i, key in enumerate(keys)}


def _measurement(
    plan: Plan, key: str, visits: Sequence[Visit], usable: Sequence[Visit], fitted: tuple[float, float | None] | None
) -> Measurement:
    item = plan.by_key[key]
    flags = list({flag.code: flag for visit in visits for flag in visit.flags}.values())
    if fitted is None:
        return Measurement(item.workload, item.role, None, None, 0, tuple(visits), tuple(flags))
    latency_s, half_width = fitted
    if half_width is not None and half_width > plan.protocol.half_width:
        text = f"the half-width is {100 * half_width:.2f} %, wanted {100 * plan.protocol.half_width:g} %."
        flags.append(Flag("W_IMPRECISE", text, "Measure more rounds, or on a quieter machine."))
    return Measurement(item.workload, item.role, latency_s, half_width, len(usable), tuple(visits), tuple(flags))


def campaign_flags(plan: Plan, measurements: Sequence[Measurement]) -> list[Flag]:
    """Returns the doubts about a campaign as a whole."""
    if len({item.workload.kind for item in plan.items}) != 1:
        return []
    groups = [[v.latency_s for v in m.visits if v.is_usable] for m in measurements]
    flag = guards.null_effect([group for group in groups if group])
    return [flag] if flag else []


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


