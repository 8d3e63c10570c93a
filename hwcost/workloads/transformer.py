"""Builds the models and components of the spaces ``transformer`` and ``autodistil``; torch is imported only to build."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hwcost.errors import UsageError
from hwcost.spaces.base import Architecture, Component
from hwcost.spaces.transformer import TOKEN_TYPES, Transformer
from hwcost.workloads import bert_inputs
from hwcost.workloads.builder import Blueprint, Builder, Input

if TYPE_CHECKING:
    import torch


class TransformerBuilder(Builder[Transformer]):
    """See the base class. A layer stands as it does in the net, with residuals and norms."""

    net = "hwcost.workloads.transformer_model:TransformerModel"

    def __init__(self, space: Transformer) -> None:
        super().__init__(space)
        self.max_seq_len = space.positions

    def blueprint(self, arch: Architecture, head: str | None = None) -> Blueprint:
        """See the base class."""
        space, shape = self.space, self.space.shape(arch)
        arguments = {
            "shape": [[hidden, ffn, heads, heads * space.head_channels(hidden, heads)] for hidden, ffn, heads in shape],
            "embedding_width": space.embedding_width or shape[0][0],
            "head": head or space.head,
            "vocabulary": space.vocabulary,
            "positions": space.positions,
            "token_types": TOKEN_TYPES,
            "activation": space.activation,
        }
        return Blueprint.of(self.net, **arguments)

    def component(self, component: Component, depth: int) -> torch.nn.Module:
        """See the base class."""
        from hwcost.workloads.modules import MaskedStack

        if component.kind != "layer":
            return self._copy(component)
        return MaskedStack([self._copy(component) for _ in range(depth)])

    def model_inputs(self, batch_size: int, seq_len: int) -> dict[str, Input]:
        """See :func:`hwcost.workloads.bert_inputs.ids`."""
        return bert_inputs.ids(batch_size, seq_len, self.space.vocabulary, TOKEN_TYPES)

    def component_inputs(self, component: Component, batch_size: int, seq_len: int) -> dict[str, Input]:
        """Ids for the embeddings, else the hidden state (B, S, width) and, for layers, the mask (B, S)."""
        inputs = self.model_inputs(batch_size, seq_len)
        if component.kind == "embeddings":
            return bert_inputs.without_mask(inputs)
        width = component.dim("inputs" if component.kind == "transition" else "hidden")
        return bert_inputs.hidden(inputs, width, component.kind == "layer")

    def is_stackable(self, component: Component) -> bool:
        """Layers are."""
        return component.kind == "layer"

    def _copy(self, component: Component) -> torch.nn.Module:
        from torch import nn

        from hwcost.workloads import modules

        space = self.space
        dims = dict(component.dims)
        makers: dict[str, Callable[[], torch.nn.Module]] = {
            "embeddings": lambda: modules.Embeddings(space.vocabulary, space.positions, TOKEN_TYPES, dims["hidden"]),
            "layer": lambda: modules.Layer(
                dims["hidden"],
                dims["heads"],
                dims["ffn"],
                channels=dims["heads"] * space.head_channels(dims["hidden"], dims["heads"]),
                activation=space.activation,
            ),
            "transition": lambda: nn.Linear(dims["inputs"], dims["outputs"]),
            "mlm": lambda: modules.BorrowingHead(dims["hidden"], space.vocabulary),
            "pooler": lambda: modules.Pooler(dims["hidden"]),
        }
        if component.kind not in makers:
            raise UsageError(f"space '{space.name}' has no component '{component}'")
        return makers[component.kind]()
