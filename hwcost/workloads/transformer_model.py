# mypy: allow-subclassing-any
"""A BERT-like encoder of any shape: the nets of the spaces ``transformer`` and ``autodistil``."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from hwcost.workloads.modules import Embeddings, Layer, MlmHead, Pooler, additive_mask


class TransformerModel(nn.Module):
    """Embeddings, layers with dense transitions between unequal widths, and a head.

    Args:
        shape: Width, inner width of the feed-forward, heads and channels of all heads together, for every layer.
        embedding_width: Width of the embeddings.
        head: ``mlm``, ``pooler`` or ``none``.
        vocabulary: Word pieces.
        positions: Longest sequence.
        token_types: Segments.
    """

    def __init__(
        self,
        shape: Sequence[tuple[int, int, int, int]],
        embedding_width: int,
        head: str,
        vocabulary: int,
        positions: int,
        token_types: int,
    ) -> None:
        super().__init__()
        self.embeddings = Embeddings(vocabulary, positions, token_types, embedding_width)
        parts: list[nn.Module] = []
        width = embedding_width
        for hidden, inner, heads, channels in shape:
            if hidden != width:
                parts.append(nn.Linear(width, hidden))
            parts.append(Layer(hidden, heads, inner, channels=channels))
            width = hidden
        if head == "mlm" and width != embedding_width:
            parts.append(nn.Linear(width, embedding_width))
        self.parts = nn.ModuleList(parts)
        self.head = MlmHead(embedding_width, vocabulary) if head == "mlm" else None
        self.pooler = Pooler(width) if head == "pooler" else None

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        """Three int64 tensors (B, S) -> logits (B, S, V), the pooled first token (B, h) or hidden states (B, S, h)."""
        hidden = self.embeddings(input_ids, token_type_ids)
        mask = additive_mask(attention_mask, hidden.dtype)
        for part in self.parts:
            hidden = part(hidden, mask) if isinstance(part, Layer) else part(hidden)
        if self.head is not None:
            return self.head(hidden, self.embeddings.word.weight)
        return hidden if self.pooler is None else self.pooler(hidden)
