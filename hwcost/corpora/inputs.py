"""What a BERT takes in: segments of text between special tokens, padded to one length.

Source: Devlin et al., "BERT", section 3 and Figure 2: ``[CLS] A [SEP]`` or ``[CLS] A [SEP] B [SEP]``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost.corpora.tokenizer import Tokenizer

SHORTEST = 8
"""Tokens of a sequence, at least: up to three special ones and some text."""


@dataclass(frozen=True)
class Segments:
    """A run of tokens for each row of a batch.

    Attributes:
        starts: Shape (rows,): places in the flat array of tokens.
        lengths: Shape (rows,).
    """

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]


def inputs(
    tokens: NDArray[np.int32], segments: tuple[Segments, ...], seq_len: int, tokenizer: Tokenizer
) -> dict[str, NDArray[np.int64]]:
    """Sets segments side by side: ``[CLS]``, then each segment with a ``[SEP]`` behind it, then ``[PAD]``.

    Args:
        tokens: The flat array that the segments are cut from.
        segments: The first, and the second where there is one; with the special tokens they must fit into ``seq_len``.
        seq_len: Length of every row.
        tokenizer: Tokenizer, which has the special tokens.

    Returns:
        ``input_ids``, ``attention_mask`` (1 on all but padding) and ``token_type_ids`` (the segment's number, from 0; its
        ``[SEP]`` belongs to it), each of shape (rows, seq_len).
    """
    rows, column = len(segments[0].starts), np.arange(seq_len)
    ids = np.full((rows, seq_len), tokenizer.pad, dtype=np.int64)
    types = np.zeros_like(ids)
    ids[:, 0] = tokenizer.start
    begins = np.ones(rows, dtype=np.int64)
    for number, segment in enumerate(segments):
        ends = begins + segment.lengths
        inside = (column >= begins[:, None]) & (column < ends[:, None])
        source = column + (segment.starts - begins)[:, None]
        ids[inside] = tokens[source[inside]]
        ids[np.arange(rows), ends] = tokenizer.separator
        types[(column >= begins[:, None]) & (column <= ends[:, None])] = number
        begins = ends + 1
    return {"input_ids": ids, "attention_mask": (column < begins[:, None]).astype(np.int64), "token_type_ids": types}
