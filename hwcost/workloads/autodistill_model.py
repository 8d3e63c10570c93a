# mypy: allow-subclassing-any
"""AutoDistill's student: MobileBERT's embeddings and bottleneck blocks (AutoDistill, Figure 2; Sun et al., "MobileBERT")."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from hwcost.workloads.modules import EPSILON, Encoder


class NoNorm(nn.Module):
    """A scale and a shift per channel in a norm's place: (..., h) -> (..., h)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """See the class."""
        return torch.addcmul(self.bias, hidden, self.weight)


def norm(width: int, normalised: bool) -> nn.Module:
    """Makes a layer norm, as the teacher has them, or the student's NoNorm."""
    return nn.LayerNorm(width, eps=EPSILON) if normalised else NoNorm(width)


class TrigramEmbeddings(nn.Module):
    """Narrow word embeddings of a token and its two neighbours, projected, plus positions and types: (B, S) -> (B, S, h).

    Args:
        vocabulary: Word pieces.
        positions: Longest sequence.
        token_types: Segments.
        narrow: Width of the word embeddings.
        width: The width h.
        normalised: Whether a layer norm takes NoNorm's place, as in the teacher.
    """

    def __init__(
        self, vocabulary: int, positions: int, token_types: int, narrow: int, width: int, normalised: bool = False
    ) -> None:
        super().__init__()
        self.word = nn.Embedding(vocabulary, narrow)
        self.project = nn.Linear(3 * narrow, width)
        self.position = nn.Embedding(positions, width)
        self.token_type = nn.Embedding(token_types, width)
        self.norm = norm(width, normalised)

    def forward(self, input_ids: torch.Tensor, token_type_ids: torch.Tensor) -> torch.Tensor:
        """See the class; beyond the ends stand zeros."""
        words = self.word(input_ids)
        after = functional.pad(words[:, 1:], (0, 0, 0, 1))
        before = functional.pad(words[:, :-1], (0, 0, 1, 0))
        wide = self.project(torch.cat([after, words, before], dim=-1))
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        return self.norm(wide + self.position(places) + self.token_type(token_type_ids))


class StackedFeedForward(nn.Module):
    """Two dense layers around a ReLU, with residual and NoNorm; in a teacher around a GELU and with a layer norm.

    (B, S, b) -> (B, S, b).
    """

    def __init__(self, width: int, inner: int, normalised: bool = False) -> None:
        super().__init__()
        self.grow = nn.Linear(width, inner)
        self.shrink = nn.Linear(inner, width)
        self.norm = norm(width, normalised)
        self.activation = functional.gelu if normalised else functional.relu

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """See the class."""
        return self.norm(hidden + self.shrink(self.activation(self.grow(hidden))))


class BottleneckBlock(nn.Module):
    """One block: into the bottleneck, attention, stacked feed-forwards, and back with a residual at full width.

    Queries, keys and values read the wide stream; the attention's residual is the bottlenecked one.

    Args:
        hidden: The width h of the stream.
        bottleneck: The width b inside.
        heads: Attention heads; b must be a multiple.
        intermediate: Inner width of every feed-forward.
        stacked: Number of feed-forwards.
        normalised: Whether layer norms and GELUs take the place of NoNorms and ReLUs, as in the teacher.
    """

    def __init__(
        self, hidden: int, bottleneck: int, heads: int, intermediate: int, stacked: int, normalised: bool = False
    ) -> None:
        super().__init__()
        self.heads = heads
        self.enter = nn.Linear(hidden, bottleneck)
        self.enter_norm = norm(bottleneck, normalised)
        self.query = nn.Linear(hidden, bottleneck)
        self.key = nn.Linear(hidden, bottleneck)
        self.value = nn.Linear(hidden, bottleneck)
        self.output = nn.Linear(bottleneck, bottleneck)
        self.attention_norm = norm(bottleneck, normalised)
        self.feed_forwards = nn.ModuleList(
            StackedFeedForward(bottleneck, intermediate, normalised) for _ in range(stacked)
        )
        self.leave = nn.Linear(bottleneck, hidden)
        self.leave_norm = norm(hidden, normalised)

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


class AutoDistillModel(Encoder):
    """Trigram embeddings and equal bottleneck blocks; ends in hidden states, as the paper's sizes are counted.

    Args:
        genes: Hidden size, bottleneck, heads, intermediate size and stacked feed-forwards of every block.
        blocks: Number of blocks.
        vocabulary: Number of word pieces.
        positions: Length of the longest sequence.
        token_types: Number of segments.
        narrow: Width of the word embeddings.
        head: Last part of the net, one of the heads that :class:`~hwcost.workloads.modules.Encoder` lists.
        normalised: Whether layer norms and GELUs take the place of NoNorms and ReLUs, as in the teacher.
    """

    def __init__(
        self,
        genes: Sequence[int],
        blocks: int,
        vocabulary: int,
        positions: int,
        token_types: int,
        narrow: int,
        head: str = "none",
        normalised: bool = False,
    ) -> None:
        hidden, bottleneck, heads, intermediate, stacked = genes
        super().__init__(
            TrigramEmbeddings(vocabulary, positions, token_types, narrow, hidden, normalised), hidden, head
        )
        self.blocks = nn.ModuleList(
            BottleneckBlock(hidden, bottleneck, heads, intermediate, stacked, normalised) for _ in range(blocks)
        )

    def body(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """See the base class."""
        for block in self.blocks:
            hidden = block(hidden, mask)
        return hidden
