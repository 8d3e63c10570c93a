"""The nets of hwcost's spaces, built from a description, on any torch from 1.4 on.

A description is plain JSON: the class of a module in hwcost, its numbers, and its parts by name in their order. What a class
computes stands here once more, without the functions that old releases lack; outputs equal those of hwcost's own modules.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

EPSILON = 1e-12
VERSION = tuple(int(part) for part in torch.__version__.split(".")[:2])
ATTENTION = getattr(functional, "scaled_dot_product_attention", None) if VERSION >= (2, 1) else None
"""Fused attention with a scale of its own, from torch 2.1 on."""


def additive_mask(attention_mask: Any, dtype: Any) -> Any:
    """Turns ones (keep) and zeros (pad), (B, S), into numbers to add to scores, (B, 1, 1, S)."""
    return (1 - attention_mask[:, None, None, :]).to(dtype) * torch.finfo(dtype).min


def attend(query: Any, key: Any, value: Any, mask: Any, scale: float | None = None) -> Any:
    """Attention of heads, (B, heads, S, channels), fused where torch has it."""
    if ATTENTION is not None:
        return ATTENTION(query, key, value, attn_mask=mask, scale=scale)
    scores = torch.matmul(query, key.transpose(-1, -2)) * (query.shape[-1] ** -0.5 if scale is None else scale)
    return torch.matmul(functional.softmax(scores + mask, dim=-1), value)


class Part(nn.Module):  # type: ignore[misc]
    """A module with the parts of its description; subclasses say what it computes."""

    def __init__(self, described: dict[str, Any]) -> None:
        super().__init__()
        self.numbers = described.get("numbers", {})
        for name, shape in described.get("parameters", {}).items():
            self.register_parameter(name, nn.Parameter(torch.empty(*shape), requires_grad=False))
        for name, shape in described.get("buffers", {}).items():
            self.register_buffer(name, torch.empty(*shape))
        for name, part in described.get("parts", {}).items():
            self.add_module(name, build(part))

    def heads_of(self, projected: Any) -> Any:
        """(B, S, channels) -> (B, heads, S, channels / heads)."""
        batch, length, _ = projected.shape
        return projected.view(batch, length, self.numbers["heads"], -1).transpose(1, 2)


class Linear(Part):
    """A dense layer: (..., in) -> (..., out)."""

    def forward(self, hidden: Any) -> Any:
        return functional.linear(hidden, self.weight, self.bias)


class Embedding(Part):
    """Rows of a table by their numbers: (B, S) -> (B, S, h)."""

    def forward(self, ids: Any) -> Any:
        return functional.embedding(ids, self.weight)


class LayerNorm(Part):
    """Layer norm over the last axis: (..., h) -> (..., h)."""

    def forward(self, hidden: Any) -> Any:
        return functional.layer_norm(hidden, self.weight.shape, self.weight, self.bias, EPSILON)


class NoNorm(Part):
    """MobileBERT's scale and shift without statistics: (..., h) -> (..., h)."""

    def forward(self, hidden: Any) -> Any:
        return torch.addcmul(self.bias, hidden, self.weight)


class UncentredNorm(Part):
    """Layer norm without the mean: (..., h) -> (..., h)."""

    def forward(self, hidden: Any) -> Any:
        if hasattr(functional, "rms_norm"):
            return functional.rms_norm(hidden, self.weight.shape, self.weight, EPSILON) + self.bias
        mean = hidden.pow(2).mean(-1, keepdim=True)
        return hidden * torch.rsqrt(mean + EPSILON) * self.weight + self.bias


class PartlyCentredNorm(UncentredNorm):
    """Layer norm that subtracts a share of the mean: (..., h) -> (..., h)."""

    def forward(self, hidden: Any) -> Any:
        return super().forward(hidden - self.numbers["share"] * hidden.mean(-1, keepdim=True))


class Identity(Part):
    """Its input."""

    def forward(self, hidden: Any) -> Any:
        return hidden


class Embeddings(Part):
    """Words, places and segments, summed and normed: two (B, S) -> (B, S, h)."""

    def forward(self, input_ids: Any, token_type_ids: Any) -> Any:
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        return self.norm(self.word(input_ids) + self.position(places) + self.token_type(token_type_ids))


class TrigramEmbeddings(Part):
    """The same from each word with both neighbours, projected: two (B, S) -> (B, S, h)."""

    def forward(self, input_ids: Any, token_type_ids: Any) -> Any:
        words = self.word(input_ids)
        after = functional.pad(words[:, 1:], (0, 0, 0, 1))
        before = functional.pad(words[:, :-1], (0, 0, 1, 0))
        wide = self.project(torch.cat([after, words, before], dim=-1))
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        return self.norm(wide + self.position(places) + self.token_type(token_type_ids))


