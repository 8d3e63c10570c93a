"""Builds the models and components of the space ``supershaper``; torch is imported only to build."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hwcost.errors import UsageError
from hwcost.spaces.base import Architecture, Component
from hwcost.spaces.supershaper import TOKEN_TYPES, SuperShaper
from hwcost.workloads import bert_inputs
from hwcost.workloads.builder import Blueprint, Builder, Input

if TYPE_CHECKING:
    import torch

_MASKED = ("layer", "attention")
"""Components that take the attention mask beside the hidden state."""


class SuperShaperBuilder(Builder[SuperShaper]):
    """See the base class. A component stands as it does in the net, with residual and norm where it has them."""

    net = "hwcost.workloads.supershaper_model:SuperShaperModel"

    def __init__(self, space: SuperShaper) -> None:
        super().__init__(space)
        self.max_seq_len = space.sizes.positions

    def blueprint(self, arch: Architecture, head: str | None = None) -> Blueprint:
        """See the base class."""
        sizes = self.space.sizes
        arguments = {
            "widths": [int(gene) for gene in self.space.as_architecture(arch).genes],
            "backbone_width": sizes.backbone_width,
            "heads": sizes.heads,
            "feed_forward": sizes.feed_forward,
            "vocabulary": sizes.vocabulary,
            "positions": sizes.positions,
            "token_types": TOKEN_TYPES,
            "merged": self.space.merged,
            "head": head or "mlm",
        }
        return Blueprint.of(self.net, **arguments)

    def component(self, component: Component, depth: int) -> torch.nn.Module:
        """See the base class."""
        from hwcost.workloads.modules import MaskedStack, Stack

        if component.kind in ("embeddings", "head"):
            return self._copy(component)
        copies = [self._copy(component) for _ in range(depth)]
        return MaskedStack(copies) if component.kind in _MASKED else Stack(copies)

    def model_inputs(self, batch_size: int, seq_len: int) -> dict[str, Input]:
        """See :func:`hwcost.workloads.bert_inputs.ids`."""
        return bert_inputs.ids(batch_size, seq_len, self.space.sizes.vocabulary, TOKEN_TYPES)

    def component_inputs(self, component: Component, batch_size: int, seq_len: int) -> dict[str, Input]:
        """Ids for the embeddings, else the hidden state (B, S, width) and, where it is used, the mask (B, S)."""
        inputs = self.model_inputs(batch_size, seq_len)
        if component.kind == "embeddings":
            return bert_inputs.without_mask(inputs)
        return bert_inputs.hidden(inputs, self._widths(component)[0], component.kind in _MASKED)

    def is_stackable(self, component: Component) -> bool:
        """See the base class."""
        inputs, outputs = self._widths(component)
        return inputs == outputs

    def _widths(self, component: Component) -> tuple[int, int]:
        """Returns the widths of input and output; token ids are one number wide."""
        framed = not self.space.merged and component.kind == "layer"
        backbone = self.space.sizes.backbone_width
        if component.kind in ("embeddings", "head"):
            return (1, backbone) if component.kind == "embeddings" else (backbone, self.space.sizes.vocabulary)
        if component.kind == "transition":
            return component.dim("inputs"), component.dim("outputs")
        width = backbone if framed or component.kind == "bottlenecks" else component.dim("hidden")
        return width, width

    def _copy(self, component: Component) -> torch.nn.Module:
        from torch import nn

        from hwcost.workloads import modules

        sizes = self.space.sizes
        width = dict(component.dims).get("hidden", 0)
        outer = None if self.space.merged else sizes.backbone_width
        makers: dict[str, Callable[[], torch.nn.Module]] = {
            "embeddings": lambda: modules.Embeddings(
                sizes.vocabulary, sizes.positions, TOKEN_TYPES, sizes.backbone_width
            ),
            "head": lambda: modules.BorrowingHead(sizes.backbone_width, sizes.vocabulary),
            "layer": lambda: modules.Layer(width, sizes.heads, sizes.feed_forward, outer),
            "attention": lambda: modules.SelfAttention(width, sizes.heads),
            "feed_forward": lambda: modules.FeedForward(width, sizes.feed_forward),
            "layer_norm": lambda: nn.LayerNorm(width, eps=modules.EPSILON),
            "bottlenecks": lambda: modules.Bottlenecks(sizes.backbone_width, width),
            "transition": lambda: nn.Linear(component.dim("inputs"), component.dim("outputs")),
        }
        if component.kind not in makers:
            raise UsageError(f"space 'supershaper' has no component '{component}'")
        return makers[component.kind]()
