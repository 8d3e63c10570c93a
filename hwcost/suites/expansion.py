"""From a suite to the campaigns of a run: one per device, backend and shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from hwcost.backends import BACKENDS
from hwcost.campaign import targets
from hwcost.campaign.goals.goal import read_goals
from hwcost.campaign.options import JobOptions, MeasureOptions
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.cost_models.evaluation.goals import GOALS
from hwcost.devices import elsewhere, present, profiles_of
from hwcost.errors import UsageError
from hwcost.spaces import space as make_space
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
        """Returns how it is measured.

        Args:
            is_absent: Whether the device, or the runtime, need not be here.
        """
        kind = JobOptions if is_absent or self.on is not None else MeasureOptions
        quantities = dict.fromkeys(name for one in self.sets for name in one.quantities)
        return kind(
            device=self.device, backend=self.runtime.name, backend_options=self.runtime.options,
            threads=self.runtime.threads or self.suite.threads or 1, tier=self.tier, seed=self.suite.seed,
            rounds=self.suite.rounds, blocks=self.suite.blocks, until=read_goals(self.suite.until, GOALS),
            pin=self.suite.pin, lock_clocks=self.suite.lock_clocks and not is_absent,
            quantities=() if is_absent else tuple(quantities),
            **self.shape.model_dump(),
        )  # fmt: skip

    def plan(self, *, is_absent: bool = False) -> Plan:
        """Plans the campaign.

        Args:
            is_absent: Whether the device, or the runtime, need not be here.

        Raises:
            NothingLeftError: When none of its workloads is wanted.
            HwcostError: When it cannot be planned: the device or the runtime is not here, or a workload cannot be made.
        """
        options = self.options(is_absent=is_absent)
        return options.plan(self.items(options))

    def items(self, options: MeasureOptions) -> list[Item]:
        """Makes the workloads, each once; of two sets that hold one workload, the first keeps it.

        Raises:
            NothingLeftError: When none is wanted.
            HwcostError: When one cannot be made.
        """
        found: dict[str, Item] = {}
        for chosen in self.sets:
            for item in _of_set(chosen, replace(options, seed=chosen.seed)):
                if self._is_wanted(chosen, item):
                    found.setdefault(item.workload.key, item)
        if not found:
            raise NothingLeftError(f"--only {' '.join(self.only)} leaves no workload of {self}")
        return list(found.values())

    def _is_wanted(self, chosen: WorkloadSet, item: Item) -> bool:
        names = (chosen.name, item.workload.name)
        return not self.only or any(fnmatchcase(name, glob) for name in names for glob in self.only)


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


def _of_set(chosen: WorkloadSet, options: MeasureOptions) -> Iterable[Item]:
    """Makes the items of a set of workloads; its seed is that of the options."""
    if chosen.space is None:
        assert chosen.model is not None
        return [Item(targets.model_workload(chosen.model, options, chosen.inputs), options.role)]
    space = make_space(chosen.space)
    if chosen.components:
        return targets.component_items(space, options, chosen.n, parts=chosen.parts)
    if chosen.archs:
        archs = [space.parse(text) for text in chosen.archs]
        return [Item(one, options.role) for one in targets.architecture_workloads(space, archs, options, chosen.model)]
    kept = {"test": chosen.test_rows, "uniform": chosen.uniform}
    return targets.drawn_items(space, options, chosen.n, design=chosen.design, factory=chosen.model, **kept)


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
