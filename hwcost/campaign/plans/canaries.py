"""Canaries: two small workloads, one bound by computing and one by memory, visited again and again through a campaign.

Workloads that are timed in turn have them as two more among them, in every round; they go between workloads that are not.

Their own visits show how the machine's level moved, so they check the level that was found without them, and they link
campaigns of different days. Nothing is ever divided by them: their noise would go into every latency.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.timing.measurement import Visit
from hwcost.workloads import ComponentWorkload, ModelWorkload
from hwcost.workloads.base import Workload

if TYPE_CHECKING:
    from hwcost.campaign.plans.plan import Item, Plan


ROLE = "canary"
EVERY = 20
"""Visits between two canaries: no canary is slower than the cheapest visit, so they take at most 5 % of the time."""

WITHOUT = ("null", "replay")
"""Backends that get no canaries by themselves."""

LEAST_VISITS = 4
"""Canary visits from which they say anything."""

UNSTABLE = 0.05
"""Range of the canaries' level, from round to round, from which the machine is in doubt."""


def choose(items: Sequence[Item], backend: str) -> tuple[Workload, ...]:
    """Chooses the canaries of a campaign.

    Args:
        items: Workloads of the campaign.
        backend: Name of the backend; laws and recordings have no level to watch.

    Returns:
        The part of the items' space with the most operations per number moved, and the one with the fewest, in the items'
        shape; none where the items belong to no space or to several, or are too few.
    """
    if backend in WITHOUT:
        return ()
    workloads = [item.workload for item in items]
    of_space = [one for one in workloads if isinstance(one, ComponentWorkload | ModelWorkload)]
    if len(items) < EVERY or len(of_space) < len(items) or len({(one.space, one.options) for one in of_space}) > 1:
        return ()
    first = of_space[0]
    space = first.search_space()
    if not space.is_buildable:  # nothing is known of its parts
        return ()
    shape = {"batch_size": first.batch_size, "seq_len": first.seq_len, "dtype": first.dtype}
    parts = [ComponentWorkload.of(space, part, **shape) for part in (*space.components(), *space.parts())]
    compute = max((part for part in parts[len(space.components()) :] or parts), key=_intensity)
    memory = min(parts, key=lambda part: (_intensity(part), -part.work().elements))
    taken = {one.key for one in workloads}
    return tuple(one for one in {compute.key: compute, memory.key: memory}.values() if one.key not in taken)


def _intensity(part: ComponentWorkload) -> float:
    work = part.work()
    return work.flops / max(1, work.elements)


def join(plan: Plan, order: Sequence[str], failed: Collection[str] = ()) -> list[str]:
    """Puts the canaries of a plan into the order of a round.

    Args:
        plan: Plan of the campaign.
        order: Keys of the round's workloads.
        failed: Keys of canaries that are left out.
    """
    ready = [key for key in plan.canary_keys if key not in failed]
    return interleave(order, ready) if plan.protocol.has_pauses else spread(order, ready)


def interleave(order: Sequence[str], canaries: Sequence[str]) -> list[str]:
    """Puts canaries, each in turn, before every stretch of visits, and after the last."""
    if not canaries or not order:
        return list(order)
    found: list[str] = []
    for turn, start in enumerate(range(0, len(order), EVERY)):
        found += [canaries[turn % len(canaries)], *order[start : start + EVERY]]
    turns = -(-len(order) // EVERY)
    return [*found, canaries[turns % len(canaries)]]


def spread(order: Sequence[str], canaries: Sequence[str]) -> list[str]:
    """Puts each canary once among workloads that are timed in turn, at even distances, so that each group has its share."""
    found = list(order)
    for turn, key in reversed(list(enumerate(canaries))):
        found.insert(turn * len(order) // len(canaries), key)
    return found if order else []


@dataclass(frozen=True, slots=True)
class CanaryCheck:
    """What the canaries say of the level that was found without them.

    Attributes:
        visits: Canary visits.
        before: Standard deviation of their log latency around each one's mean.
        after: The same with the level taken out.
        range: Highest over lowest level less one that they saw themselves, by their means in each round.
        latency_s: Geometric mean of each canary's visits by key; it links campaigns.
    """

    visits: int
    before: float
    after: float
    range: float
    latency_s: dict[str, float]


def check_canaries(canaries: Sequence[Visit], items: Sequence[Visit], offset: Floats) -> CanaryCheck | None:
    """Checks a level against canaries, which had no part in finding it.

    Args:
        canaries: Visits of canaries.
        items: Usable visits of items in the order measured, of one class.
        offset: Log level at each of them, shape (n_items,).

    Returns:
        None for too few canary visits, or visits without a common time.
    """
    usable = [visit for visit in canaries if visit.is_usable]
    if len(usable) < LEAST_VISITS or len(items) == 0:
        return None
    level = _level_at(usable, items, offset)
    if level is None:
        return None
    logs = np.log([visit.latency_s for visit in usable])
    keys, which = np.unique([visit.workload_key for visit in usable], return_inverse=True)
    rest = logs - _means(logs, which)[which]
    left = logs - level
    _, rounds = np.unique([visit.round for visit in usable], return_inverse=True)
    return CanaryCheck(
        visits=len(usable),
        before=float(rest.std()),
        after=float((left - _means(left, which)[which]).std()),
        range=float(np.expm1(np.ptp(_means(rest, rounds)))),
        latency_s={str(key): float(np.exp(mean)) for key, mean in zip(keys, _means(logs, which), strict=True)},
    )


def _level_at(canaries: Sequence[Visit], items: Sequence[Visit], offset: Floats) -> Floats | None:
    """Returns the log level that canaries met; None where visits have no common time.

    Workloads that are timed in turn meet what their round does.
    """
    if any(visit.passes for visit in items):
        numbers = np.array([visit.round for visit in items])
        means = {number: float(offset[numbers == number].mean()) for number in np.unique(numbers)}
        return np.array([means.get(visit.round, 0.0) for visit in canaries])
    times = _middles(items)
    return None if (np.diff(times) <= 0).any() else np.interp(_middles(canaries), times, offset)


def _middles(visits: Sequence[Visit]) -> Floats:
    return np.array([(visit.started_s + visit.ended_s) / 2 for visit in visits])


def _means(values: Floats, group: NDArray[np.intp]) -> Floats:
    return np.asarray(np.bincount(group, values) / np.bincount(group))
