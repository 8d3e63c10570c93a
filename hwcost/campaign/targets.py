"""What a campaign measures: architectures of a space, its components, or models of the user's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost.campaign.plans.plan import Item, items
from hwcost.campaign.plans.selection import dealt, select
from hwcost.errors import UsageError
from hwcost.spaces import Architecture, SearchSpace
from hwcost.spaces import space as make_space
from hwcost.workloads import FactoryWorkload, OnnxWorkload, component_stacks, models, plugin_workloads
from hwcost.workloads.base import Workload
from hwcost.workloads.factory import OWN
from hwcost.workloads.input_option import read_inputs

if TYPE_CHECKING:
    from hwcost.campaign.options import MeasureOptions
    from hwcost.spaces.base import Design

Factory = str | Callable[..., Any]
"""Code of the user's that builds architectures: ``package.module:factory``, or a function that can be imported."""

DEFAULT_ARCHITECTURES = 40
"""Architectures that are drawn where no number is asked for; fewer in a space that holds fewer."""

DESIGNS = ("spread", "uniform", "grid")

COMPONENT_CHECKS = 10
"""Whole models on which the sum of components is checked where no number is asked for."""


def workloads(
    targets: Iterable[Architecture | Workload] | SearchSpace,
    options: MeasureOptions,
    space: SearchSpace | None = None,
    factory: Factory | None = None,
) -> Sequence[Workload]:
    """Makes workloads of architectures; workloads stay as they are.

    Args:
        targets: Architectures of one space, or workloads.
        options: Options of measuring, for the shape of inputs.
        space: Space of the architectures; None for the space that made them.
        factory: Factory that builds the architectures; None for the space's own builder.

    Raises:
        ContractError: When a kind of workload of another distribution cannot be planned.
        UsageError: When there are things of both kinds, or architectures of several spaces or of differing options.
    """
    given = _read(targets, space)
    wrong = next((one for one in given if not isinstance(one, Architecture | Workload)), None)
    if wrong is not None:
        hint = "" if space is not None else ". Genes, mappings and texts need the space that they are of: space="
        raise UsageError(f"measure takes architectures or workloads, got {type(wrong).__name__}{hint}")
    archs = [one for one in given if isinstance(one, Architecture)]
    if not archs:
        if factory is not None:
            raise UsageError("model= builds architectures; a workload already says what is built. Leave model= out")
        own = [one for one in given if isinstance(one, Workload)]
        for one in own:
            plugin_workloads.check(one)
        return [one.resolved() for one in own]
    if len(archs) != len(given) or len({arch.space for arch in archs}) != 1:
        raise UsageError("measure takes architectures of one space, or workloads, but no mixture of them")
    return architecture_workloads(space or space_of(archs), archs, options, factory)


def architectures(
    targets: Iterable[Architecture | Workload] | SearchSpace, space: SearchSpace | None = None
) -> tuple[SearchSpace, list[Architecture]]:
    """Takes architectures of one space, and returns them with the space.

    Args:
        targets: The architectures.
        space: Their space; None for the one that made them.

    Raises:
        UsageError: When there are none, or other things among them, or they are of several spaces.
    """
    given = _read(targets, space)
    archs = [one for one in given if isinstance(one, Architecture)]
    if not archs or len(archs) != len(given) or len({arch.space for arch in archs}) != 1:
        raise UsageError("a few of several architectures are chosen: give architectures of one space, or the space")
    return space or space_of(archs), archs


def _read(targets: Any, space: SearchSpace | None) -> list[Any]:
    """Returns what is measured as a list; where the space is given, genes, mappings and texts as its architectures.

    The space says what is built, so that architectures of the same space with other options are made anew.
    """
    given = list(targets) if isinstance(targets, Iterable) and not isinstance(targets, str | Mapping) else [targets]
    return given if space is None else [one if isinstance(one, Workload) else _of_space(space, one) for one in given]


def _of_space(space: SearchSpace, one: Any) -> Architecture:
    is_variant = isinstance(one, Architecture) and one.space == space.name and one.space_options != space.options_text
    return space.architecture(one.genes) if is_variant else space.as_architecture(one)


def space_of(archs: Sequence[Architecture]) -> SearchSpace:
    """Returns the space that made architectures, with its options.

    Raises:
        UsageError: When they were made by spaces of differing options, or by nothing that knows its options.
    """
    name = archs[0].space
    texts = dict.fromkeys(arch.space_options for arch in archs)
    if "" in texts and name == "custom":
        raise UsageError("architectures of a space of your own do not hold its genes: give measure(..., space=space) too")
    first, *others = (make_space(name, **json.loads(text or "{}")) for text in texts)  # without a text: of the defaults
    other = next((one for one in others if one.options() != first.options()), None)
    if other is not None:
        raise UsageError(
            f"these architectures of space '{name}' were made with differing options: {first.options()} and "
            f"{other.options()}. Measure them in two campaigns, or say with space= as what all of them are built"
        )
    return first


def architecture_workloads(
    space: SearchSpace, archs: Iterable[Architecture], options: MeasureOptions, factory: Factory | None = None
) -> Sequence[Workload]:
    """Makes one workload per architecture and shape that options and device give, all shapes of an architecture together."""
    held = list(archs)
    made = [_of_one_shape(space, held, one, factory) for one in options.each_shape]
    return [workload for of_arch in zip(*made, strict=True) for workload in of_arch]


