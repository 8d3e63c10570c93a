# mypy: allow-subclassing-any
"""The parts of BERT as plain inference modules: no dropout, exact GELU, layer norms behind the residuals (post-LN).

Source: Devlin et al., "BERT", section 3, and its published bert-base-cased; bottlenecks: SuperShaper, section 3.
Shapes: B sequences, S tokens, D the width of the embeddings, h the width of a layer, V the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

EPSILON = 1e-12
"""Epsilon of every layer norm."""


def additive_mask(attention_mask: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Turns a mask of ones (keep) and zeros (pad), shape (B, S), into numbers to add to scores, shape (B, 1, 1, S).

    A model builds it once; a mask of booleans would be turned into numbers anew by the attention of every layer.
    """
    return (1 - attention_mask[:, None, None, :]).to(dtype) * torch.finfo(dtype).min


class Embeddings(nn.Module):
    """Word, position and token-type embeddings, summed and normalised: ids (B, S) -> (B, S, D)."""

    def __init__(self, vocabulary: int, positions: int, token_types: int, width: int) -> None:
        super().__init__()
        self.word = nn.Embedding(vocabulary, width)
        self.position = nn.Embedding(positions, width)
        self.token_type = nn.Embedding(token_types, width)
        self.norm = nn.LayerNorm(width, eps=EPSILON)

    def forward(self, input_ids: torch.Tensor, token_type_ids: torch.Tensor) -> torch.Tensor:
        """See the class."""
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        return self.norm(self.word(input_ids) + self.position(places) + self.token_type(token_type_ids))


class SelfAttention(nn.Module):
    """Multi-head attention with residual and norm: (B, S, h) -> (B, S, h).

    Args:
        width: The width h.
        heads: Attention heads.
        inner: Channels of all heads together; h itself when None.
    """

    def __init__(self, width: int, heads: int, inner: int | None = None) -> None:
        super().__init__()
        self.heads = heads
        inner = width if inner is None else inner
        self.query = nn.Linear(width, inner)
        self.key = nn.Linear(width, inner)
        self.value = nn.Linear(width, inner)
        self.output = nn.Linear(inner, width)
        self.norm = nn.LayerNorm(width, eps=EPSILON)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """See the class; ``mask`` comes from :func:`additive_mask`."""
        query, key, value = (self._split(part(hidden)) for part in (self.query, self.key, self.value))
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self.norm(hidden + self.output(mixed.transpose(1, 2).flatten(2)))

    def _split(self, projected: torch.Tensor) -> torch.Tensor:
        """(B, S, channels) -> (B, heads, S, channels / heads)."""
        return projected.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class FeedForward(nn.Module):
    """Two dense layers around an activation, with residual and norm: (B, S, h) -> (B, S, h).

    Args:
        width: The width h.
        inner: Width between the two layers.
        activation: ``gelu``, the exact one, or ``relu``.
    """

    def __init__(self, width: int, inner: int, activation: str = "gelu") -> None:
        super().__init__()
        self.activation = getattr(functional, activation)
        self.grow = nn.Linear(width, inner)
        self.shrink = nn.Linear(inner, width)
        self.norm = nn.LayerNorm(width, eps=EPSILON)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """See the class."""
        return self.norm(hidden + self.shrink(self.activation(self.grow(hidden))))


class Layer(nn.Module):
    """Attention and feed-forward at width h.

    Args:
        width: The width h that it works at.
        heads: Attention heads.
        inner: Width of the feed-forward's middle.
        outer: The width D around it, which bottleneck matrices lead from and to; None leaves the bottlenecks out.
        channels: Number of channels of all heads together; h itself when None, which must then be a multiple of the heads.
        activation: Activation of the feed-forward, ``gelu`` or ``relu``.
    """

    def __init__(
        self, width: int, heads: int, inner: int, outer: int | None = None, channels: int | None = None,
        activation: str = "gelu",
    ) -> None:  # fmt: skip
        super().__init__()
        self.enter = nn.Identity() if outer is None else nn.Linear(outer, width)
        self.attention = SelfAttention(width, heads, channels)
        self.feed_forward = FeedForward(width, inner, activation)
        self.leave = nn.Identity() if outer is None else nn.Linear(width, outer)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(B, S, D or h) -> the same shape."""
        return self.leave(self.feed_forward(self.attention(self.enter(hidden), mask)))


class Bottlenecks(nn.Module):
    """A layer's two bottlenecks alone, D -> h -> D: (B, S, D) -> (B, S, D)."""

    def __init__(self, outer: int, width: int) -> None:
        super().__init__()
        self.enter = nn.Linear(outer, width)
        self.leave = nn.Linear(width, outer)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """See the class."""
        return self.leave(self.enter(hidden))


