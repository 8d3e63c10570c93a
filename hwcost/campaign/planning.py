"""From what is to be measured to a plan: backend, protocol of the tier, canaries; or to a plan that was begun before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hwcost.backends import usable
from hwcost.campaign.canaries import choose
from hwcost.campaign.cpus import refuse_too_many
from hwcost.campaign.plan import Item, Plan
from hwcost.campaign.run import start
from hwcost.timing.arrival import BACK_TO_BACK
from hwcost.timing.protocol import protocol

if TYPE_CHECKING:
    from hwcost.devices import DeviceProfile
    from hwcost.stores.base import Store

__all__ = ["find_or_create", "make_plan"]


def make_plan(
    items: Sequence[Item],
    profile: DeviceProfile,
    backend: str = "torch",
    *,
    tier: str = "standard",
    rounds: int | None = None,
    options: dict[str, Any] | None = None,
    threads: int = 1,
    seed: int = 0,
    pin: bool = True,
    blocks: int | None = None,
    arrival: str = BACK_TO_BACK,
) -> Plan:
    """Plans a campaign.

    Args:
        items: What is measured, and why.
        profile: The device, which is here.
        backend: The runtime.
        tier: ``quick``, ``standard`` or ``strict``.
        rounds: Overrides the tier's number of rounds.
        options: The backend's own.
        threads: Intra-operator threads.
        seed: Seed of the order of visits.
        pin: Whether worker processes are bound to CPUs.
        blocks: Overrides the least number of blocks in a visit.
        arrival: When calls arrive: ``back-to-back``, ``gap=TIME`` or ``poisson=RATE``.

    Raises:
        UsageError: When an argument is wrong, the backend cannot be used on that device, or there are too few CPUs.
        DataError: When one workload stands twice.
    """
    own = dict(options or {})
    if usable(backend, profile.kind, own).uses_processor:
        refuse_too_many(threads)
    how = protocol(tier, profile.kind, rounds, blocks, arrival)
    return Plan(tuple(items), profile.name, backend, how, own, threads, seed, pin, choose(items, backend))


def find_or_create(plan: Plan, store: Store) -> str:
    """Returns the id of the store's youngest campaign with an equal plan, finished or not; else of a new one."""
    wanted = plan.to_dict()
    same = [one.campaign_id for one in store.campaigns() if Plan.from_dict(one.plan).to_dict() == wanted]
    return same[-1] if same else start(plan, store)
