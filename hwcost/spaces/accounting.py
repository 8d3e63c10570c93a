"""Exact counting of what Transformer operators do: parameters, operations, and elements moved.

``flops`` holds matrix products and attention only, one multiply-add = 2, as torch's counter with the math attention
kernel has it; element-wise work shows up in ``elements`` alone. Tokens are ``batch_size * seq_len`` throughout, and norms
stand behind the residuals (post-LN), as in Devlin et al., "BERT". The modules that are counted: ``workloads/modules.py``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Work:
    """What one call does.

    Attributes:
        params: Parameters held.
        flops: Operations in matrix products.
        elements: Numbers read from or written to memory when nothing stays in a cache: weights once, and the operands
            and results of every operator.
    """

    params: int = 0
    flops: int = 0
    elements: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(self.params + other.params, self.flops + other.flops, self.elements + other.elements)

    def times(self, count: int) -> Work:
        """Returns the work of several copies with weights of their own."""
        return Work(self.params * count, self.flops * count, self.elements * count)

    def bytes(self, itemsize: int = 4) -> int:
        """Returns the memory traffic in bytes for numbers of a given size."""
        return self.elements * itemsize


def linear(tokens: int, inputs: int, outputs: int, bias: bool = True) -> Work:
    """Counts a dense layer on ``tokens`` rows."""
    params = inputs * outputs + (outputs if bias else 0)
    return Work(params, 2 * tokens * inputs * outputs, params + tokens * (inputs + outputs))


def attention(batch_size: int, seq_len: int, heads: int, keys: int, values: int | None = None) -> Work:
    """Counts scores, softmax and weighted values.

    Args:
        batch_size: Sequences.
        seq_len: Tokens per sequence.
        heads: Number of heads.
        keys: Channels of the queries of all heads together, and as many of the keys.
        values: Channels of the values of all heads together; as many as of the keys when None.
    """
    scores = batch_size * heads * seq_len * seq_len
    tokens, values = batch_size * seq_len, keys if values is None else values
    flops = 2 * batch_size * seq_len * seq_len * (keys + values)
    return Work(0, flops, 2 * tokens * (keys + values) + 4 * scores)


def layer_norm(tokens: int, width: int) -> Work:
    """Counts a layer norm with scale and shift."""
    return Work(2 * width, 0, 2 * width + 2 * tokens * width)


def elementwise(tokens: int, width: int, operands: int = 1) -> Work:
    """Counts an element-wise operator without parameters."""
    return Work(0, 0, (operands + 1) * tokens * width)


def embedding(tokens: int, rows: int, width: int) -> Work:
    """Counts a look-up: all rows are parameters, only the rows looked up move."""
    return Work(rows * width, 0, 2 * tokens * width)


def no_norm(tokens: int, width: int) -> Work:
    """Counts MobileBERT's NoNorm: a scale and a shift per channel, and no statistics."""
    return layer_norm(tokens, width)


def embeddings(tokens: int, rows: int, width: int) -> Work:
    """Counts word, position and token-type embeddings (``rows`` of them in all), their sum and its norm."""
    return embedding(tokens, rows, width) + elementwise(tokens, width, operands=3) + layer_norm(tokens, width)


def add_norm(tokens: int, width: int) -> Work:
    """Counts a residual and the norm behind it."""
    return elementwise(tokens, width, operands=2) + layer_norm(tokens, width)


def self_attention(batch_size: int, seq_len: int, width: int, heads: int, inner: int | None = None) -> Work:
    """Counts attention with residual and norm.

    Args:
        batch_size: Sequences.
        seq_len: Tokens per sequence.
        width: Width of input and output.
        heads: Number of heads.
        inner: Channels of all heads together; the width itself when None.
    """
    tokens, inner = batch_size * seq_len, width if inner is None else inner
    projections = linear(tokens, width, inner).times(3) + linear(tokens, inner, width)
    return projections + attention(batch_size, seq_len, heads, inner) + add_norm(tokens, width)


def feed_forward(tokens: int, width: int, inner: int) -> Work:
    """Counts two dense layers around an activation, with residual and norm."""
    grown = linear(tokens, width, inner) + elementwise(tokens, inner)
    return grown + linear(tokens, inner, width) + add_norm(tokens, width)


def pooler(batch_size: int, width: int) -> Work:
    """Counts a dense layer and its tanh on the first token of every sequence."""
    return linear(batch_size, width, width) + elementwise(batch_size, width)


def mlm_head(tokens: int, width: int, vocabulary: int) -> Work:
    """Counts dense, GELU, norm and a decoder tied to the word embeddings, with a bias of its own."""
    transform = linear(tokens, width, width) + elementwise(tokens, width)
    tied = Work(params=-width * vocabulary)
    return transform + layer_norm(tokens, width) + linear(tokens, width, vocabulary) + tied
