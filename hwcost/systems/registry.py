"""The registered pipelines, and how one is made by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost.errors import ContractError, MissingExtraError
from hwcost.registry import Registry
from hwcost.systems.events import Event
from hwcost.systems.parts import Parts
from hwcost.systems.settings import Settings

if TYPE_CHECKING:
    from hwcost.systems.base import Pipeline

DEFAULTS = Settings()
"""The settings of a run for which none are given."""

PIPELINES = Registry(
    "hwcost.systems",
    "pipeline",
    {
        "autodistil": "hwcost.systems.autodistil.pipeline:AutoDistilPipeline",
        "autodistill": "hwcost.systems.autodistill.pipeline:AutoDistillPipeline",
        "components": "hwcost.systems.components.pipeline:ComponentsPipeline",
        "supershaper": "hwcost.systems.supershaper.pipeline:SuperShaperPipeline",
    },
)


def pipeline(
    name: str,
    folder: str | Path,
    settings: Settings = DEFAULTS,
    progress: Callable[[Event], None] = lambda event: None,
    *,
    cost: Any = None,
    searcher: str | Callable[..., Any] | None = None,
    searcher_options: Mapping[str, Any] | None = None,
    constraints: Sequence[Any] = (),
    estimator: str | None = None,
    sizes: Mapping[str, Any] | None = None,
    device: str | None = None,
    dry_run: bool = False,
) -> Pipeline[Any]:
    """Makes a pipeline, with the user's parts in place of its own.

    Args:
        name: A registered name, such as ``supershaper``.
        folder: Folder that keeps everything; a folder of the same settings is resumed.
        settings: The user's choices.
        progress: Function that is called often, with the place that the run has reached.
        cost: Cost model of the system's space, or the folder, store or table of latencies that one is read from; a list for
            a system of several spaces. The device may be absent then: nothing is measured unless one is named and here.
        searcher: Name of a searcher, or a callable that makes one of a problem and a seed.
        searcher_options: Options of the searcher by name.
        constraints: Constraints in place of the system's own limits: texts as ``hwcost search --constraint`` takes them,
            where ``latency_s`` is the cost model; :class:`hwcost.Constraint`; or functions that make one of a space.
        estimator: Name of the gradient estimator of SDO.
        sizes: New values of the preset's fields by name, nested ones with dots: ``{"recipe.steps": 100}``.
        device: Name of the device that latencies are measured on, in place of the settings'.
        dry_run: Whether the pipeline is only asked for its :meth:`~hwcost.systems.Pipeline.plan`: no folder is made, and the
            device need not be here.

    Raises:
        ContractError: When what another distribution registered is not a system, or lacks methods, presets or stages.
        UnknownNameError: When the pipeline, its preset, the searcher or the estimator is unknown.
        DataError: When the folder holds a run of other settings, or a cost model cannot be read.
        DeviceError: When the device is not here, and latencies are to be measured.
        MissingExtraError: When torch is not installed.
        UsageError: When the system does not take a part, a cost model is of another space, or a size has a wrong type.
    """
    kind = _kind(name)
    parts = Parts(
        costs=() if cost is None else tuple(cost) if isinstance(cost, (list, tuple)) else (cost,),
        searcher=searcher, searcher_options=searcher_options or {}, estimator=estimator, sizes=sizes or {},
        constraints=(constraints,) if isinstance(constraints, str) else tuple(constraints),
    )  # fmt: skip
    chosen = settings if device is None else replace(settings, device=device)
    return kind(folder, chosen, progress, parts, dry_run)


def _kind(name: str) -> type[Pipeline[Any]]:
    try:
        kind: Any = PIPELINES.load(name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtraError("torch", "supernet") from None
    return _checked(name, kind)


def _checked(name: str, kind: Any) -> type[Pipeline[Any]]:
    """Returns what is registered.

    Raises:
        ContractError: When it is not a subclass of ``Pipeline``, or lacks methods, presets or stages.
    """
    from hwcost.systems.base import Pipeline

    if not (inspect.isclass(kind) and issubclass(kind, Pipeline)):
        raise ContractError(f"'{name}' is registered as a system, and is not a subclass of hwcost.systems.Pipeline")
    lacking = sorted(kind.__abstractmethods__) + [one for one in ("title", "presets") if not hasattr(kind, one)]
    if not lacking and not kind.stages():
        lacking = ["methods with the decorator hwcost.systems.stage"]
    if lacking:
        raise ContractError(f"the system '{name}' ({kind.__name__}) lacks {', '.join(lacking)}")
    return kind
