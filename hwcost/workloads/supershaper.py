"""Builds the models and components of the space ``supershaper``; torch is imported only to build."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hwcost.errors import UsageError
from hwcost.spaces.base import Architecture, Component
from hwcost.spaces.supershaper import (
    BACKBONE_WIDTH,
    FEED_FORWARD,
    HEADS,
    POSITIONS,
    TOKEN_TYPES,
    VOCABULARY,
    SuperShaper,
)
from hwcost.workloads import bert_inputs
from hwcost.workloads.builder import Builder, Input

if TYPE_CHECKING:
    import torch

_MASKED = ("layer", "attention")
"""Components that take the attention mask beside the hidden state."""


class SuperShaperBuilder(Builder[SuperShaper]):
    """See the base class. A component stands as it does in the net, with residual and norm where it has them."""

    max_seq_len = POSITIONS

    def model(self, arch: Architecture) -> torch.nn.Module:
        """See the base class."""
        from hwcost.workloads.supershaper_model import SuperShaperModel

        return SuperShaperModel([int(gene) for gene in arch.genes], self.space.merged)

    def component(self, component: Component, depth: int) -> torch.nn.Module:
        """See the base class."""
        from hwcost.workloads.modules import MaskedStack, Stack

        if component.kind in ("embeddings", "head"):
            return self._copy(component)
        copies = [self._copy(component) for _ in range(depth)]
        return MaskedStack(copies) if component.kind in _MASKED else Stack(copies)

    def model_inputs(self, batch_size: int, seq_len: int) -> dict[str, Input]:
        """See :func:`hwcost.workloads.bert_inputs.ids`."""
        return bert_inputs.ids(batch_size, seq_len, VOCABULARY, TOKEN_TYPES)

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
        if component.kind in ("embeddings", "head"):
            return (1, BACKBONE_WIDTH) if component.kind == "embeddings" else (BACKBONE_WIDTH, VOCABULARY)
        if component.kind == "transition":
            return component.dim("inputs"), component.dim("outputs")
        width = BACKBONE_WIDTH if framed or component.kind == "bottlenecks" else component.dim("hidden")
        return width, width

    def _copy(self, component: Component) -> torch.nn.Module:
        from torch import nn

        from hwcost.workloads import modules

        width = component.dim("hidden") if component.kind not in ("embeddings", "head", "transition") else 0
        outer = None if self.space.merged else BACKBONE_WIDTH
        makers: dict[str, Callable[[], torch.nn.Module]] = {
            "embeddings": lambda: modules.Embeddings(VOCABULARY, POSITIONS, TOKEN_TYPES, BACKBONE_WIDTH),
            "head": lambda: modules.BorrowingHead(BACKBONE_WIDTH, VOCABULARY),
            "layer": lambda: modules.Layer(width, HEADS, FEED_FORWARD, outer),
            "attention": lambda: modules.SelfAttention(width, HEADS),
            "feed_forward": lambda: modules.FeedForward(width, FEED_FORWARD),
            "layer_norm": lambda: nn.LayerNorm(width, eps=modules.EPSILON),
            "bottlenecks": lambda: modules.Bottlenecks(BACKBONE_WIDTH, width),
            "transition": lambda: nn.Linear(component.dim("inputs"), component.dim("outputs")),
        }
        if component.kind not in makers:
            raise UsageError(f"space 'supershaper' has no component '{component}'")
        return makers[component.kind]()