class Pooler(nn.Module):
    """A dense layer and tanh on every sequence's first token: (B, S, h) -> (B, h)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """See the class."""
        return torch.tanh(self.dense(hidden[:, 0]))


class MlmHead(nn.Module):
    """Masked-language-model head: dense, GELU, norm, then a decoder that shares the word embeddings' weight.

    Args:
        width: Width D of the word embeddings.
        vocabulary: Word pieces.
        inputs: Width of the hidden states, where it is not D.
    """

    def __init__(self, width: int, vocabulary: int, inputs: int | None = None) -> None:
        super().__init__()
        self.dense = nn.Linear(width if inputs is None else inputs, width)
        self.norm = nn.LayerNorm(width, eps=EPSILON)
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, hidden: torch.Tensor, word_weight: torch.Tensor) -> torch.Tensor:
        """(..., h) and the word embeddings' weight (V, D) -> logits (..., V)."""
        return functional.linear(self.norm(functional.gelu(self.dense(hidden))), word_weight, self.bias)


class Encoder(nn.Module):
    """Embeddings, a body, and a head: what all nets of BERT's kind share.

    Args:
        embeddings: Turns ids and segments, (B, S) each, into hidden states; its ``word`` is the table of word embeddings.
        width: Width h of the hidden states that the body ends in.
        head: ``mlm`` ends in a masked-language-model head, ``pooler`` in BERT's pooler, ``none`` in the hidden states.
    """

    def __init__(self, embeddings: nn.Module, width: int, head: str) -> None:
        super().__init__()
        self.embeddings = embeddings
        rows, narrow = embeddings.word.weight.shape
        self.head = MlmHead(narrow, rows, width) if head == "mlm" else None
        self.pooler = Pooler(width) if head == "pooler" else None

    def body(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The embeddings' output (B, S, D) and an additive mask -> (B, S, h)."""
        raise NotImplementedError

    def encode(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        """Three int64 tensors (B, S) as for the whole net -> hidden states (B, S, h)."""
        hidden = self.embeddings(input_ids, token_type_ids)
        return self.body(hidden, additive_mask(attention_mask, hidden.dtype))

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor,
        positions: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Runs the net.

        Args:
            input_ids: Word pieces, int64 (B, S).
            attention_mask: 1 to keep, 0 for padding, int64 (B, S).
            token_type_ids: Segments, int64 (B, S).
            positions: Indices of the tokens, of B * S, that the masked-language-model head predicts, (n,); all when None.

        Returns:
            Logits (B, S, V) or (n, V), the pooled first token (B, h), or hidden states (B, S, h), by the net's head.
        """
        hidden = self.encode(input_ids, attention_mask, token_type_ids)
        if self.pooler is not None:
            return self.pooler(hidden)
        if self.head is None:
            return hidden
        asked = hidden if positions is None else hidden.flatten(0, 1)[positions]
        return self.head(asked, self.embeddings.word.weight)


class BorrowingHead(nn.Module):
    """The head as a component: the decoder's weight is a buffer, because it is the embeddings' parameter."""

    word_weight: torch.Tensor

    def __init__(self, width: int, vocabulary: int) -> None:
        super().__init__()
        self.head = MlmHead(width, vocabulary)
        self.register_buffer("word_weight", torch.zeros(vocabulary, width))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """(B, S, D) -> logits (B, S, V)."""
        return self.head(hidden, self.word_weight)


class Stack(nn.Module):
    """Chained copies of a component that takes the hidden state alone."""

    def __init__(self, parts: list[nn.Module]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """(B, S, h) -> the last part's output."""
        for part in self.parts:
            hidden = part(hidden)
        return hidden


class MaskedStack(nn.Module):
    """Chained components of which some take the mask too, which is built once as in a whole model.

    Args:
        parts: Components from first to last.
        masked: Whether each of them takes the mask; None for all.
    """

    def __init__(self, parts: list[nn.Module], masked: Sequence[bool] | None = None) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.masked = [True] * len(parts) if masked is None else list(masked)

    def forward(self, hidden: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """(B, S, h) and ones and zeros (B, S) -> the last part's output."""
        mask = additive_mask(attention_mask, hidden.dtype)
        for part, is_masked in zip(self.parts, self.masked, strict=True):
            hidden = part(hidden, mask) if is_masked else part(hidden)
        return hidden
