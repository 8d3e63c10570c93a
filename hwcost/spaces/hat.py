"""The ten features that HAT published its latencies with: an encoder-decoder Transformer, described by averages.

Source: Wang et al., "HAT: Hardware-Aware Transformers for Efficient Natural Language Processing", section 3.2 and the design
space of section 4.1. A feature that ends in ``_avg`` is a mean over layers, so any positive number may stand there. What
the averages hide (which layer has which width) cannot be rebuilt: the space describes data and is never measured.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from hwcost.errors import ArchitectureError
from hwcost.spaces.base import Architecture, Gene, GeneValue, SearchSpace

WIDTHS = (512, 640)
ENCODER_LAYERS = (6,)
DECODER_LAYERS = (1, 2, 3, 4, 5, 6)

TERMS: tuple[tuple[str, ...], ...] = (
    ("enc_layers",),
    ("enc_layers", "enc_embed"),
    ("enc_layers", "enc_ffn_avg"),
    ("enc_layers", "enc_embed", "enc_ffn_avg"),
    ("enc_layers", "enc_heads_avg"),
    ("enc_layers", "enc_embed", "enc_heads_avg"),
    ("dec_embed",),
    ("dec_layers",),
    ("dec_layers", "dec_embed"),
    ("dec_layers", "dec_ffn_avg"),
    ("dec_layers", "dec_embed", "dec_ffn_avg"),
    ("dec_layers", "dec_heads_avg"),
    ("dec_layers", "dec_embed", "dec_heads_avg"),
    ("dec_layers", "dec_ende_heads_avg"),
    ("dec_layers", "dec_embed", "dec_ende_heads_avg"),
    ("dec_layers", "dec_arb_attn_avg"),
    ("dec_layers", "dec_ende_heads_avg", "dec_arb_attn_avg"),
    ("dec_layers", "enc_embed", "dec_ende_heads_avg", "dec_arb_attn_avg"),
)
"""Products of features in which cost is linear by construction. A stack costs its layers times what one layer costs:
something fixed (kernel launches), norms (width), feed-forward (width times its inner width), attention (width times heads,
at 64 channels a head), and in the decoder attention to one to three encoder layers (its length grows with their number, its
keys and values are made from the encoder's width). ``dec_embed`` alone is the output projection, once per generated token.
Squares of a width add nothing: it takes two values."""


class Hat(SearchSpace):
    """HAT's encoder-decoder Transformers as their ten published features; describes data, cannot be measured."""

    name = "hat"
    genes = (
        Gene("enc_embed", WIDTHS),
        Gene("enc_layers", ENCODER_LAYERS),
        Gene("enc_ffn_avg"),
        Gene("enc_heads_avg"),
        Gene("dec_embed", WIDTHS),
        Gene("dec_layers", DECODER_LAYERS),
        Gene("dec_ffn_avg"),
        Gene("dec_heads_avg"),
        Gene("dec_ende_heads_avg"),
        Gene("dec_arb_attn_avg"),
    )

    def architecture(self, genes: Iterable[GeneValue]) -> Architecture:
        """Checks ten features; see the base class.

        Raises:
            ArchitectureError: When a width or a number of layers is not HAT's, or an average is not a positive number.
        """
        arch = super().architecture(genes)
        for gene, value in zip(self.genes, arch.genes, strict=True):
            if isinstance(value, str) or not 0 < value < float("inf"):
                raise ArchitectureError(
                    f"feature '{gene.name}' of space 'hat' is a mean over layers: expected a positive number, got {value!r}"
                )
        return arch

    def terms(self, genes: NDArray[np.float64]) -> tuple[list[str], NDArray[np.float64]]:
        """Returns layers times per-layer cost, term by term; see ``TERMS``."""
        column = {gene.name: genes[:, i] for i, gene in enumerate(self.genes)}
        products = [reduce(np.multiply, [column[name] for name in term]) for term in TERMS]
        return ["*".join(term) for term in TERMS], np.column_stack(products)

    def increasing(self) -> tuple[int, ...]:
        """All ten: more encoder layers to attend to are more keys and values, and nothing gets shorter elsewhere."""
        return (1,) * len(self.genes)
