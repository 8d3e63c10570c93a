"""A part of a model, alone or stacked, so that its cost can be read off the slope over depth."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import NDArray

from hwcost.errors import UsageError
from hwcost.spaces.accounting import Work
from hwcost.spaces.base import Component, SearchSpace
from hwcost.workloads.base import Options, Workload, check_shape, frozen_options, space_of
from hwcost.workloads.builder import Builder, draw_inputs
from hwcost.workloads.registry import builder

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class ComponentWorkload(Workload):
    """``depth`` chained copies of a component, each with weights of its own.

    Attributes:
        space: Name of the search space.
        component: The component's kind, for example ``layer``.
        dims: The component's dimensions, for example ``(("hidden", 360),)``.
        depth: Number of copies.
        options: The space's options as sorted pairs.
        batch_size: Sequences per call.
        seq_len: Tokens per sequence.
        dtype: Number format of weights and activations.
        seed: Seed of the weights.
    """

    kind: ClassVar[str] = "component"

    space: str
    component: str
    dims: tuple[tuple[str, int], ...] = ()
    depth: int = 1
    options: Options = ()
    batch_size: int = 1
    seq_len: int = 128
    dtype: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        check_shape(self.batch_size, self.seq_len, self.dtype)
        if self.depth < 1:
            raise UsageError(f"the depth of a stack must be at least 1, got {self.depth}")

    @classmethod
    def of(cls, space: SearchSpace, part: Component, **shape: Any) -> ComponentWorkload:
        """Makes the workload of a component; ``shape`` takes depth, batch_size, seq_len, dtype and seed."""
        return cls(space.name, part.kind, part.dims, options=frozen_options(space.options()), **shape)

    @property
    def name(self) -> str:
        """Name for people, for example ``4 x layer[hidden=360]@1x128``."""
        copies = f"{self.depth} x " if self.depth > 1 else ""
        return self._described(f"{copies}{self.part}")

    @property
    def part(self) -> Component:
        """The component of which copies are built."""
        return Component(self.component, self.dims)

    def as_dict(self) -> dict[str, Any]:
        """See the base class; options as a JSON object, dimensions as lists."""
        dims = [list(pair) for pair in self.dims]
        return {"kind": self.kind, **asdict(self), "options": dict(self.options), "dims": dims}

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> ComponentWorkload:
        """See the base class; the component is checked against the space."""
        made = super(ComponentWorkload, cls).from_fields(
            {
                **fields,
                "dims": tuple((str(name), int(size)) for name, size in fields.get("dims", ())),
                "options": frozen_options(fields.get("options", {})),
            }
        )
        made.work()
        return made

    def search_space(self) -> SearchSpace:
        """Returns the search space with its options."""
        return space_of(self.space, self.options)

    def work(self) -> Work:
        """Returns the space's own count for all copies."""
        return self.search_space().component_work(self.part, self.batch_size, self.seq_len).times(self.depth)

    def build(self) -> torch.nn.Module:
        """See the base class."""
        from hwcost.workloads.weights import materialize

        return materialize(self.module, self.dtype, self.seed)

    def module(self) -> torch.nn.Module:
        """Makes the torch module on torch's default device; its weights are torch's own."""
        return self._builder().component(self.part, self.depth)

    def inputs(self, seed: int = 0) -> dict[str, NDArray[Any]]:
        """See the base class."""
        return draw_inputs(self._builder().component_inputs(self.part, self.batch_size, self.seq_len), seed)

    def _builder(self) -> Builder[SearchSpace]:
        made = builder(self.search_space(), self.seq_len)
        if self.depth > 1 and not made.is_stackable(self.part):
            raise UsageError(
                f"component '{self.part}' cannot be stacked {self.depth} deep: its output does not fit its input"
            )
        return made
