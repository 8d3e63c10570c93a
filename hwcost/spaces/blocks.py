"""Work of the blocks that BERT-like nets are made of; the modules that stand for them are in ``workloads/modules.py``.

Tokens are ``batch_size * seq_len`` throughout. Norms stand behind the residuals (post-LN), as in Devlin et al., "BERT".
"""

from __future__ import annotations

from hwcost.spaces.accounting import Work, attention, elementwise, embedding, layer_norm, linear


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