class SelfAttention(Part):
    """Attention with residual and norm: (B, S, h) and a mask -> (B, S, h)."""

    def forward(self, hidden: Any, mask: Any) -> Any:
        query, key, value = (self.heads_of(part(hidden)) for part in (self.query, self.key, self.value))
        mixed = attend(query, key, value, mask)
        return self.norm(hidden + self.output(mixed.transpose(1, 2).flatten(2)))


class ReducedAttention(Part):
    """Attention of any key and value width with a residual: (B, S, h) and a mask -> (B, S, h)."""

    def forward(self, hidden: Any, mask: Any) -> Any:
        return hidden + self.added(hidden, mask)

    def added(self, hidden: Any, mask: Any) -> Any:
        """What is added to the hidden states."""
        query, key, value = (self.heads_of(part(hidden)) for part in (self.query, self.key, self.value))
        mixed = attend(query, key, value, mask, self.numbers["scale"])
        return self.output(mixed.transpose(1, 2).flatten(2))


class ValueMeanPooling(Part):
    """Mean of the values over the sequence with a residual: (B, S, h) and a mask -> (B, S, h)."""

    def forward(self, hidden: Any, mask: Any) -> Any:
        return hidden + self.added(hidden, mask)

    def added(self, hidden: Any, mask: Any) -> Any:
        """What is added to the hidden states."""
        pooled = torch.matmul(functional.softmax(mask[:, 0], dim=-1), hidden)
        return self.output(self.value(pooled))


class FeedForward(Part):
    """Two dense layers around a named activation, with residual and norm: (B, S, h) -> (B, S, h)."""

    def forward(self, hidden: Any) -> Any:
        activation = getattr(functional, self.numbers["activation"])
        return self.norm(hidden + self.shrink(activation(self.grow(hidden))))


class ResidualFeedForward(Part):
    """Two dense layers around an exact GELU, with residual and without a norm: (B, S, h) -> (B, S, h)."""

    def forward(self, hidden: Any) -> Any:
        return hidden + self.added(hidden)

    def added(self, hidden: Any) -> Any:
        """What is added to the hidden states."""
        return self.shrink(functional.gelu(self.grow(hidden)))


class StackedFeedForward(FeedForward):
    """The same in a net of AutoDistill: (B, S, h) -> (B, S, h)."""


class Layer(Part):
    """A Transformer layer between two bottlenecks: (B, S, h) and a mask -> (B, S, h)."""

    def forward(self, hidden: Any, mask: Any) -> Any:
        return self.leave(self.feed_forward(self.attention(self.enter(hidden), mask)))


class BottleneckBlock(Part):
    """MobileBERT's block, narrow inside: (B, S, h) and a mask -> (B, S, h)."""

    def forward(self, hidden: Any, mask: Any) -> Any:
        query, key, value = (self.heads_of(part(hidden)) for part in (self.query, self.key, self.value))
        mixed = attend(query, key, value, mask)
        inner = self.enter_norm(self.enter(hidden))
        inner = self.attention_norm(inner + self.output(mixed.transpose(1, 2).flatten(2)))
        for feed_forward in self.feed_forwards.children():
            inner = feed_forward(inner)
        return self.leave_norm(hidden + self.leave(inner))


class ComponentsBlock(Part):
    """A block whose attention and feed-forwards may be left out: (B, S, h) and a mask -> (B, S, h)."""

    def forward(self, hidden: Any, mask: Any) -> Any:
        for attention in self.attentions():
            hidden = attention(hidden, mask)
        hidden = self.attention_norm(hidden)
        for feed_forward in self.feed_forwards.children():
            hidden = feed_forward(hidden)
        return self.feed_forward_norm(hidden)

    def attentions(self) -> list[Any]:
        """Layers of attention, from first to last."""
        first = [self.attention] if hasattr(self, "attention") else []
        return [*first, *(self.further_attentions.children() if hasattr(self, "further_attentions") else ())]


class ScaledBlock(ComponentsBlock):
    """The same, whose layers also add a multiple of what the layer before them added: (B, S, h) and a mask -> (B, S, h)."""

    def forward(self, hidden: Any, mask: Any) -> Any:
        numbers = self.numbers
        hidden = self.attention_norm(carried(self.attentions(), numbers["attention_carries"], hidden, mask))
        layers = list(self.feed_forwards.children())
        return self.feed_forward_norm(carried(layers, numbers["feed_forward_carries"], hidden))


