"""The plan of a campaign: everything that is decided before the first measurement, and kept with the results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hwcost._cached import cached_property
from hwcost.campaign.plans import visit_order
from hwcost.campaign.plans.roles import CONFIRMATION, FIT
from hwcost.devices import DeviceHandle
from hwcost.errors import DataError, UsageError
from hwcost.timing.protocol import Protocol
from hwcost.workloads import from_dict
from hwcost.workloads.base import Workload

if TYPE_CHECKING:
    from hwcost.stores.base import Store
    from hwcost.stores.schema import Campaign

__all__ = ["Item", "Plan", "find_campaign", "items"]


@dataclass(frozen=True, slots=True)
class Item:
    """A workload and why it is measured.

    Attributes:
        workload: Workload that is timed.
        role: Purpose, one of :data:`hwcost.campaign.plans.roles.ROLES`; stores may hold others, which were measured before.
    """

    workload: Workload
    role: str = "fit"


@dataclass(frozen=True)
class Plan:
    """A campaign before it runs; pure data.

    Attributes:
        items: Everything that is measured, without repeats.
        device: Name of the device profile.
        backend: Name of the backend.
        protocol: Limits and criteria of every visit.
        backend_options: Options of the backend.
        threads: Intra-operator threads.
        seed: Seed of the order of visits.
        pin: Whether worker processes are bound to CPUs.
        canaries: Small workloads that are visited again and again, see :mod:`hwcost.campaign.plans.canaries`.
        handle: Device that is measured on, with its profile, so that the profile's file is not needed again; None for the
            first device of that name that is here when the campaign runs.
        until: Goals by which the campaign ends, as :func:`hwcost.campaign.goals.goal.read_goals` reads them; empty for the
            protocol's half-width.
        lock_clocks: Whether the device's clock is locked while the campaign runs.
        prior: Models of other devices that goals about cost models learn from: paths of their folders, ``auto``, or
            documents of models; empty where they learn from the campaign alone.
        first: Workloads with the role ``fit`` that are measured at first; the others join in their order while goals ask for
            more of them. 0 for all at once.

    Raises:
        UsageError: When there is nothing to measure.
        DataError: When one workload stands twice (code E_DUPLICATE).
    """

    items: tuple[Item, ...]
    device: str
    backend: str
    protocol: Protocol
    backend_options: dict[str, Any] = field(default_factory=dict)
    threads: int = 1
    seed: int = 0
    pin: bool = True
    canaries: tuple[Workload, ...] = ()
    handle: DeviceHandle | None = None
    until: tuple[str, ...] = ()
    lock_clocks: bool = False
    prior: tuple[Any, ...] = ()
    first: int = 0

    def __post_init__(self) -> None:
        if self.handle is not None and self.handle.name != self.device:
            raise UsageError(f"the plan's device is '{self.device}', and its handle is of {self.handle}")
        if not self.items:
            raise UsageError("there is nothing to measure; give architectures, a component table or a model")
        if self.threads < 1:
            raise UsageError(f"the number of threads must be at least 1, got {self.threads}")
        _ = self.by_key  # which refuses repeats

    @cached_property
    def by_key(self) -> dict[str, Item]:
        """The items by their workload's key."""
        found: dict[str, Item] = {}
        for item in self.items:
            other = found.setdefault(item.workload.key, item)
            if other is not item:
                raise DataError(
                    f"E_DUPLICATE: '{item.workload.name}' ({item.role}) and '{other.workload.name}' ({other.role}) are the "
                    "same workload. Leave one of them out."
                )
        return found

    def workload(self, key: str) -> Workload:
        """Returns an item's workload, or a canary, by its key."""
        item = self.by_key.get(key)
        return self.canary_keys[key] if item is None else item.workload

    @cached_property
    def joining(self) -> tuple[str, ...]:
        """Keys of the workloads that join only while goals ask for more, in their order."""
        learnt = [key for key, item in self.by_key.items() if item.role == FIT]
        return tuple(learnt[self.first :]) if self.first else ()

    @cached_property
    def canary_keys(self) -> dict[str, Workload]:
        """The canaries by their key."""
        return {workload.key: workload for workload in self.canaries}

    @cached_property
    def sizes(self) -> dict[str, float | None]:
        """FLOPs, or numbers moved, by workload key; None where unknown."""
        works = {key: item.workload.work() for key, item in self.by_key.items()}
        return {key: None if work is None else float(work.flops or work.elements) for key, work in works.items()}

    @cached_property
    def classes(self) -> dict[str, int]:
        """Class of size by workload key; the level of the machine may differ between classes."""
        return visit_order.classes(self.sizes)

    @property
    def confirms(self) -> bool:
        """Whether all of it is there to confirm changes of other measurements."""
        return all(item.role == CONFIRMATION for item in self.items)

    def order(self, number: int, keys: Sequence[str]) -> list[str]:
        """Returns the order of visits of a round that holds the given workloads."""
        return visit_order.order(keys, self.classes, self.seed, number)

    def is_same(self, other: Plan) -> bool:
        """Says whether two plans measure the same in the same way on the same device.

        Detected facts do not count, since memory sizes move with every boot, and nor does a handle that one of them lacks.
        """
        one, two = self.to_dict(), other.to_dict()
        handles = one.pop("handle"), two.pop("handle")
        places = [(handle["index"], handle["uuid"]) for handle in handles if handle is not None]
        return one == two and len(set(places)) < 2

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON that :meth:`from_dict` turns back into an equal plan."""
        return {
            "items": [{"workload": item.workload.as_dict(), "role": item.role} for item in self.items],
            "device": self.device,
            "backend": self.backend,
            "protocol": self.protocol.to_dict(),
            "backend_options": self.backend_options,
            "threads": self.threads,
            "seed": self.seed,
            "pin": self.pin,
            "canaries": [workload.as_dict() for workload in self.canaries],
            "handle": None if self.handle is None else self.handle.to_dict(),
            "until": list(self.until),
            "lock_clocks": self.lock_clocks,
            "prior": list(self.prior),
            "first": self.first,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Plan:
        """Makes a plan of what :meth:`to_dict` returned.

        Raises:
            DataError: When a field is missing or unknown.
        """
        try:
            items = tuple(Item(from_dict(item["workload"]), item["role"]) for item in data["items"])
            canaries = tuple(from_dict(workload) for workload in data.get("canaries", ()))
            handle = None if data.get("handle") is None else DeviceHandle.from_dict(data["handle"])
            protocol = Protocol.from_dict(data["protocol"])
            until, prior = tuple(data.get("until", ())), tuple(data.get("prior", ()))
            read = {
                "items": items, "protocol": protocol, "canaries": canaries, "handle": handle, "until": until, "prior": prior,
            }  # fmt: skip
            return cls(**{**data, **read})
        except (KeyError, TypeError) as error:
            raise DataError(f"this is not a campaign's plan: {error}") from None


def items(workloads: Iterable[Workload], role: str = "fit") -> list[Item]:
    """Gives all workloads one role."""
    return [Item(workload, role) for workload in workloads]


def find_campaign(store: Store, campaign_id: str | None = None) -> Campaign:
    """Returns a campaign by id, or the latest one that is not there to confirm a change of other measurements.

    Raises:
        UnknownNameError: When the id is not there.
        DataError: When the store is empty.
    """
    if campaign_id is not None:
        return store.campaign(campaign_id)
    campaign = store.latest_campaign()
    if campaign is not None and _confirms(campaign):
        campaign = next((one for one in reversed(store.campaigns()) if not _confirms(one)), None)
    if campaign is None:
        raise DataError(f"store {store.url} holds no campaign. Run hwcost measure, or hwcost import, with --store first.")
    return campaign


def _confirms(campaign: Campaign) -> bool:
    """Whether all workloads of a campaign are there to confirm a change."""
    roles = {item.get("role") for item in campaign.plan.get("items", ())}
    return roles == {CONFIRMATION}
