"""Names of the columns of published latency tables, as plain data: another layout is one more entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Layout:
    """The columns of a published kind of table.

    Attributes:
        name: Name of the layout in messages.
        space: Name of the space that its rows belong to.
        genes: Published name of a column to the name of the gene.
        latency: Columns whose sum is the latency.
        unit: Unit of the latencies: ``s``, ``ms``, ``us`` or ``ns``.
        spread: Columns of standard deviations of the latency's parts, in the same unit.
    """

    name: str
    space: str
    genes: Mapping[str, str]
    latency: tuple[str, ...]
    unit: str
    spread: tuple[str, ...] = field(default=())


LAYOUTS: tuple[Layout, ...] = (
    Layout(  # Wang et al., "HAT: Hardware-Aware Transformers"; its latency data sets, measured in milliseconds
        name="HAT",
        space="hat",
        genes={
            "encoder_embed_dim": "enc_embed",
            "encoder_layer_num": "enc_layers",
            "encoder_ffn_embed_dim_avg": "enc_ffn_avg",
            "encoder_self_attention_heads_avg": "enc_heads_avg",
            "decoder_embed_dim": "dec_embed",
            "decoder_layer_num": "dec_layers",
            "decoder_ffn_embed_dim_avg": "dec_ffn_avg",
            "decoder_self_attention_heads_avg": "dec_heads_avg",
            "decoder_ende_attention_heads_avg": "dec_ende_heads_avg",
            "decoder_arbitrary_ende_attn_avg": "dec_arb_attn_avg",
        },
        latency=("latency_mean_encoder", "latency_mean_decoder"),
        unit="ms",
        spread=("latency_std_encoder", "latency_std_decoder"),
    ),
    Layout(  # Ganesan et al., "SuperShaper"; its latency data sets: a printed configuration, and seconds
        name="SuperShaper",
        space="supershaper",
        genes={f"sample_hidden_size.{i}": f"l{i + 1}" for i in range(12)},
        latency=("latency",),
        unit="s",
    ),
)


def find_layout(names: Iterable[str]) -> Layout | None:
    """Returns the layout all of whose latency columns and genes are among some names; None where there is none."""
    found = set(names)
    return next((one for one in LAYOUTS if found.issuperset((*one.genes, *one.latency))), None)


def aliases(space: str) -> dict[str, str]:
    """Returns the published names of a space's genes, over all layouts."""
    return {alias: gene for one in LAYOUTS if one.space == space for alias, gene in one.genes.items()}
