"""A whole model: an architecture of a search space at a batch size, sequence length and dtype."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import NDArray

from hwcost.spaces.accounting import Work
from hwcost.spaces.base import Architecture, GeneValue, SearchSpace
from hwcost.workloads.base import Options, Workload, check_shape, default_options, frozen_options, space_of
from hwcost.workloads.builder import Builder, draw_inputs
from hwcost.workloads.registry import builder

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class ModelWorkload(Workload):
    """An architecture, built whole.

    Attributes:
        space: Name of the search space.
        genes: The architecture's genes.
        options: The space's options as sorted pairs, for example ``(("merged", False),)``.
        batch_size: Sequences per call.
        seq_len: Tokens per sequence.
        dtype: Number format of weights and activations.
        seed: Seed of the weights.
    """

    kind: ClassVar[str] = "model"

    space: str
    genes: tuple[GeneValue, ...]
    options: Options = ()
    batch_size: int = 1
    seq_len: int = 128
    dtype: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        check_shape(self.batch_size, self.seq_len, self.dtype)

    @classmethod
    def of(cls, space: SearchSpace, arch: Architecture, **shape: Any) -> ModelWorkload:
        """Makes the workload of an architecture; ``shape`` takes batch_size, seq_len, dtype and seed."""
        return cls(space.name, arch.genes, frozen_options(space.options()), **shape)

    @property
    def name(self) -> str:
        """Name for people, for example ``360_240_..._360@1x128``.

        Options that differ from the space's defaults come first.
        """
        default = dict(default_options(self.space))
        changed = [f"{key}={_shown(value)}" for key, value in self.options if default.get(key) != value]
        return self._described(" ".join([*changed, self.search_space().key(self.architecture)]))

    @property
    def architecture(self) -> Architecture:
        """The architecture that is built."""
        return Architecture(self.space, self.genes, json.dumps(dict(self.options)))

    def as_dict(self) -> dict[str, Any]:
        """See the base class; options as a JSON object, genes as a list."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return {"kind": self.kind, **plain, "options": dict(self.options), "genes": list(self.genes)}

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> ModelWorkload:
        """See the base class; the genes are checked against the space."""
        made = super(ModelWorkload, cls).from_fields(
            {
                **fields,
                "genes": tuple(fields.get("genes", ())),
                "options": frozen_options(fields.get("options", {})),
            }
        )
        made.search_space().architecture(made.genes)
        return made

    def search_space(self) -> SearchSpace:
        """Returns the search space with its options."""
        return space_of(self.space, self.options)

    def work(self) -> Work | None:
        """Returns the space's own count."""
        return self.search_space().work(self.architecture, self.batch_size, self.seq_len)

    def build(self) -> torch.nn.Module:
        """See the base class."""
        from hwcost.workloads.weights import materialize

        return materialize(self.module, self.dtype, self.seed)

    def module(self) -> torch.nn.Module:
        """Makes the torch module on torch's default device; its weights are torch's own."""
        return self._builder().model(self.architecture)

    def inputs(self, seed: int = 0) -> dict[str, NDArray[Any]]:
        """See the base class."""
        return draw_inputs(self._builder().model_inputs(self.batch_size, self.seq_len), seed)

    def _builder(self) -> Builder[SearchSpace]:
        return builder(self.search_space(), self.seq_len)


def _shown(value: Any) -> str:
    return "[" + ",".join(map(str, value)) + "]" if isinstance(value, tuple) else str(value)
