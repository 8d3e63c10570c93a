"""Names of the columns of published latency tables and of tools' tables, as plain data: another layout is one more entry."""

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
        unit: Unit of the latencies: ``s``, ``ms``, ``us`` or ``ns``; None where each cell or a column beside it says it.
        spread: Columns of standard deviations of the latency's parts, in the same unit.
        marks: Further columns by which it is recognised.
        results: Columns that give what else was measured, or how: no features.
    """

    name: str
    space: str
    genes: Mapping[str, str]
    latency: tuple[str, ...]
    unit: str | None
    spread: tuple[str, ...] = field(default=())
    marks: tuple[str, ...] = field(default=())
    results: tuple[str, ...] = field(default=())

    @property
    def needed(self) -> tuple[str, ...]:
        """Columns that a table of this layout has."""
        return (*self.genes, *self.latency, *self.marks)


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
    Layout(  # the CSV of google/benchmark, and the entries of its JSON
        name="google/benchmark",
        space="table",
        genes={},
        latency=("real_time",),
        unit=None,
        marks=("cpu_time", "iterations"),
        results=(
            "iterations", "repetitions", "repetition_index", "family_index", "per_family_instance_index", "run_name",
            "run_type", "aggregate_name", "aggregate_unit", "error_occurred", "error_message", "skipped", "skip_message",
        ),
    ),
    Layout(  # Triton's perf_analyzer, -f FILE
        name="perf_analyzer",
        space="table",
        genes={},
        latency=("p50 latency",),
        unit="us",
        marks=("Inferences/Second", "Client Send", "Client Recv"),
        results=(
            "Inferences/Second", "Client Send", "Network+Server Send/Recv", "Server Queue", "Server Compute Input",
            "Server Compute Infer", "Server Compute Output", "Server Cache Hit", "Client Recv", "request/response",
            "response wait", "Avg GPU Utilization", "Avg GPU Power Usage", "Max GPU Memory Usage", "Total GPU Memory",
        ),
    ),
    Layout(  # hyperfine, --export-csv and the results of --export-json, whose times are in seconds whatever --time-unit says
        name="hyperfine",
        space="table",
        genes={},
        latency=("median",),
        unit="s",
        spread=("stddev",),
        marks=("command", "mean", "user", "system"),
        results=("exit_codes", "memory_usage_byte"),
    ),
    Layout(  # pytest-benchmark, --benchmark-csv and the benchmarks of --benchmark-json
        name="pytest-benchmark",
        space="table",
        genes={},
        latency=("median",),
        unit="s",
        spread=("stddev",),
        marks=("mean", "iqr", "ops", "rounds"),
        results=(
            "ops", "rounds", "iterations", "total", "outliers", "iqr_outliers", "stddev_outliers", "ld15iqr", "hd15iqr",
            "fullname", "param",
        ),
    ),
)


def find_layout(names: Iterable[str]) -> Layout | None:
    """Returns the layout all of whose columns are among some names; None where there is none."""
    found = set(names)
    return next((one for one in LAYOUTS if found.issuperset(one.needed)), None)


def aliases(space: str) -> dict[str, str]:
    """Returns the published names of a space's genes, over all layouts."""
    return {alias: gene for one in LAYOUTS if one.space == space for alias, gene in one.genes.items()}
