"""Campaigns of a few architectures on a new device: those that tell most, given models of other devices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from hwcost.campaign.plans.plan import Item, Plan
from hwcost.campaign.plans.selection import select
from hwcost.campaign.targets import Factory, architecture_workloads
from hwcost.cost_models.priors.design import Few, choose_few
from hwcost.cost_models.priors.model import PriorModel
from hwcost.cost_models.priors.sources import plain_prior

if TYPE_CHECKING:
    from hwcost.campaign.options import MeasureOptions
    from hwcost.spaces.base import Architecture, SearchSpace


def plan_few(
    space: SearchSpace,
    prior: Any,
    n: int,
    options: MeasureOptions,
    archs: Iterable[Architecture] | None = None,
    *,
    test: int = 0,
    uniform: int = 0,
    factory: Factory | None = None,
) -> tuple[Plan, Few]:
    """Plans a campaign of the architectures that tell most about a new device.

    With a goal about cost models, the fewest that a fit needs are measured at first, and others join while the goal is not
    met; all are chosen before the first measurement. Another machine measures all of them.

    Args:
        space: Space of the architectures.
        prior: Models of other devices, as :func:`hwcost.fit` takes them.
        n: Number of architectures, from 3; the most that are measured where there is such a goal.
        options: Options of measuring; its seed is that of all draws.
        archs: Architectures to choose among; None for a sample of the space.
        test: Further architectures, spread over sizes, with the role ``test``.
        uniform: Further architectures, drawn uniformly, with the role ``uniform``.
        factory: Factory that builds the architectures; None for the space's own builder.

    Raises:
        DataError: When a source of the prior is of another space, or there are too few different architectures.
        UsageError: When ``n`` is below 3, the prior is something else, several shapes are asked for, or planning refuses.
    """
    shape = {name: options.shape[name] for name in ("batch_size", "seq_len")}
    few = choose_few(space, prior, n, archs, seed=options.seed, **shape)
    kept = select(space, 0, test=test, uniform=uniform, seed=options.seed) if test + uniform else []
    roles = {**dict.fromkeys(few.architectures, "fit"), **{a: r for a, r in kept if a not in few.architectures}}
    works = architecture_workloads(space, list(roles), options, factory)
    goals = options.until or ()
    grows = any(goal.takes_more for goal in goals) and not options.is_elsewhere
    first = PriorModel.fewest_architectures if grows else 0
    items = [Item(work, role) for work, role in zip(works, roles.values(), strict=True)]
    return options.plan(items, prior=plain_prior(prior), first=first), few
