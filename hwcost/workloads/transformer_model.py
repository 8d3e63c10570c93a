# mypy: allow-subclassing-any
"""A BERT-like encoder of any shape: the nets of the spaces ``transformer`` and ``autodistil``."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from hwcost.workloads.modules import Embeddings, Encoder, Layer


class TransformerModel(Encoder):
    """Embeddings, layers with dense transitions between unequal widths, and a head.

    Args:
        shape: Width, inner width of the feed-forward, heads and channels of all heads together, for every layer.
        embedding_width: Width of the embeddings.
        head: Last part of the net, one of the heads that :class:`~hwcost.workloads.modules.Encoder` lists. A
            masked-language-model head follows a transition where the last layer has another width than the embeddings.
        vocabulary: Number of word pieces.
        positions: Length of the longest sequence.
        token_types: Number of segments.
        activation: Activation of the feed-forward layers, ``gelu`` or ``relu``.
    """

    def __init__(
        self,
        shape: Sequence[tuple[int, int, int, int]],
        embedding_width: int,
        head: str,
        vocabulary: int,
        positions: int,
        token_types: int,
        activation: str = "gelu",
    ) -> None:
        ends_in = embedding_width if head == "mlm" else shape[-1][0]
        super().__init__(Embeddings(vocabulary, positions, token_types, embedding_width), ends_in, head)
        parts: list[nn.Module] = []
        width = embedding_width
        for hidden, inner, heads, channels in shape:
            if hidden != width:
                parts.append(nn.Linear(width, hidden))
            parts.append(Layer(hidden, heads, inner, channels=channels, activation=activation))
            width = hidden
        if width != ends_in:
            parts.append(nn.Linear(width, ends_in))
        self.parts = nn.ModuleList(parts)

    def body(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """See the base class."""
        for part in self.parts:
            hidden = part(hidden, mask) if isinstance(part, Layer) else part(hidden)
        return hidden
