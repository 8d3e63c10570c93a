"""From a suite to the campaigns of a run: one per device, backend and shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hwcost.backends import BACKENDS
from hwcost.campaign.goals.goal import read_goals
from hwcost.campaign.options import JobOptions, MeasureOptions
from hwcost.campaign.plans.plan import Plan
from hwcost.cost_models.evaluation.goals import GOALS
from hwcost.devices import elsewhere, present, profiles_of
from hwcost.errors import UsageError
from hwcost.suites.making import Made, make
from hwcost.suites.place import Runtime, Shape
from hwcost.suites.suite import Suite
from hwcost.suites.workload_set import WorkloadSet

__all__ = ["Part", "expand"]

HERE = "here"
"""Name that stands for every device of this machine."""

DEFAULT_TIER = "standard"

USUAL = ("torch", "torch-xla")
"""Backends of which the first one that runs on a device's kind is its usual one."""


class NothingLeftError(UsageError):
    """Nothing of a campaign matches what was asked for."""


@dataclass(frozen=True)
class Part:
    """One campaign of a run, as it is declared.

    Attributes:
        suite: Suite that declares it.
        sets: Workloads, those of its shape.
        device: Name of the device.
        on: Address of the machine that has it; None for this one.
        runtime: Backend with its options.
        shape: Shape of inputs.
        tier: Precision.
        only: Globs over names of sets and of workloads; everything where there is none.
    """

    suite: Suite
    sets: tuple[WorkloadSet, ...]
    device: str
    on: str | None
    runtime: Runtime
    shape: Shape
    tier: str
    only: tuple[str, ...] = ()

    def __str__(self) -> str:
        """For example ``cpu, torch, batch 1 x 128``."""
        where = self.device if self.on is None else f"{self.device} on {self.on}"
        sizes = [f"batch {self.shape.batch_size}" if self.shape.batch_size else ""]
        sizes += [f"{self.shape.seq_len} tokens" if self.shape.seq_len else "", self.shape.dtype or ""]
        return ", ".join([where, self.runtime.name, *filter(None, sizes)])

    def options(self, *, is_absent: bool = False) -> MeasureOptions:
        """Returns how it is measured, beside the quantities of its sets.

        Args:
            is_absent: Whether the device, or the runtime, need not be here.
        """
        kind = JobOptions if is_absent or self.on is not None else MeasureOptions
        return kind(
            device=self.device, backend=self.runtime.name, backend_options=self.runtime.options,
            threads=self.runtime.threads or self.suite.threads or 1, tier=self.tier, seed=self.suite.seed,
            rounds=self.suite.rounds, blocks=self.suite.blocks, until=read_goals(self.suite.until, GOALS),
            pin=self.suite.pin, lock_clocks=self.suite.lock_clocks and not is_absent,
            **self.shape.model_dump(),
        )  # fmt: skip

    def plan(self) -> Plan:
        """Plans the campaign with all its sets.

        Raises:
            NothingLeftError: When none of its workloads is wanted.
            HwcostError: When it cannot be planned: the device or the runtime is not here, or a set cannot be made.
        """
        options = self.options()
        made = self.made(options)
        if made.broken:
            raise made.broken[0].error
        return self.planned(made, options)

    def made(self, options: MeasureOptions) -> Made:
        """Makes the workloads; what cannot be made is named with the reason.

        Raises:
            DeviceError: When the device is not here.
        """
        _ = options.handle  # sets that lack their device are not broken
        return make(self.sets, options, self.only, is_elsewhere=self.on is not None)

    def planned(self, made: Made, options: MeasureOptions) -> Plan:
        """Plans the campaign of the workloads that were made.

        Goals that cannot be judged without the broken sets give way to the tier's half-width. Of a device that is absent no
        quantities are asked.

        Raises:
            NothingLeftError: When there are none.
            HwcostError: When it cannot be planned.
        """
        if not made.items:
            reasons = "".join(f"; {one}" for one in made.broken)
            raise NothingLeftError(f"--only {' '.join(self.only)} leaves no workload of {self}{reasons}")
        if self.on is not None or not options.is_elsewhere:
            options = replace(options, quantities=self._quantities(made))
        try:
            return options.plan(made.items)
        except UsageError:
            if not (made.broken and options.until):
                raise
            return replace(options, until=None).plan(made.items)

    def _quantities(self, made: Made) -> tuple[str, ...]:
        """Returns the quantities that sets ask for which could be made."""
        broken = {one.name for one in made.broken}
        return tuple(dict.fromkeys(name for one in self.sets if one.name not in broken for name in one.quantities))

    @property
    def identity(self) -> dict[str, Any]:
        """What tells the campaign from others of its suite, as plain JSON; campaigns of further nights have the same."""
        return {
            "device": str(elsewhere(self.device)), "on": self.on, "backend": self.runtime.name,
            "backend_options": self.runtime.options, "threads": self.runtime.threads or self.suite.threads or 1,
            "shape": self.shape.model_dump(exclude_none=True),
        }  # fmt: skip


