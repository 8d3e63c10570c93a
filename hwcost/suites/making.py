"""Makes the workloads of a suite's sets; a set that cannot be made does not keep the others from being measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from hwcost._imports import reason
from hwcost.backends import BACKENDS, Backend
from hwcost.backends.plugin_backends import checked_class
from hwcost.campaign import targets
from hwcost.campaign.options import MeasureOptions
from hwcost.campaign.planning import check_runner
from hwcost.campaign.plans.plan import Item
from hwcost.elsewhere.nets import check_workload
from hwcost.errors import HwcostError, MeasurementError, UnsuitedError
from hwcost.spaces import space as make_space
from hwcost.stores.series import Series
from hwcost.suites.workload_set import WorkloadSet
from hwcost.timing.protocol import protocol
from hwcost.workloads import FactoryModelWorkload, FactoryWorkload

__all__ = ["Broken", "Made", "make"]


@dataclass(frozen=True, slots=True)
class Broken:
    """A set of workloads that cannot be made, so that nothing of it is measured.

    Attributes:
        name: Name of the set.
        error: Reason.
        is_named: Whether the set itself was asked for, and not just workloads that it may hold.
        series: Series that earlier runs measured of it, and that no other set measures.
    """

    name: str
    error: HwcostError
    is_named: bool = True
    series: tuple[Series, ...] = ()

    @property
    def is_unsuited(self) -> bool:
        """Whether the campaign's backend, or machine, runs no workloads of its kind."""
        return isinstance(self.error, UnsuitedError)

    @property
    def workloads(self) -> int:
        """Number of its workloads, as far as earlier runs tell."""
        return len({one.workload_key for one in self.series})

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON."""
        return {"set": self.name, "workloads": self.workloads, "error": str(self.error)}

    def __str__(self) -> str:
        """For example ``set 'encoder': cannot read 'encoder.onnx': No such file or directory``."""
        return f"set '{self.name}': {self.error}"


@dataclass(frozen=True, slots=True)
class Made:
    """The workloads of a campaign.

    Attributes:
        items: Workloads with their roles, each once.
        sets: Keys of the workloads by the name of their set; of two sets that hold one workload, the first has it.
        broken: Sets that cannot be made.
    """

    items: tuple[Item, ...]
    sets: dict[str, list[str]]
    broken: tuple[Broken, ...]


def make(
    sets: Sequence[WorkloadSet], options: MeasureOptions, only: Sequence[str] = (), *, is_elsewhere: bool = False
) -> Made:
    """Makes workloads, those of one set after those of the other.

    Args:
        sets: The sets.
        options: Options of measuring; each set has a seed of its own.
        only: Globs over names of sets and of workloads; everything where there is none.
        is_elsewhere: Whether a machine without hwcost measures them.

    Raises:
        UnknownNameError: When there is no such backend.
    """
    runtime = checked_class(BACKENDS.load(options.backend), options.backend)
    found: dict[str, Item] = {}
    keys: dict[str, list[str]] = {}
    broken = []
    for chosen in sets:
        items = _tried(chosen, options, runtime, is_elsewhere)
        if isinstance(items, HwcostError):
            broken.append(Broken(chosen.name, items, is_matched(only, chosen.name)))
            continue
        for item in items:
            key = item.workload.key
            if key not in found and is_matched(only, chosen.name, item.workload.name):
                found[key] = item
                keys.setdefault(chosen.name, []).append(key)
    return Made(tuple(found.values()), keys, tuple(broken))


def is_matched(only: Sequence[str], *names: str) -> bool:
    """Says whether a glob matches one of some names; without globs everything does."""
    return not only or any(fnmatchcase(name, glob) for name in names for glob in only)


def _tried(
    chosen: WorkloadSet, options: MeasureOptions, runtime: type[Backend], is_elsewhere: bool
) -> list[Item] | HwcostError:
    """Makes the workloads of a set, and returns them, or why that is impossible."""
    try:
        _check_quantities(chosen, options, is_elsewhere)
        items = list(_items(chosen, replace(options, seed=chosen.seed)))
        for item in items:
            _check(item, options, runtime, is_elsewhere)
        if items and isinstance(items[0].workload, FactoryWorkload | FactoryModelWorkload):
            items[0].workload.check_works(**options.shape)
    except HwcostError as error:
        return error
    except (Exception, SystemExit) as error:  # whatever a plug-in or code of the user's does
        return MeasurementError(f"making its workloads raised {reason(error)}")
    return items


def _check_quantities(chosen: WorkloadSet, options: MeasureOptions, is_elsewhere: bool) -> None:
    """Refuses quantities that are unknown, or that cannot be measured by the runner on another machine."""
    how = protocol(options.tier, quantities=chosen.quantities)
    if is_elsewhere:
        check_runner(how)


def _check(item: Item, options: MeasureOptions, runtime: type[Backend], is_elsewhere: bool) -> None:
    """Asks a workload for what every plan asks for, and refuses one that the runtime, or another machine, cannot run."""
    _ = item.workload.key, item.workload.name, item.workload.work()
    if is_elsewhere:
        check_workload(item.workload, options.backend)
    runtime.check_workload(item.workload)


def _items(chosen: WorkloadSet, options: MeasureOptions) -> Iterable[Item]:
    """Makes the items of a set of workloads; its seed is that of the options."""
    if chosen.space is None:
        assert chosen.model is not None
        return [Item(targets.model_workload(chosen.model, options, chosen.inputs), options.role)]
    space = make_space(chosen.space)
    if chosen.components:
        return targets.component_items(space, options, chosen.n, parts=chosen.parts, of_models=chosen.of_models)
    if chosen.archs:
        archs = [space.parse(text) for text in chosen.archs]
        return [Item(one, options.role) for one in targets.architecture_workloads(space, archs, options, chosen.model)]
    kept = {"test": chosen.test_rows, "uniform": chosen.uniform}
    return targets.drawn_items(space, options, chosen.n, design=chosen.design, factory=chosen.model, **kept)
