# mypy: allow-subclassing-any
"""What is left of BERT once gates are closed and neighbours joined (Tsai et al., "Finding Fast Transformers", section 3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from hwcost.workloads.modules import EPSILON, Embeddings, Encoder


class UncentredNorm(nn.Module):
    """A layer norm that does not subtract the mean, section 3.1 with w = 0: (..., h) -> (..., h)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """See the class."""
        return functional.rms_norm(hidden, self.weight.shape, self.weight, EPSILON) + self.bias


class PartlyCentredNorm(UncentredNorm):
    """A layer norm that subtracts a share of the mean, section 3.1 with w neither 0 nor 1: (..., h) -> (..., h).

    Args:
        width: The width h.
        share: Share of the mean that is subtracted; the deviation is taken about that.
    """

    def __init__(self, width: int, share: float) -> None:
        super().__init__(width)
        self.share = share

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """See the class."""
        return super().forward(hidden - self.share * hidden.mean(-1, keepdim=True))


def norm(width: int, mean: float) -> nn.Module:
    """Makes a layer norm that subtracts the mean (1), one that does not (0), or one that subtracts a share of it."""
    if mean in (0, 1):
        return nn.LayerNorm(width, eps=EPSILON) if mean else UncentredNorm(width)
    return PartlyCentredNorm(width, mean)


