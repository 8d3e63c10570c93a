"""Builds the nets and pieces of the space ``components``; torch is imported only to build."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hwcost.errors import UsageError
from hwcost.spaces.base import Architecture, Component
from hwcost.spaces.components import POSITIONS, TOKEN_TYPES, BlockGates, Components
from hwcost.workloads import bert_inputs
from hwcost.workloads.builder import Blueprint, Builder, Input

if TYPE_CHECKING:
    import torch


class ComponentsBuilder(Builder[Components]):
    """See the base class. Attention and feed-forwards stand with their residuals, norms by themselves."""

    net = "hwcost.workloads.components_model:ComponentsModel"
    max_seq_len = POSITIONS

    def blueprint(self, arch: Architecture, head: str | None = None) -> Blueprint:
        """See the base class."""
        grid = self.space.grid
        arguments = {
            "blocks": [self._block(gates) for gates in self.space.blocks(arch)],
            "width": grid.width,
            "vocabulary": grid.vocabulary,
            "positions": POSITIONS,
            "token_types": TOKEN_TYPES,
            "head": head or ("pooler" if grid.pooler else "none"),
        }
        return Blueprint.of(self.net, **arguments)

    def _block(self, gates: BlockGates) -> dict[str, Any]:
        parts = self.space.parts_of(gates)
        layers = [dict(part.dims) for part in parts if part.kind == "attention"]
        attention = layers[0] if layers else {}
        further = {"further_heads": [layer["heads"] for layer in layers[1:]]} if len(layers) > 1 else {}
        return {
            "full_key": self.space.grid.width // self.space.grid.heads,
            **{name: attention.get(name, 0) for name in ("heads", "key", "value")},
            "feed_forwards": [part.dim("inner") for part in parts if part.kind == "feed_forward"],
            "means": [bool(mean) for mean in gates.means],
            **further,
        }

    def component(self, component: Component, depth: int) -> torch.nn.Module:
        """See the base class."""
        return self.chain([component], depth) if self.is_stackable(component) else self._copy(component)

    def chain(self, components: Sequence[Component], depth: int) -> torch.nn.Module:
        """See the base class."""
        from hwcost.workloads.modules import MaskedStack, Stack

        wrong = next((one for one in components if not self.is_stackable(one)), None)
        if wrong is not None:
            raise UsageError(f"component '{wrong}' cannot stand in a chain: its output does not fit its input")
        copies = [self._copy(one) for _ in range(depth) for one in components]
        masked = [one.kind == "attention" for one in components] * depth
        return MaskedStack(copies, masked) if any(masked) else Stack(copies)

    def model_inputs(self, batch_size: int, seq_len: int) -> dict[str, Input]:
        """See :func:`hwcost.workloads.bert_inputs.ids`."""
        return bert_inputs.ids(batch_size, seq_len, self.space.grid.vocabulary, TOKEN_TYPES)

    def component_inputs(self, component: Component, batch_size: int, seq_len: int) -> dict[str, Input]:
        """Ids for the embeddings, else the hidden state (B, S, h) and, for attention, the mask (B, S)."""
        inputs = self.model_inputs(batch_size, seq_len)
        if component.kind == "embeddings":
            return bert_inputs.without_mask(inputs)
        return bert_inputs.hidden(inputs, self.space.grid.width, component.kind == "attention")

    def is_stackable(self, component: Component) -> bool:
        """All are but the embeddings and the pooler."""
        return component.kind not in ("embeddings", "pooler")

    def _copy(self, component: Component) -> torch.nn.Module:
        from torch import nn

        from hwcost.workloads import components_model, modules

        grid = self.space.grid
        width = grid.width
        if component.kind == "pooler" and not grid.pooler:
            raise self.space.unknown(component)
        makers: dict[str, Callable[[], torch.nn.Module]] = {
            "embeddings": lambda: modules.Embeddings(grid.vocabulary, POSITIONS, TOKEN_TYPES, width),
            "pooler": lambda: modules.Pooler(width),
            "layer_norm": lambda: components_model.norm(width, bool(component.dim("mean"))),
            "feed_forward": lambda: components_model.ResidualFeedForward(width, component.dim("inner")),
            "attention": lambda: self._attention(component),
            "dense": lambda: nn.Linear(width, width),
            "gelu": nn.GELU,
            "norm_kernel": lambda: _kernels().UncentredNormKernel(width),
            "dense_norm_kernel": lambda: _kernels().BottleneckNormKernel(width, width),
        }
        if component.kind not in makers:
            raise self.space.unknown(component)
        return makers[component.kind]()

    def _attention(self, component: Component) -> torch.nn.Module:
        from hwcost.workloads import components_model

        width = self.space.grid.width
        heads, key, value = (component.dim(name) for name in ("heads", "key", "value"))
        if not key:
            return components_model.ValueMeanPooling(width, heads * value)
        return components_model.ReducedAttention(width, heads, key, value, width // self.space.grid.heads)


def _kernels() -> Any:
    """Imports the modules that run kernels in Triton, which need not be installed."""
    from hwcost.workloads import triton_modules

    return triton_modules