def expand(
    suite: Suite, *, tier: str | None = None, devices: Sequence[str] = (), only: Sequence[str] = ()
) -> list[Part]:
    """Expands a suite into the campaigns of a run.

    Args:
        suite: The suite.
        tier: Precision; None for the suite's own, or ``standard``.
        devices: Devices in place of the suite's, as in its declaration; empty for the suite's.
        only: Globs over names of sets and of workloads; empty for everything.

    Raises:
        UnknownNameError: When a device or a backend is unknown.
        UsageError: When nothing is measured at that tier.
    """
    chosen = tier or suite.tier or DEFAULT_TIER
    sets = [one for one in suite.workloads if not one.tiers or chosen in one.tiers]
    if not sets:
        raise UsageError(f"suite '{suite.name}' measures nothing at tier '{chosen}'. Give another --tier.")
    places = _places(suite.with_devices(devices) if devices else suite)
    return [
        Part(suite, of_shape, name, on, runtime, shape, chosen, tuple(only))
        for name, on, runtimes in places
        for runtime in runtimes or suite.backends or [_usual(name)]
        for shape, of_shape in _by_shape(sets, suite.shapes)
    ]


def _by_shape(sets: Sequence[WorkloadSet], shapes: Sequence[Shape]) -> Iterator[tuple[Shape, tuple[WorkloadSet, ...]]]:
    """Yields every shape with the sets that are measured at it."""
    groups: dict[tuple[Any, ...], tuple[Shape, list[WorkloadSet]]] = {}
    for one in sets:
        for shape in one.shapes or shapes:
            groups.setdefault(tuple(shape.model_dump().values()), (shape, []))[1].append(one)
    for shape, members in groups.values():
        yield shape, tuple(members)


def _places(suite: Suite) -> list[tuple[str, str | None, list[Runtime]]]:
    """Returns name, address and backends of every device, each once.

    Raises:
        UnknownNameError: When no profile has a name.
    """
    found: dict[tuple[str, str | None], list[Runtime]] = {}
    for place in suite.devices:
        for name in _here() if place.name == HERE and place.on is None else [place.name]:
            elsewhere(name)  # which refuses an unknown name
            found.setdefault((name, place.on), place.backends)
    return [(name, on, runtimes) for (name, on), runtimes in found.items()]


def _here() -> list[str]:
    """Returns the names of the devices of this machine; one without a profile of its kind is left out."""
    found = []
    for device in present():
        names = ["cpu"] if device.kind == "cpu" else profiles_of(device)
        found += [f"{names[0]}:{device.index}" if device.index else names[0]] if names else []
    return found


def _usual(device: str) -> Runtime:
    """Returns the usual backend of a device."""
    kind = elsewhere(device).kind
    fitting = [name for name in USUAL if {kind, "*"} & {*BACKENDS.load(name).kinds}]
    return Runtime(name=(fitting or USUAL)[0])
