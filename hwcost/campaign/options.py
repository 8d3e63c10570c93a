"""How a campaign measures: every option in one place, for Python, the command line and the systems alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from hwcost._arguments import OPTIONS, SEED, SWITCH, TEXT, TEXTS, WHOLE, check, of_type
from hwcost._cached import cached_property
from hwcost.campaign.planning import make_plan
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.campaign.plans.roles import check_role
from hwcost.campaign.plans.sizes import SIZES, Sizes, as_sizes
from hwcost.devices import Device, DeviceHandle, require
from hwcost.devices import elsewhere as absent
from hwcost.errors import UsageError
from hwcost.timing.arrival import BACK_TO_BACK
from hwcost.timing.protocol import protocol
from hwcost.timing.stopping import StoppingCriterion

if TYPE_CHECKING:
    from hwcost.campaign.goals.goal import Goal
    from hwcost.workloads.base import Workload

__all__ = ["JobOptions", "MeasureOptions"]

_KINDS = {
    "backend": TEXT, "backend_options": OPTIONS, "batch_size": SIZES, "seq_len": SIZES,
    "dtype": TEXT.or_none, "threads": WHOLE, "tier": TEXT, "rounds": WHOLE.or_none, "blocks": WHOLE.or_none, "arrival": TEXT,
    "cache": TEXT, "stopping": of_type("a stopping criterion", StoppingCriterion).or_none, "seed": SEED, "pin": SWITCH,
    "role": TEXT, "until": of_type("a tuple of goals", tuple).or_none, "quantities": TEXTS, "lock_clocks": SWITCH,
}  # fmt: skip
"""Kind of every option but the device, which is looked for when it is needed."""


@dataclass(frozen=True)
class MeasureOptions:
    """How workloads are measured, whatever they are.

    Attributes:
        device: Name of a device that is here, ``NAME:INDEX`` for one of several, the path of a ``.toml`` file, a profile or
            a handle.
        backend: Runtime that executes the workloads, for example ``torch``, ``onnxruntime`` or ``openvino``.
        backend_options: Options of the backend by name.
        batch_size: Sequences per call, or several such numbers; None for the device's default, or for the size that a
            factory fixes.
        seq_len: Tokens per sequence, or several such numbers; None for the device's default, or for the length that a
            factory fixes.
        dtype: Number format of weights and activations; None for the device's default, or for a factory's own.
        threads: Intra-operator threads.
        tier: Precision: ``quick``, ``standard`` or ``strict`` for relative half-widths of 5, 1 or 0.5 %.
        rounds: Exact number of rounds; None for the tier's number, with further rounds until the half-width is reached.
        blocks: Least number of timed blocks in a visit, from 4; None for ten, or for as many calls as give a 95th
            percentile where calls arrive with pauses.
        arrival: Arrival of calls: ``back-to-back``, ``gap=200ms`` or ``poisson=20/s``; with pauses, each call is timed by
            itself.
        cache: State of the device's caches before a call, ``hot`` or ``cold``.
        stopping: Criterion by which a visit stops; None for the tier's.
        seed: Seed of the order of visits.
        pin: Whether measuring processes are bound to CPUs.
        role: Role of the workloads that come without one, one of :data:`hwcost.campaign.plans.roles.ROLES`; cost models
            learn from the role ``fit``.
        until: Goals by which the campaign ends, see :mod:`hwcost.campaign.goals.goal`; None for the tier's half-width.
        quantities: Names of the quantities that are asked for beside latency, such as ``energy_j``.
        lock_clocks: Whether the clock of a GPU is locked near 80 % of its highest while the campaign runs, which takes the
            right to do so; it is reset in any case.

    Raises:
        UnknownNameError: When a quantity is unknown; lists the known ones.
        UsageError: When an option is of a wrong type, the role, the tier, the arrival or the state of caches is unknown, the
            rounds are below 1, or the blocks below 4.
    """

    device: Device = "cpu"
    backend: str = "torch"
    backend_options: Mapping[str, Any] = field(default_factory=dict)
    batch_size: Sizes = None
    seq_len: Sizes = None
    dtype: str | None = None
    threads: int = 1
    tier: str = "standard"
    rounds: int | None = None
    blocks: int | None = None
    arrival: str = BACK_TO_BACK
    cache: str = "hot"
    stopping: StoppingCriterion | None = None
    seed: int = 0
    pin: bool = True
    role: str = "fit"
    until: tuple[Goal, ...] | None = None
    quantities: tuple[str, ...] = ()
    lock_clocks: bool = False

    is_elsewhere: ClassVar[bool] = False
    """Whether another machine measures, so that neither the device nor the runtime need be here."""

    def __post_init__(self) -> None:
        check(vars(self), **_KINDS)
        for name in ("batch_size", "seq_len"):
            object.__setattr__(self, name, as_sizes(getattr(self, name)))
        check_role(self.role)
        protocol(
            self.tier, rounds=self.rounds, blocks=self.blocks, arrival=self.arrival, cache=self.cache,
            stopping=self.stopping, quantities=self.quantities,
        )  # fmt: skip

    @cached_property
    def handle(self) -> DeviceHandle:
        """The device that is measured on.

        Raises:
            UnknownNameError: When no profile has that name.
            DeviceError: When the device is not here, unless another machine measures.
        """
        return absent(self.device) if self.is_elsewhere else require(self.device)

    @property
    def each_shape(self) -> list[MeasureOptions]:
        """The same options at every batch size and sequence length that was asked for, one shape each."""
        batches, lengths = (one if isinstance(one, tuple) else (one,) for one in (self.batch_size, self.seq_len))
        return [replace(self, batch_size=batch, seq_len=length) for batch in batches for length in lengths]

    @property
    def asked_shape(self) -> dict[str, Any]:
        """Batch size, sequence length and dtype as they were asked for; None where they were not.

        Raises:
            UsageError: When several shapes were asked for.
        """
        asked = {"batch_size": self.batch_size, "seq_len": self.seq_len, "dtype": self.dtype}
        for name, value in asked.items():
            if isinstance(value, tuple):
                given = ",".join(map(str, value))
                raise UsageError(f"this is measured at one shape, and {name}={given} was given. Give one size")
        return asked

    @property
    def shape(self) -> dict[str, Any]:
        """Batch size, sequence length and dtype, with the device's defaults for what was not asked for; raises likewise."""
        defaults = self.handle.profile.protocol
        asked = {name: value for name, value in self.asked_shape.items() if value is not None}
        return {"batch_size": defaults.batch_size, "seq_len": defaults.seq_len, "dtype": defaults.dtype, **asked}

    def plan(self, targets: Iterable[Item | Workload], *, prior: Sequence[Any] = (), first: int = 0) -> Plan:
        """Plans a campaign: the one way from options to a plan.

        Args:
            targets: Workloads, or workloads with a role of their own.
            prior: Models of other devices that goals about cost models learn from: paths of folders, ``auto``, or documents.
            first: Workloads with the role ``fit`` that are measured at first; the others join while goals ask for more. 0
                for all at once.

        Raises:
            DeviceError: When the device is not here.
            UsageError: When there is nothing to measure, the backend cannot be used on the device, there are fewer CPUs
                than threads, or a goal cannot be judged for these workloads.
            DataError: When one workload stands twice.
        """
        items = [one if isinstance(one, Item) else Item(one, self.role) for one in targets]
        return make_plan(
            items, self.handle, self.backend, tier=self.tier, rounds=self.rounds, options=dict(self.backend_options),
            threads=self.threads, seed=self.seed, pin=self.pin, blocks=self.blocks, arrival=self.arrival, cache=self.cache,
            stopping=self.stopping, until=self.until or (), quantities=self.quantities, lock_clocks=self.lock_clocks,
            elsewhere=self.is_elsewhere, prior=prior, first=first,
        )  # fmt: skip


@dataclass(frozen=True)
class JobOptions(MeasureOptions):
    """How workloads are measured by another machine, which has the device and the runtime."""

    is_elsewhere: ClassVar[bool] = True
