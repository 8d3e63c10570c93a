"""What is timed: whole models, components, ONNX files, the user's own modules, and synthetic work."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from hwcost.spaces.base import Architecture, Component, SearchSpace
from hwcost.workloads.base import Workload
from hwcost.workloads.builder import Builder
from hwcost.workloads.chain import ChainWorkload
from hwcost.workloads.component import ComponentWorkload
from hwcost.workloads.factory import FactoryWorkload
from hwcost.workloads.factory_model import FactoryModelWorkload, factory_name, source_of
from hwcost.workloads.model import ModelWorkload
from hwcost.workloads.onnx_file import OnnxWorkload
from hwcost.workloads.registry import BUILDERS, WORKLOADS, builder, from_dict, is_net
from hwcost.workloads.revision import RevisionWorkload
from hwcost.workloads.synthetic import SyntheticWorkload

__all__ = [
    "BUILDERS",
    "WORKLOADS",
    "Builder",
    "ChainWorkload",
    "ComponentWorkload",
    "FactoryModelWorkload",
    "FactoryWorkload",
    "ModelWorkload",
    "OnnxWorkload",
    "RevisionWorkload",
    "SyntheticWorkload",
    "Workload",
    "builder",
    "component_stacks",
    "factory_name",
    "from_dict",
    "is_net",
    "models",
    "source_of",
]


def models(
    space: SearchSpace,
    archs: Iterable[Architecture],
    batch_size: int | None = None,
    seq_len: int | None = None,
    dtype: str | None = None,
    seed: int = 0,
    factory: str | Callable[..., Any] | None = None,
    defaults: dict[str, Any] | None = None,
) -> list[ModelWorkload]:
    """Makes one whole-model workload per architecture.

    Args:
        space: The space.
        archs: Its architectures.
        batch_size: Sequences per call; None for 1, or for what a factory fixes.
        seq_len: Tokens per sequence; None for 128, or for what a factory fixes.
        dtype: Number format of weights and activations; None for float32, or for a factory's own.
        seed: Seed of the weights.
        factory: A factory of the user's that builds the architectures, see
            :class:`hwcost.workloads.factory_model.FactoryModelWorkload`; None for the space's own builder.
        defaults: Shape that a factory is called with where nothing was asked for.

    Raises:
        UsageError: When the space cannot be built, or not at this sequence length.
    """
    shape: dict[str, Any] = {"batch_size": batch_size, "seq_len": seq_len, "dtype": dtype}
    asked = {name: value for name, value in shape.items() if value is not None}
    if factory is not None:
        known = {"factory": factory_name(factory), "source": source_of(factory_name(factory)), **asked}
        return list(FactoryModelWorkload.resolved_for(space, list(archs), defaults or {}, **known))
    shape = {"batch_size": 1, "seq_len": 128, "dtype": "float32", **asked}
    builder(space).check_seq_len(shape["seq_len"])
    return [ModelWorkload.of(space, arch, seed=seed, **shape) for arch in archs]


def component_stacks(
    space: SearchSpace,
    batch_size: int = 1,
    seq_len: int = 128,
    dtype: str = "float32",
    depths: Iterable[int] = (1, 2, 4, 8),
    components: Iterable[Component] | None = None,
) -> list[ComponentWorkload]:
    """Makes the workloads that price components by the slope over depth; by default all that the space prices.

    A component whose output does not have the shape of its input (embeddings, head) appears once, at depth 1.

    Raises:
        UsageError: When the space cannot be built, or not at this sequence length.
    """
    built, depths = builder(space, seq_len), tuple(depths)
    return [
        ComponentWorkload.of(space, part, depth=depth, batch_size=batch_size, seq_len=seq_len, dtype=dtype)
        for part in (space.components() if components is None else components)
        for depth in (depths if built.is_stackable(part) else (1,))
    ]
