"""Builds what the space ``mlp`` describes; torch is imported only to build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwcost.errors import UsageError
from hwcost.spaces import Architecture, Component
from hwcost.workloads.builder import Blueprint, Builder, Input
from hwcost_example.space import Mlp

if TYPE_CHECKING:
    import torch


class MlpBuilder(Builder[Mlp]):
    """Builds nets, and stacks of their parts, from which the costs of the parts are learned."""

    net = "hwcost_example.nets:MlpNet"

    def blueprint(self, arch: Architecture, head: str | None = None) -> Blueprint:
        """Describes a net by its class and the arguments of that class."""
        if head not in (None, "none"):
            raise UsageError(f"nets of space 'mlp' have no head, got '{head}'")
        blocks, inner = map(int, arch.genes)
        return Blueprint.of(self.net, blocks=blocks, inner=inner, **self.space.options())

    def component(self, component: Component, depth: int) -> torch.nn.Module:
        """Makes some copies of a part, one behind the other."""
        from torch import nn

        from hwcost_example.nets import Block

        if component.kind == "embeddings":
            return nn.Embedding(self.space.vocabulary, self.space.width)
        if component.kind != "block":
            raise UsageError(f"space 'mlp' has no component '{component}'. Known: embeddings and block")
        return nn.Sequential(*(Block(self.space.width, component.dim("inner")) for _ in range(depth)))

    def model_inputs(self, batch_size: int, seq_len: int) -> dict[str, Input]:
        """Describes ids (B, S)."""
        return {"input_ids": Input((batch_size, seq_len), below=self.space.vocabulary)}

    def component_inputs(self, component: Component, batch_size: int, seq_len: int) -> dict[str, Input]:
        """Describes ids for the embeddings, and hidden states (B, S, width) for blocks."""
        if component.kind == "embeddings":
            return self.model_inputs(batch_size, seq_len)
        return {"hidden": Input((batch_size, seq_len, self.space.width))}

    def is_stackable(self, component: Component) -> bool:
        """Says that blocks follow each other; embeddings do not."""
        return component.kind == "block"