def carried(layers: list[Any], carries: list[float], hidden: Any, *mask: Any) -> Any:
    """Runs layers that also add a multiple of what the layer before them added."""
    added = hidden
    for layer, carry in zip(layers, carries):
        before, added = added, layer.added(hidden, *mask)
        added = torch.add(added, before, alpha=carry) if carry else added
        hidden = hidden + added
    return hidden


class Bottlenecks(Part):
    """Two neighbouring bottlenecks, one after the other: (..., h) -> (..., h)."""

    def forward(self, hidden: Any) -> Any:
        return self.leave(self.enter(hidden))


class GELU(Part):
    """Exact GELU of every number."""

    def forward(self, hidden: Any) -> Any:
        return functional.gelu(hidden)


class Pooler(Part):
    """The first token's vector through a dense layer and tanh: (B, S, h) -> (B, h)."""

    def forward(self, hidden: Any) -> Any:
        return torch.tanh(self.dense(hidden[:, 0]))


class MlmHead(Part):
    """Scores of all words by the words' own embeddings: (B, S, h) -> (B, S, words)."""

    def forward(self, hidden: Any, word_weight: Any) -> Any:
        return functional.linear(self.norm(functional.gelu(self.dense(hidden))), word_weight, self.bias)


class BorrowingHead(Part):
    """The head of a language model with embeddings that are given to it: (B, S, h) -> (B, S, words)."""

    def forward(self, hidden: Any) -> Any:
        return self.head(hidden, self.word_weight)


class Stack(Part):
    """Parts one after the other."""

    def forward(self, hidden: Any) -> Any:
        for part in self.parts.children():
            hidden = part(hidden)
        return hidden


class MaskedStack(Part):
    """Parts one after the other that take the mask: (B, S, h) and (B, S) -> (B, S, h)."""

    def forward(self, hidden: Any, attention_mask: Any) -> Any:
        mask = additive_mask(attention_mask, hidden.dtype)
        for part in self.parts.children():
            hidden = part(hidden, mask)
        return hidden


class Encoder(Part):
    """Embeddings, a body, and a head: masked-language-model head, pooler, or none."""

    def body(self, hidden: Any, mask: Any) -> Any:
        """(B, S, D) and an additive mask -> (B, S, h)."""
        for block in self.blocks.children():
            hidden = block(hidden, mask)
        return hidden

    def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any) -> Any:
        hidden = self.embeddings(input_ids, token_type_ids)
        hidden = self.body(hidden, additive_mask(attention_mask, hidden.dtype))
        if hasattr(self, "pooler"):
            return self.pooler(hidden)
        return self.head(hidden, self.embeddings.word.weight) if hasattr(self, "head") else hidden


class SuperShaperModel(Encoder):
    """Layers with transitions between their widths."""

    def body(self, hidden: Any, mask: Any) -> Any:
        transitions = list(self.transitions.children())
        for place, layer in enumerate(self.layers.children()):
            hidden = layer(transitions[place](hidden) if transitions else hidden, mask)
        return transitions[-1](hidden) if transitions else hidden


class TransformerModel(Encoder):
    """Parts of which the layers take the mask."""

    def body(self, hidden: Any, mask: Any) -> Any:
        for part in self.parts.children():
            hidden = part(hidden, mask) if isinstance(part, Layer) else part(hidden)
        return hidden


class AutoDistillModel(Encoder):
    """Blocks one after the other."""


class ComponentsModel(Encoder):
    """Blocks one after the other."""


class ModuleList(Part):
    """Parts that another module calls."""


KINDS = {
    kind.__name__: kind
    for kind in (
        AutoDistillModel, BorrowingHead, BottleneckBlock, Bottlenecks, ComponentsBlock, ComponentsModel, Embedding,
        Embeddings, FeedForward, GELU, Identity, Layer, LayerNorm, Linear, MaskedStack, MlmHead, ModuleList, NoNorm,
        PartlyCentredNorm, Pooler, ReducedAttention, ResidualFeedForward, ScaledBlock, SelfAttention, Stack,
        StackedFeedForward, SuperShaperModel, TransformerModel, TrigramEmbeddings, UncentredNorm, ValueMeanPooling,
    )
}  # fmt: skip
"""Modules that can be built, by the names of their classes."""


def build(described: dict[str, Any]) -> Any:
    """Makes a module of its description; its parameters and buffers are not filled."""
    return KINDS[described["kind"]](described)
