"""Several components that follow each other, alone or repeated: beside each by itself, they show what a runtime fuses."""

from __future__ import annotations

from collections.abc import Sequence
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
class ChainWorkload(Workload):
    """``depth`` copies of a chain of components, each copy with weights of its own.

    Attributes:
        space: Name of the search space.
        components: Kind and dimensions of every component of the chain, from first to last.
        depth: Number of copies of the chain.
        options: The space's options as sorted pairs.
        batch_size: Sequences per call.
        seq_len: Tokens per sequence.
        dtype: Number format of weights and activations.
        seed: Seed of the weights.
    """

    kind: ClassVar[str] = "chain"

    space: str
    components: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]
    depth: int = 1
    options: Options = ()
    batch_size: int = 1
    seq_len: int = 128
    dtype: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        check_shape(self.batch_size, self.seq_len, self.dtype)
        if self.depth < 1 or not self.components:
            raise UsageError(f"a chain needs a component and a depth of at least 1, got {self.components}, {self.depth}")

    @classmethod
    def of(cls, space: SearchSpace, parts: Sequence[Component], **shape: Any) -> ChainWorkload:
        """Makes the workload of a chain; ``shape`` takes depth, batch_size, seq_len, dtype and seed."""
        chain = tuple((part.kind, part.dims) for part in parts)
        return cls(space.name, chain, options=frozen_options(space.options()), **shape)

    @property
    def name(self) -> str:
        """Name for people, for example ``4 x (dense, gelu)@1x128``."""
        copies = f"{self.depth} x " if self.depth > 1 else ""
        return self._described(f"{copies}({', '.join(map(str, self.parts))})")

    @property
    def parts(self) -> tuple[Component, ...]:
        """The components of one copy."""
        return tuple(Component(kind, dims) for kind, dims in self.components)

    def as_dict(self) -> dict[str, Any]:
        """See the base class; options as a JSON object, each component as its kind and a list of dimensions."""
        chain = [[kind, [list(pair) for pair in dims]] for kind, dims in self.components]
        return {"kind": self.kind, **asdict(self), "options": dict(self.options), "components": chain}

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> ChainWorkload:
        """See the base class; the components are checked against the space."""
        given: Any = fields.get("components")
        chain = tuple((str(kind), tuple((str(name), int(size)) for name, size in dims)) for kind, dims in given)
        made = super(ChainWorkload, cls).from_fields(
            {**fields, "components": chain, "options": frozen_options(fields.get("options", {}))}
        )
        made.work()
        return made

    def search_space(self) -> SearchSpace:
        """Returns the search space with its options."""
        return space_of(self.space, self.options)

    def work(self) -> Work:
        """Returns the space's own count for all components of all copies."""
        space = self.search_space()
        one = (space.component_work(part, self.batch_size, self.seq_len) for part in self.parts)
        return sum(one, start=Work()).times(self.depth)

    def build(self) -> torch.nn.Module:
        """See the base class."""
        from hwcost.workloads.weights import materialize

        return materialize(lambda: self._builder().chain(self.parts, self.depth), self.dtype, self.seed)

    def inputs(self, seed: int = 0) -> dict[str, NDArray[Any]]:
        """See the base class."""
        return draw_inputs(self._builder().chain_inputs(self.parts, self.batch_size, self.seq_len), seed)

    def _builder(self) -> Builder[SearchSpace]:
        return builder(self.search_space(), self.seq_len)
