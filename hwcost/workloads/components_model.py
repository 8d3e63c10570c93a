# mypy: allow-subclassing-any
"""What is left of BERT once gates are closed and neighbours joined (Tsai et al., "Finding Fast Transformers", section 3)."""

from __future__ import annotations

from collections.abc import Sequence
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


def norm(width: int, has_mean: bool) -> nn.Module:
    """Makes a layer norm that subtracts the mean, or one that does not."""
    return nn.LayerNorm(width, eps=EPSILON) if has_mean else UncentredNorm(width)


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
        query, key, value = (
            part(hidden).unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=self.scale)
        return hidden + self.output(mixed.transpose(1, 2).flatten(2))


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
        pooled = torch.softmax(mask[:, 0], dim=-1) @ hidden
        return hidden + self.output(self.value(pooled))


class ResidualFeedForward(nn.Module):
    """Two dense layers around an exact GELU, with a residual and without a norm: (B, S, h) -> (B, S, h)."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.grow = nn.Linear(width, inner)
        self.shrink = nn.Linear(inner, width)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """See the class."""
        return hidden + self.shrink(functional.gelu(self.grow(hidden)))


class ComponentsBlock(nn.Module):
    """What is left of one block: (B, S, h) -> (B, S, h).

    Args:
        width: The width h.
        full_key: Channels of queries and keys of a head before any was dropped.
        heads: Heads that are left.
        key: Channels of queries and keys of a head that are left.
        value: Channels of values of a head that are left; 0 where nothing is left of the attention.
        feed_forwards: Inner width of every layer of feed-forwards, from first to last; they stand behind each other.
        means: Whether the first and the second norm subtract the mean.
    """

    def __init__(
        self,
        width: int,
        full_key: int,
        heads: int,
        key: int,
        value: int,
        feed_forwards: Sequence[int],
        means: Sequence[bool],
    ) -> None:
        super().__init__()
        self.attention: nn.Module | None = None
        if value:
            pooling = None if key else ValueMeanPooling(width, heads * value)
            self.attention = pooling or ReducedAttention(width, heads, key, value, full_key)
        self.attention_norm = norm(width, means[0])
        self.feed_forwards = nn.ModuleList(ResidualFeedForward(width, inner) for inner in feed_forwards)
        self.feed_forward_norm = norm(width, means[1])

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """See the class; ``mask`` is additive, (B, 1, 1, S)."""
        if self.attention is not None:
            hidden = self.attention(hidden, mask)
        hidden = self.attention_norm(hidden)
        for feed_forward in self.feed_forwards:
            hidden = feed_forward(hidden)
        return self.feed_forward_norm(hidden)


class ComponentsModel(Encoder):
    """Embeddings, reduced blocks, and a head.

    Args:
        blocks: Arguments of every :class:`ComponentsBlock` but the width.
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
        self.blocks = nn.ModuleList(ComponentsBlock(width, **block) for block in blocks)

    def body(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """See the base class."""
        for block in self.blocks:
            hidden = block(hidden, mask)
        return hidden