def _of_one_shape(
    space: SearchSpace, archs: Sequence[Architecture], options: MeasureOptions, factory: Factory | None
) -> Sequence[Workload]:
    if factory is None:
        return models(space, archs, **options.shape)
    return models(space, archs, **options.asked_shape, factory=factory, defaults=options.shape)


def drawn_items(
    space: SearchSpace,
    options: MeasureOptions,
    number: int | None = None,
    *,
    design: str | None = None,
    test: int = 0,
    uniform: int = 0,
    factory: Factory | None = None,
) -> list[Item]:
    """Draws architectures to learn from, and others that are kept aside for tests.

    Args:
        space: Space to draw from.
        options: Options of measuring; its seed is that of the draws.
        number: Architectures to learn from; None for 40, or for what a small space still holds.
        design: Design of those to learn from: ``spread`` (evenly over sizes) or ``uniform``. Where several shapes are asked
            for, every architecture is measured at one of them, so that architectures and shapes are spread together; with
            ``grid``, architectures are spread over sizes, and each is measured at every shape. None for ``spread`` at one
            shape and ``grid`` at several.
        test: Further architectures, spread over sizes, with the role ``test``.
        uniform: Further architectures, drawn uniformly, with the role ``uniform``.
        factory: Factory that builds the architectures; None for the space's own builder.

    Raises:
        UsageError: When the design is unknown, or the space is too small.
    """
    if design not in (None, *DESIGNS):
        raise UsageError(f"unknown design '{design}'. Known: {', '.join(DESIGNS)}")
    wanted = min(DEFAULT_ARCHITECTURES, space.size - test - uniform) if number is None else number
    how: Design = "uniform" if design == "uniform" else "spread"
    chosen = select(space, wanted, test=test, uniform=uniform, seed=options.seed, design=how)
    shapes = options.each_shape
    if design is None or design == "grid" or len(shapes) == 1:
        made = architecture_workloads(space, [arch for arch, _ in chosen], options, factory)
        return [Item(workload, chosen[i // len(shapes)][1]) for i, workload in enumerate(made)]
    places = dealt([(_size(space, arch), role) for arch, role in chosen], len(shapes), options.seed)
    of_shape = [[arch for (arch, _), place in zip(chosen, places, strict=True) if place == i] for i in range(len(shapes))]
    made_of = [iter(_of_one_shape(space, archs, one, factory)) for archs, one in zip(of_shape, shapes, strict=True)]
    return [Item(next(made_of[place]), role) for place, (_, role) in zip(places, chosen, strict=True)]


def _size(space: SearchSpace, arch: Architecture) -> int:
    """Returns the parameters of an architecture; 0 in a space of the user's own, which counts none."""
    try:
        return space.params(arch)
    except UsageError:
        return 0


def component_items(
    space: SearchSpace, options: MeasureOptions, checks: int | None = None, *, parts: bool = False, of_models: bool = False
) -> list[Item]:
    """Makes stacks of components at several depths, and whole models on which the sum of prices is checked.

    Args:
        space: Space whose components are priced.
        options: Options of measuring; its seed is that of the draw of whole models.
        checks: Number of whole models; None for 10.
        parts: Whether attention, feed-forward, norms and bottlenecks are measured apart too.
        of_models: Whether only the components of those whole models are priced, rather than all of the space.
    """
    shape = options.shape
    archs = space.sample(checks or COMPONENT_CHECKS, seed=options.seed, design="spread")
    own = [part for arch in archs for part in space.components(arch)] if of_models else space.components()
    priced = [*dict.fromkeys(own), *(space.parts() if parts else ())]
    wholes = architecture_workloads(space, archs, options)
    return [*items(component_stacks(space, components=priced, **shape), "component"), *items(wholes, "check")]


def is_file(model: str) -> bool:
    """Whether the text that names a model of the user's is the path of a file, and no ``package.module:factory``."""
    return ":" not in model or model.endswith(".onnx")


def own_models(texts: Sequence[str]) -> list[str]:
    """Returns the models that texts name: factories, and files by their paths or by patterns such as ``nets/*.onnx``.

    Raises:
        UsageError: When no file matches a pattern.
    """
    found: list[str] = []
    for text in texts:
        is_pattern = is_file(text) and has_magic(text) and not Path(text).exists()
        matching = sorted(glob(text)) if is_pattern else [text]
        if not matching:
            raise UsageError(f"no file matches '{text}', seen from {Path.cwd()}")
        found += matching
    return found


def model_workload(model: str, options: MeasureOptions, inputs: Sequence[str] = ()) -> Workload:
    """Reads one model of the user's; sizes that it fixes take the place of defaults, and contradict other requests.

    Args:
        model: Path of an ONNX file, or ``package.module:factory``.
        options: Options of measuring, for the shape of inputs.
        inputs: Shapes of an ONNX file's inputs, ``NAME=1x128[:int64]``.

    Raises:
        UsageError: When a shape cannot be applied, or inputs are given for a factory.
    """
    asked, default = options.asked_shape, options.shape
    if not is_file(model):
        if inputs:
            raise UsageError(f"--input is for ONNX files; let the factory '{model}' return example inputs with its module")
        return FactoryWorkload(model, **{**asked, "dtype": asked["dtype"] or OWN}).resolved(**default)
    start = (default["batch_size"], default["seq_len"])
    return OnnxWorkload.of(model, **asked, inputs=read_inputs(inputs), default=start)
