"""Builds the students and components of the space ``autodistill``; torch is imported only to build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwcost.errors import UsageError
from hwcost.spaces.autodistill import BLOCKS, EMBEDDING, POSITIONS, TOKEN_TYPES, VOCABULARY, AutoDistill
from hwcost.spaces.base import Architecture, Component
from hwcost.workloads import bert_inputs
from hwcost.workloads.builder import Builder, Input

if TYPE_CHECKING:
    import torch


class AutoDistillBuilder(Builder[AutoDistill]):
    """See the base class."""

    max_seq_len = POSITIONS

    def model(self, arch: Architecture) -> torch.nn.Module:
        """See the base class."""
        from hwcost.workloads.autodistill_model import AutoDistillModel

        hidden, bottleneck, heads, intermediate, stacked = (int(gene) for gene in arch.genes)
        genes = (hidden, bottleneck, heads, intermediate, stacked)
        return AutoDistillModel(genes, BLOCKS, VOCABULARY, POSITIONS, TOKEN_TYPES, EMBEDDING)

    def component(self, component: Component, depth: int) -> torch.nn.Module:
        """See the base class."""
        from hwcost.workloads.autodistill_model import BottleneckBlock, TrigramEmbeddings
        from hwcost.workloads.modules import MaskedStack

        if component.kind == "embeddings":
            return TrigramEmbeddings(VOCABULARY, POSITIONS, TOKEN_TYPES, EMBEDDING, component.dim("hidden"))
        if component.kind != "block":
            raise UsageError(f"space 'autodistill' has no component '{component}'")
        return MaskedStack([BottleneckBlock(*(size for _, size in component.dims)) for _ in range(depth)])

    def model_inputs(self, batch_size: int, seq_len: int) -> dict[str, Input]:
        """See :func:`hwcost.workloads.bert_inputs.ids`."""
        return bert_inputs.ids(batch_size, seq_len, VOCABULARY, TOKEN_TYPES)

    def component_inputs(self, component: Component, batch_size: int, seq_len: int) -> dict[str, Input]:
        """Ids for the embeddings, else the hidden state (B, S, h) and the mask (B, S)."""
        inputs = self.model_inputs(batch_size, seq_len)
        if component.kind == "embeddings":
            return bert_inputs.without_mask(inputs)
        return bert_inputs.hidden(inputs, component.dim("hidden"), is_masked=True)

    def is_stackable(self, component: Component) -> bool:
        """Blocks are."""
        return component.kind == "block"
