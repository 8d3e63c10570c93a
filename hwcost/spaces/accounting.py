"""Exact counting of what Transformer operators do: parameters, operations, and elements moved.

``flops`` holds matrix products and attention only, one multiply-add = 2, as torch's counter with the math attention
kernel has it; element-wise work shows up in ``elements`` alone.
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
