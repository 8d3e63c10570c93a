"""Builds the students and components of the space ``autodistill``; torch is imported only to build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwcost.errors import UsageError
from hwcost.spaces.autodistill import TOKEN_TYPES, AutoDistill
from hwcost.spaces.base import Architecture, Component
from hwcost.workloads import bert_inputs
from hwcost.workloads.builder import Blueprint, Builder, Input

if TYPE_CHECKING:
    import torch


class AutoDistillBuilder(Builder[AutoDistill]):
    """See the base class."""

    net = "hwcost.workloads.autodistill_model:AutoDistillModel"

    def __init__(self, space: AutoDistill) -> None:
        super().__init__(space)
        self.max_seq_len = space.sizes.positions

    def blueprint(self, arch: Architecture, head: str | None = None) -> Blueprint:
        """See the base class."""
        genes = [int(gene) for gene in self.space.as_architecture(arch).genes]
        return self._blueprint(genes, head or "none", normalised=False)

    def teacher(self, head: str = "mlm") -> Blueprint:
        """Describes the teacher: IB-BERT_LARGE at the paper's scale, with layer norms and GELUs."""
        return self._blueprint(list(self.space.sizes.teacher), head, normalised=True)

    def _blueprint(self, genes: list[int], head: str, normalised: bool) -> Blueprint:
        sizes = self.space.sizes
        arguments = {
            "genes": genes, "blocks": sizes.blocks, "vocabulary": sizes.vocabulary, "positions": sizes.positions,
            "token_types": TOKEN_TYPES, "narrow": sizes.embedding, "head": head, "normalised": normalised,
        }  # fmt: skip
        return Blueprint.of(self.net, **arguments)

    def component(self, component: Component, depth: int) -> torch.nn.Module:
        """See the base class."""
        from hwcost.workloads.autodistill_model import BottleneckBlock, TrigramEmbeddings
        from hwcost.workloads.modules import MaskedStack

        if component.kind == "embeddings":
            sizes = self.space.sizes
            return TrigramEmbeddings(
                sizes.vocabulary, sizes.positions, TOKEN_TYPES, sizes.embedding, component.dim("hidden")
            )
        if component.kind != "block":
            raise UsageError(f"space 'autodistill' has no component '{component}'")
        hidden, bottleneck, heads, intermediate, stacked = (size for _, size in component.dims)
        return MaskedStack(
            [BottleneckBlock(hidden, bottleneck, heads, intermediate, stacked) for _ in range(depth)]
        )

    def model_inputs(self, batch_size: int, seq_len: int) -> dict[str, Input]:
        """See :func:`hwcost.workloads.bert_inputs.ids`."""
        return bert_inputs.ids(batch_size, seq_len, self.space.sizes.vocabulary, TOKEN_TYPES)

    def component_inputs(self, component: Component, batch_size: int, seq_len: int) -> dict[str, Input]:
        """Ids for the embeddings, else the hidden state (B, S, h) and the mask (B, S)."""
        inputs = self.model_inputs(batch_size, seq_len)
        if component.kind == "embeddings":
            return bert_inputs.without_mask(inputs)
        return bert_inputs.hidden(inputs, component.dim("hidden"), is_masked=True)

    def is_stackable(self, component: Component) -> bool:
        """Blocks are."""
        return component.kind == "block"
