"""Makes plans: device, backend, protocol of the tier and canaries are fixed; or finds a campaign of an equal plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hwcost.backends import BACKENDS, Backend, usable
from hwcost.campaign.goals.goal import Goal, adapted
from hwcost.campaign.plans.canaries import choose
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.campaign.plans.roles import check_role
from hwcost.campaign.processes.clocks import check_lockable
from hwcost.campaign.processes.cpus import refuse_too_many
from hwcost.campaign.run import start
from hwcost.devices import Device, DeviceHandle, require
from hwcost.devices import elsewhere as absent
from hwcost.errors import UsageError
from hwcost.timing.arrival import BACK_TO_BACK
from hwcost.timing.protocol import Protocol, protocol
from hwcost.timing.stopping import StoppingCriterion

if TYPE_CHECKING:
    from hwcost.stores.base import Store

__all__ = ["check_runner", "find_or_create", "make_plan"]


def make_plan(
    items: Sequence[Item],
    device: Device,
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
    cache: str = "hot",
    stopping: StoppingCriterion | None = None,
    until: Sequence[Goal] = (),
    quantities: Sequence[str] = (),
    lock_clocks: bool = False,
    elsewhere: bool = False,
    prior: Sequence[Any] = (),
    first: int = 0,
) -> Plan:
    """Plans a campaign.

    Args:
        items: Workloads with their roles.
        device: Device that is here: a handle, or anything that :func:`hwcost.devices.require` takes.
        backend: Name of the runtime.
        tier: ``quick``, ``standard`` or ``strict``.
        rounds: Number of rounds in place of the tier's.
        options: Options of the backend.
        threads: Intra-operator threads.
        seed: Seed of the order of visits.
        pin: Whether worker processes are bound to CPUs.
        blocks: Least number of blocks in a visit, in place of the tier's.
        arrival: Arrival of calls: ``back-to-back``, ``gap=TIME`` or ``poisson=RATE``.
        cache: State of the device's caches before a call, ``hot`` or ``cold``.
        stopping: Criterion by which a visit stops, in place of the tier's.
        until: Goals by which the campaign ends; empty for the tier's half-width.
        quantities: Names of the quantities that are asked for beside latency.
        lock_clocks: Whether the device's clock is locked while the campaign runs.
        elsewhere: Whether another machine measures, so that neither the device nor the runtime need be here.
        prior: Models of other devices, see :class:`hwcost.campaign.plans.plan.Plan`.
        first: Workloads that are measured at first, see there.

    Raises:
        UsageError: When an argument is wrong, a role is unknown, the backend cannot be used on that device or does not run a
            workload, its clock cannot be locked, there are too few CPUs, a goal cannot be judged for these workloads, or
            both goals and a number of rounds are given.
        UnknownNameError: When a quantity is unknown; lists the known ones.
        DeviceError: When the device is not here.
        DataError: When one workload stands twice.
    """
    _check_asked(items, rounds, until)
    own = dict(options or {})
    handle = absent(device) if elsewhere else require(device)
    runtime = _checked(backend, handle, own, elsewhere)
    if runtime.uses_processor and not elsewhere:
        refuse_too_many(threads)
    for item in () if elsewhere else items:  # a job folder says by itself what it cannot hold
        runtime.check_workload(item.workload)
    how = protocol(tier, handle.kind, rounds, blocks, arrival, cache, stopping, quantities)
    if elsewhere:
        check_runner(how, lock_clocks)
    if lock_clocks:
        check_lockable(handle)
    plan = Plan(
        tuple(items), handle.name, backend, adapted(how, until), own, threads, seed, pin, choose(items, backend), handle,
        tuple(map(str, until)), lock_clocks, tuple(prior), first,
    )  # fmt: skip
    for goal in until:
        goal.check(plan)
    return plan


def _check_asked(items: Sequence[Item], rounds: int | None, until: Sequence[Goal]) -> None:
    """Refuses unknown roles, and goals beside a number of rounds."""
    for item in items:
        check_role(item.role)
    if until and rounds is not None:
        raise UsageError(f"rounds={rounds} (--rounds) makes exactly so many; until= (--until) ends before. Give one of them")


def check_runner(how: Protocol, lock_clocks: bool = False) -> None:
    """Refuses what the runner on another machine cannot do.

    Args:
        how: Protocol of the measurements.
        lock_clocks: Whether the device's clock is to be locked.

    Raises:
        UsageError: When it asks for energy, memory or a locked clock.
    """
    if lock_clocks or how.uninterrupted_s or how.watches_memory:
        asked = "clocks are not locked" if lock_clocks else "energy and memory are not measured"
        raise UsageError(f"the runner on another machine measures latency alone: {asked} there. Leave that out.")


def _checked(backend: str, handle: DeviceHandle, options: dict[str, Any], elsewhere: bool) -> type[Backend]:
    """Returns a backend's class after checking that it can be used here, or that it runs on that kind of device at all."""
    if not elsewhere:
        return usable(backend, handle.kind, options)
    chosen: type[Backend] = BACKENDS.load(backend)
    chosen.check_kind(handle.kind)
    chosen.check_options(options)
    return chosen


def find_or_create(plan: Plan, store: Store, run_id: str | None = None) -> str:
    """Returns the id of the store's latest campaign with an equal plan, finished or not; else of a new one.

    Args:
        plan: The plan.
        store: Store that holds the campaigns, and takes the new one.
        run_id: Run of a suite that the campaign belongs to; None for one by itself.
    """
    known = [one for one in store.campaigns(run_id) if one.run_id == run_id]
    same = [one.campaign_id for one in known if Plan.from_dict(one.plan).is_same(plan)]
    return same[-1] if same else start(plan, store, run_id)
