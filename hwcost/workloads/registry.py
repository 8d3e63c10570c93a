"""The kinds of workload and the builders of spaces by name, loaded when they are used."""

from __future__ import annotations

from typing import Any

from hwcost.errors import DataError, UsageError
from hwcost.registry import Registry
from hwcost.spaces.base import SearchSpace
from hwcost.workloads.base import Workload
from hwcost.workloads.builder import Builder

__all__ = ["BUILDERS", "WORKLOADS", "builder", "from_dict", "is_net"]

WORKLOADS = Registry(
    "hwcost.workloads",
    "kind of workload",
    {
        "chain": "hwcost.workloads.chain:ChainWorkload",
        "component": "hwcost.workloads.component:ComponentWorkload",
        "factory": "hwcost.workloads.factory:FactoryWorkload",
        "factory-model": "hwcost.workloads.factory_model:FactoryModelWorkload",
        "model": "hwcost.workloads.model:ModelWorkload",
        "onnx": "hwcost.workloads.onnx_file:OnnxWorkload",
        "revision": "hwcost.workloads.revision:RevisionWorkload",
        "synthetic": "hwcost.workloads.synthetic:SyntheticWorkload",
    },
)
"""Kinds of workload by :attr:`Workload.kind`, which plans and stores keep."""

BUILDERS = Registry(
    "hwcost.builders",
    "buildable space",
    {
        "autodistil": "hwcost.workloads.transformer:TransformerBuilder",
        "autodistill": "hwcost.workloads.autodistill:AutoDistillBuilder",
        "components": "hwcost.workloads.components:ComponentsBuilder",
        "supershaper": "hwcost.workloads.supershaper:SuperShaperBuilder",
        "transformer": "hwcost.workloads.transformer:TransformerBuilder",
    },
)
"""Builders by the name of their space."""


def from_dict(data: dict[str, Any]) -> Workload:
    """Turns ``Workload.as_dict()`` back into an equal workload.

    Raises:
        DataError: When the kind is unknown, or a field is missing, unknown or of a wrong type.
        UsageError: When a field has a value that makes no workload, such as an architecture outside its space.
    """
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in WORKLOADS:
        raise DataError(
            f"unknown kind of workload {kind!r}. Known: {', '.join(WORKLOADS.names())}. "
            "A kind of another distribution is known where that distribution is installed"
        )
    of_kind: type[Workload] = WORKLOADS.load(kind)
    try:
        return of_kind.from_fields({name: value for name, value in data.items() if name != "kind"})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        why = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise DataError(f"these fields make no {kind} workload: {why}. Given: {data}") from None


def builder(space: SearchSpace, seq_len: int | None = None) -> Builder[SearchSpace]:
    """Makes the builder of a space.

    Args:
        space: The space.
        seq_len: Tokens per sequence that its nets are to take; None where that does not matter.

    Raises:
        UsageError: When the space only describes data, nothing builds it, or its nets take no sequence that long.
    """
    if space.name not in BUILDERS:
        raise UsageError(
            f"architectures of space '{space.name}' cannot be built, so they cannot be measured. "
            f"Spaces that can: {', '.join(BUILDERS.names())}. For a space of your own, give the factory that builds its "
            "architectures: --model module:factory. Data measured elsewhere can be fitted as it is."
        )
    made: Builder[SearchSpace] = BUILDERS.load(space.name)(space)
    if seq_len is not None:
        made.check_seq_len(seq_len)
    return made


def is_net(module: str, name: str) -> bool:
    """Whether a class is one whose nets some builder makes, so that a folder that names it may be loaded.

    Args:
        module: Module of the class.
        name: Name of the class.
    """
    return f"{module}:{name}" in {getattr(builder, "net", "") for builder in BUILDERS.members().values()}
