# mypy: allow-subclassing-any
"""AutoDistill's student: MobileBERT's embeddings and bottleneck blocks (AutoDistill, Figure 2; Sun et al., "MobileBERT")."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from hwcost.workloads.modules import additive_mask


class NoNorm(nn.Module):
    """A scale and a shift per channel in a norm's place: (..., h) -> (..., h)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """See the class."""
        return torch.addcmul(self.bias, hidden, self.weight)


class TrigramEmbeddings(nn.Module):
    """Narrow word embeddings of a token and its two neighbours, projected, plus positions and types: (B, S) -> (B, S, h).

    Args:
        vocabulary: Word pieces.
        positions: Longest sequence.
        token_types: Segments.
        narrow: Width of the word embeddings.
        width: The width h.
    """

    def __init__(self, vocabulary: int, positions: int, token_types: int, narrow: int, width: int) -> None:
        super().__init__()
        self.word = nn.Embedding(vocabulary, narrow)
        self.project = nn.Linear(3 * narrow, width)
        self.position = nn.Embedding(positions, width)
        self.token_type = nn.Embedding(token_types, width)
        self.norm = NoNorm(width)

    def forward(self, input_ids: torch.Tensor, token_type_ids: torch.Tensor) -> torch.Tensor:
        """See the class; beyond the ends stand zeros."""
        words = self.word(input_ids)
        after = functional.pad(words[:, 1:], (0, 0, 0, 1))
        before = functional.pad(words[:, :-1], (0, 0, 1, 0))
        wide = self.project(torch.cat([after, words, before], dim=-1))
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        return self.norm(wide + self.position(places) + self.token_type(token_type_ids))


class StackedFeedForward(nn.Module):
    """Two dense layers around a ReLU, with residual and NoNorm: (B, S, b) -> (B, S, b)."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.grow = nn.Linear(width, inner)
        self.shrink = nn.Linear(inner, width)
        self.norm = NoNorm(width)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """See the class."""
        return self.norm(hidden + self.shrink(functional.relu(self.grow(hidden))))


class BottleneckBlock(nn.Module):
    """One block: into the bottleneck, attention, stacked feed-forwards, and back with a residual at full width.

    Queries, keys and values read the wide stream; the attention's residual is the bottlenecked one.

    Args:
        hidden: The width h of the stream.
        bottleneck: The width b inside.
        heads: Attention heads; b must be a multiple.
        intermediate: Inner width of every feed-forward.
        stacked: Number of feed-forwards.
    """

    def __init__(self, hidden: int, bottleneck: int, heads: int, intermediate: int, stacked: int) -> None:
        super().__init__()
        self.heads = heads
        self.enter = nn.Linear(hidden, bottleneck)
        self.enter_norm = NoNorm(bottleneck)
        self.query = nn.Linear(hidden, bottleneck)
        self.key = nn.Linear(hidden, bottleneck)
        self.value = nn.Linear(hidden, bottleneck)
        self.output = nn.Linear(bottleneck, bottleneck)
        self.attention_norm = NoNorm(bottleneck)
        self.feed_forwards = nn.ModuleList(StackedFeedForward(bottleneck, intermediate) for _ in range(stacked))
        self.leave = nn.Linear(bottleneck, hidden)
        self.leave_norm = NoNorm(hidden)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(B, S, h) and an additive mask -> (B, S, h)."""
        query, key, value = (
            part(hidden).unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        inner = self.enter_norm(self.enter(hidden))
        inner = self.attention_norm(inner + self.output(mixed.transpose(1, 2).flatten(2)))
        for feed_forward in self.feed_forwards:
            inner = feed_forward(inner)
        return self.leave_norm(hidden + self.leave(inner))


class AutoDistillModel(nn.Module):
    """Trigram embeddings and equal bottleneck blocks; ends in hidden states, as the paper's sizes are counted.

    Args:
        genes: Hidden size, bottleneck, heads, intermediate size and stacked feed-forwards of every block.
        blocks: Number of blocks.
        vocabulary: Word pieces.
        positions: Longest sequence.
        token_types: Segments.
        narrow: Width of the word embeddings.
    """

    def __init__(
        self,
        genes: tuple[int, int, int, int, int],
        blocks: int,
        vocabulary: int,
        positions: int,
        token_types: int,
        narrow: int,
    ) -> None:
        super().__init__()
        self.embeddings = TrigramEmbeddings(vocabulary, positions, token_types, narrow, genes[0])
        self.blocks = nn.ModuleList(BottleneckBlock(*genes) for _ in range(blocks))

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        """Three int64 tensors (B, S) -> hidden states (B, S, h)."""
        hidden = self.embeddings(input_ids, token_type_ids)
        mask = additive_mask(attention_mask, hidden.dtype)
        for block in self.blocks:
            hidden = block(hidden, mask)
        return hidden