class ReducedAttention(nn.Module):
    """Attention with fewer heads and channels, with its residual and without a norm: (B, S, h) -> (B, S, h).

    Args:
        width: The width h.
        heads: Heads that are left.
        key: Channels of queries and keys of a head that are left.
        value: Channels of values of a head that are left.
        full_key: Channels of queries and keys of a head before any was dropped; scores keep its scale (Att in section 3.1).
    """

    def __init__(self, width: int, heads: int, key: int, value: int, full_key: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = full_key**-0.5
        self.query = nn.Linear(width, heads * key)
        self.key = nn.Linear(width, heads * key)
        self.value = nn.Linear(width, heads * value)
        self.output = nn.Linear(heads * value, width)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """See the class; ``mask`` is additive, (B, 1, 1, S)."""
        return hidden + self.added(hidden, mask)

    def added(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Returns what is added to the hidden states, (B, S, h)."""
        query, key, value = (
            part(hidden).unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=self.scale)
        added: torch.Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return added


class ValueMeanPooling(nn.Module):
    """Attention without queries and keys, Figure 2: the mean of the values of all tokens, with its residual.

    The mean is taken first, since projecting is linear: one token is projected instead of S.

    Args:
        width: The width h.
        channels: Channels of the values of all heads together.
    """

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.value = nn.Linear(width, channels)
        self.output = nn.Linear(channels, width)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(B, S, h) and an additive mask (B, 1, 1, S) -> (B, S, h)."""
        return hidden + self.added(hidden, mask)

    def added(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Returns what is added to the hidden states, (B, 1 or S, h)."""
        pooled = torch.softmax(mask[:, 0], dim=-1) @ hidden
        added: torch.Tensor = self.output(self.value(pooled))
        return added


class ResidualFeedForward(nn.Module):
    """Two dense layers around an exact GELU, with a residual and without a norm: (B, S, h) -> (B, S, h)."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.grow = nn.Linear(width, inner)
        self.shrink = nn.Linear(inner, width)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """See the class."""
        return hidden + self.added(hidden)

    def added(self, hidden: torch.Tensor) -> torch.Tensor:
        """Returns what is added to the hidden states, (B, S, h)."""
        added: torch.Tensor = self.shrink(functional.gelu(self.grow(hidden)))
        return added


class ComponentsBlock(nn.Module):
    """What is left of one block: (B, S, h) -> (B, S, h).

    Args:
        width: The width h.
        full_key: Channels of queries and keys of a head before any was dropped.
        heads: Heads that are left; those of the first layer where there are several.
        key: Channels of queries and keys of a head that are left.
        value: Channels of values of a head that are left; 0 where nothing is left of the attention.
        feed_forwards: Inner width of every layer of feed-forwards, from first to last; they stand behind each other.
        means: Whether the first and the second norm subtract the mean; a number for a share of it.
        further_heads: Heads of the further layers of attention, which stand behind the first one.
    """

    def __init__(
        self,
        width: int,
        full_key: int,
        heads: int,
        key: int,
        value: int,
        feed_forwards: Sequence[int],
        means: Sequence[float],
        further_heads: Sequence[int] = (),
    ) -> None:
        super().__init__()

        def attention(count: int) -> nn.Module:
            pooling = None if key else ValueMeanPooling(width, count * value)
            return pooling or ReducedAttention(width, count, key, value, full_key)

        self.attention = attention(heads) if value else None
        self.further_attentions = nn.ModuleList(map(attention, further_heads)) if further_heads else None
        self.attention_norm = norm(width, means[0])
        self.feed_forwards = nn.ModuleList(ResidualFeedForward(width, inner) for inner in feed_forwards)
        self.feed_forward_norm = norm(width, means[1])

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """See the class; ``mask`` is additive, (B, 1, 1, S)."""
        for attention in self.attentions():
            hidden = attention(hidden, mask)
        hidden = self.attention_norm(hidden)
        for feed_forward in self.feed_forwards:
            hidden = feed_forward(hidden)
        return self.feed_forward_norm(hidden)

    def attentions(self) -> list[nn.Module]:
        """Returns the layers of attention, from first to last."""
        first = [] if self.attention is None else [self.attention]
        return [*first, *(self.further_attentions or ())]


class ScaledBlock(ComponentsBlock):
    """A block whose layers add, beside their own outputs, a multiple of what the layer before them added (section 4.1).

    Args:
        width: The width h.
        attention_carries: That multiple for every layer of attention, 0 for the first; None for plain residuals.
        feed_forward_carries: That multiple for every layer of feed-forwards.
        **block: Further arguments of :class:`ComponentsBlock`.
    """

    def __init__(
        self,
        width: int,
        attention_carries: Sequence[float] | None = None,
        feed_forward_carries: Sequence[float] | None = None,
        **block: Any,
    ) -> None:
        super().__init__(width, **block)
        self.attention_carries = attention_carries or [0.0] * len(self.attentions())
        self.feed_forward_carries = feed_forward_carries or [0.0] * len(self.feed_forwards)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """See the base class."""
        hidden = self.attention_norm(_carried(self.attentions(), self.attention_carries, hidden, mask))
        return self.feed_forward_norm(_carried(self.feed_forwards, self.feed_forward_carries, hidden))


def _carried(
    layers: Iterable[nn.Module], carries: Sequence[float], hidden: torch.Tensor, *mask: torch.Tensor
) -> torch.Tensor:
    added = hidden  # what the first layer carries, 0 times
    for layer, carry in zip(layers, carries, strict=True):
        before, added = added, layer.added(hidden, *mask)
        added = torch.add(added, before, alpha=carry) if carry else added
        hidden = hidden + added
    return hidden


def _block(width: int, described: dict[str, Any]) -> ComponentsBlock:
    is_scaled = "attention_carries" in described or "feed_forward_carries" in described
    return (ScaledBlock if is_scaled else ComponentsBlock)(width, **described)


class ComponentsModel(Encoder):
    """Embeddings, reduced blocks, and a head.

    Args:
        blocks: Arguments of every :class:`ComponentsBlock` but the width, or those of :class:`ScaledBlock`.
        width: Width of the hidden state.
        vocabulary: Number of word pieces.
        positions: Length of the longest sequence.
        token_types: Number of segments.
        head: Last part of the net, one of the heads that :class:`~hwcost.workloads.modules.Encoder` lists.
    """

    def __init__(
        self,
        blocks: Sequence[dict[str, Any]],
        width: int,
        vocabulary: int,
        positions: int,
        token_types: int,
        head: str,
    ) -> None:
        super().__init__(Embeddings(vocabulary, positions, token_types, width), width, head)
        self.blocks = nn.ModuleList(_block(width, block) for block in blocks)

    def body(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """See the base class."""
        for block in self.blocks:
            hidden = block(hidden, mask)
        return hidden
