"""Subnets run from a supernet's weights by the papers' formulas, every slice written out: what the library must equal."""

from __future__ import annotations

import math

import torch
from torch.nn import functional


def embed(weights, ids, types, width):
    table = weights.embeddings
    summed = table.word.weight[ids][..., :width] + table.token_type.weight[types][..., :width]
    return norm(summed + table.position.weight[: ids.shape[1], :width], table.norm, width)


def norm(hidden, module, width):
    return functional.layer_norm(hidden, (width,), module.weight[:width], module.bias[:width], 1e-12)


def linear(hidden, module, outputs, inputs):
    return hidden @ module.weight[:outputs, :inputs].T + module.bias[:outputs]


def attend(query, key, value, mask, scale):
    scores = query @ key.transpose(-1, -2) * scale
    return scores.masked_fill(mask[:, None, None, :] == 0, -torch.inf).softmax(-1) @ value


def mlm(weights, hidden, width):
    head = weights.head
    transformed = norm(functional.gelu(linear(hidden, head.dense, width, width)), head.norm, width)
    return transformed @ weights.embeddings.word.weight[:, :width].T + head.bias


def supershaper(weights, widths, heads, ids, mask, types):
    """Section 3 of SuperShaper: in through the bottleneck, BERT's layer at width h, out through the bottleneck."""
    full = weights.embeddings.word.weight.shape[1]
    hidden = embed(weights, ids, types, full)
    for layer, h in zip(weights.layers, widths, strict=True):
        inner = linear(hidden, layer.enter, h, full)
        split = [
            linear(inner, part, h, h).unflatten(-1, (heads, h // heads)).transpose(1, 2)
            for part in (layer.attention.query, layer.attention.key, layer.attention.value)
        ]
        mixed = attend(*split, mask, 1 / math.sqrt(h // heads)).transpose(1, 2).flatten(2)
        inner = norm(inner + linear(mixed, layer.attention.output, h, h), layer.attention.norm, h)
        forward = layer.feed_forward
        grown = functional.gelu(linear(inner, forward.grow, len(forward.grow.weight), h))
        inner = norm(inner + linear(grown, forward.shrink, h, grown.shape[-1]), forward.norm, h)
        hidden = linear(inner, layer.leave, full, h)
    return mlm(weights, hidden, full)


def super_lm(weights, arch, channels, ids, mask, types):
    """Section 3.1 of AutoDistil: the first channels of everything, of every head too, and layers spread evenly."""
    depth, width, ratio, heads = arch
    full_heads = weights.parts[0].attention.heads
    hidden = embed(weights, ids, types, width)
    for index in range(depth):
        layer = weights.parts[math.floor(index / (depth / len(weights.parts)) + 1e-9)]
        attention = layer.attention
        per_head = attention.query.weight.shape[0] // full_heads
        split = []
        for part in (attention.query, attention.key, attention.value):
            of_heads = []
            for head in range(heads):
                rows = slice(head * per_head, head * per_head + channels)
                of_heads.append(hidden @ part.weight[rows, :width].T + part.bias[rows])
            split.append(torch.stack(of_heads, 1))
        mixed = attend(*split, mask, 1 / math.sqrt(channels))
        output = attention.output.bias[:width]
        for head in range(heads):
            columns = slice(head * per_head, head * per_head + channels)
            output = output + mixed[:, head] @ attention.output.weight[:width, columns].T
        hidden = norm(hidden + output, attention.norm, width)
        inner = round(ratio * width)
        grown = functional.gelu(linear(hidden, layer.feed_forward.grow, inner, width))
        hidden = norm(hidden + linear(grown, layer.feed_forward.shrink, width, inner), layer.feed_forward.norm, width)
    return hidden


def prefixes(weights, width, inner, heads, ids, mask, types):
    """BERT's layers on the first channels of everything."""
    hidden = embed(weights, ids, types, width)
    for layer in weights.layers:
        attention, forward = layer.attention, layer.feed_forward
        split = [
            linear(hidden, part, width, width).unflatten(-1, (heads, width // heads)).transpose(1, 2)
            for part in (attention.query, attention.key, attention.value)
        ]
        mixed = attend(*split, mask, 1 / math.sqrt(width // heads)).transpose(1, 2).flatten(2)
        hidden = norm(hidden + linear(mixed, attention.output, width, width), attention.norm, width)
        grown = functional.gelu(linear(hidden, forward.grow, inner, width))
        hidden = norm(hidden + linear(grown, forward.shrink, width, inner), forward.norm, width)
    return hidden
