"""Latency tables of HAT and SuperShaper as results of benchmarks: what is read, kept and refused."""

from __future__ import annotations

import pytest

from hwcost.errors import DataError
from hwcost.exchange.benchmarks.base import Given
from hwcost.exchange.benchmarks.reading import read

HERE = Given(device="bench-1", measured_at="2025-03-04T00:00:00Z")
HAT = [
    "encoder_embed_dim", "encoder_layer_num", "encoder_ffn_embed_dim_avg", "encoder_self_attention_heads_avg",
    "decoder_embed_dim", "decoder_layer_num", "decoder_ffn_embed_dim_avg", "decoder_self_attention_heads_avg",
    "decoder_ende_attention_heads_avg", "decoder_arbitrary_ende_attn_avg", "latency_mean_encoder", "latency_mean_decoder",
    "latency_std_encoder", "latency_std_decoder", "power_w",
]  # fmt: skip
"""Columns of HAT's latency data sets, and one of the user's own."""


def hat_table() -> str:
    """Two nets, in HAT's columns."""
    rows = [
        f"512,6,1877.33,6,640,{layers},1706.67,6,2.66667,1.33333,2.0,5.5,{spread},0.2,{power_w}"
        for layers, spread, power_w in ((3, 0.1, 20), (4, 0.3, 21))
    ]
    return "\n".join([",".join(HAT), *rows, ""])


def supershaper_table(*columns: tuple[str, list[str]]) -> str:
    """Three rows of two nets, with further columns."""
    nets = [["120"] * 12, ["360"] * 12, ["120"] * 12]
    header = [*(f"l{index}" for index in range(1, 13)), *(name for name, _ in columns)]
    rows = [[*net, *(texts[index] for _, texts in columns)] for index, net in enumerate(nets)]
    return "".join(",".join(row) + "\n" for row in (header, *rows))


LATENCIES = ("latency_s", ["0.5", "0.9", "0.7"])


def test_latency_tables(tmp_path) -> None:
    header = ",".join(f"l{index}" for index in range(1, 13))
    row = ",".join(["120"] * 12)
    other = ",".join(["360"] * 12)
    (tmp_path / "k80.csv").write_text(f"{header},latency_s\n{row},0.5\n{other},0.9\n{row},0.7\n{row},0.6\n")
    format, [run] = read(tmp_path / "k80.csv", None, Given(device="k80"))
    assert format.name == "supershaper"
    assert [(s.arch, e.value, e.n_rounds) for s, e in zip(run.series, run.estimates, strict=True)] == [
        ([120] * 12, 0.6, 3), ([360] * 12, 0.9, 1),
    ]  # fmt: skip
    genes = [
        "encoder_embed_dim", "encoder_layer_num", "encoder_ffn_embed_dim_avg", "encoder_self_attention_heads_avg",
        "decoder_embed_dim", "decoder_layer_num", "decoder_ffn_embed_dim_avg", "decoder_self_attention_heads_avg",
        "decoder_ende_attention_heads_avg", "decoder_arbitrary_ende_attn_avg",
    ]  # fmt: skip
    times = "latency_mean_encoder,latency_mean_decoder,latency_std_encoder,latency_std_decoder"
    lines = [f"512,6,1877.33,6,640,3,1706.67,6,2.66667,1.33333,{first},5.5,0.1,0.1" for first in (2.0, 3.0)]
    (tmp_path / "hat.csv").write_text("\n".join([f"{','.join(genes)},{times}", *lines]))
    format, [run] = read(tmp_path / "hat.csv", None, Given(device="titan-xp"))
    assert (format.name, run.estimates[0].value) == ("hat", pytest.approx(8.0e-3))
    assert any("ms" in remark for remark in run.remarks)


def test_what_else_a_latency_table_says_is_kept_and_named(tmp_path) -> None:
    columns = [
        LATENCIES, ("latency_std_s", ["0.01", "", "0.02"]), ("power_w", ["31.5", "n/a", "30"]), ("batch", ["8", "8", "8"]),
        ("note", ["=1+1", "<img>", "ü"]),
    ]  # fmt: skip
    (tmp_path / "k80.csv").write_text(supershaper_table(*columns), encoding="utf-8")
    _, [run] = read(tmp_path / "k80.csv", None, HERE)
    twice, once = (run.run.extra["columns"][series.series_key] for series in run.series)
    assert twice == {"latency_std_s": ["0.01", "0.02"], "power_w": ["31.5", "30"], "note": ["=1+1", "ü"]}
    assert once == {"latency_std_s": [""], "power_w": ["n/a"], "note": ["<img>"]}
    assert run.run.extra["facts"] == {"batch": "8"}
    (remark,) = [remark for remark in run.remarks if "kept with the run" in remark]
    assert all(f"'{name}'" in remark for name in ("latency_std_s", "power_w", "batch", "note"))
    assert [estimate.value for estimate in run.estimates] == [0.6, 0.9]
    plain = supershaper_table(LATENCIES)
    (tmp_path / "plain.csv").write_text(plain)
    _, [run] = read(tmp_path / "plain.csv", None, HERE)
    assert (run.run.extra["columns"], run.run.extra["facts"]) == ({}, {})
    assert not any("kept with the run" in remark for remark in run.remarks)


def test_the_published_columns_of_hat_are_kept_too(tmp_path) -> None:
    (tmp_path / "hat.csv").write_text(hat_table())
    _, [run] = read(tmp_path / "hat.csv", None, HERE)
    kept = [run.run.extra["columns"][series.series_key] for series in run.series]
    assert kept == [
        {"latency_std_encoder": ["0.1"], "power_w": ["20"]}, {"latency_std_encoder": ["0.3"], "power_w": ["21"]}
    ]
    assert run.run.extra["facts"] == {"latency_std_decoder": "0.2"}


WRONG_TABLES = [
    ("supershaper", lambda text: text.replace(",0.9\n", ",-0.9\n"), "line 3, column 'latency_s'"),
    ("supershaper", lambda text: text.replace(",0.9\n", ",nan\n"), "line 3, column 'latency_s'"),
    ("supershaper", lambda text: text.replace(",0.9\n", ",0\n"), "line 3, column 'latency_s'"),
    ("supershaper", lambda text: text.replace(",0.9\n", ",\n"), "line 3, column 'latency_s'"),
    ("supershaper", lambda text: text[:-8], "line 4: 12 values where the header has 13"),
    ("supershaper", lambda text: text.replace("latency_s", "cost"), "column 'latency_s' is missing"),
    ("supershaper", lambda text: text.replace("l12", "l13"), "needs the column 'l12'"),
    ("supershaper", lambda text: text.replace("360,360", "360,361", 1), "line 3"),
    ("supershaper", lambda text: text.replace("latency_s", "latency_parsec"), "unit"),
    ("hat", lambda text: text.replace(",2.0,5.5,", ",-2.0,5.5,", 1), "line 2, column 'latency_mean_encoder'"),
    ("hat", lambda text: text.replace(",2.0,5.5,", ",inf,5.5,", 1), "line 2, column 'latency_mean_encoder'"),
    ("hat", lambda text: text.replace(",2.0,5.5,", ",2.0,,", 1), "line 2, column 'latency_mean_decoder'"),
    ("hat", lambda text: text.replace("512,6,", "512,many,", 1), "line 2, column 'enc_layers'"),
    ("hat", lambda text: text[:-12], "line 3: 12 values where the header has 15"),
    ("hat", lambda text: text.replace("decoder_layer_num", "layers"), "line 1"),
]


@pytest.mark.parametrize(("format", "change", "message"), WRONG_TABLES)
def test_a_wrong_latency_table_is_refused_with_its_place(tmp_path, format, change, message) -> None:
    text = supershaper_table(LATENCIES) if format == "supershaper" else hat_table()
    assert change(text) != text
    (tmp_path / "in.csv").write_text(change(text))
    with pytest.raises(DataError) as error:
        read(tmp_path / "in.csv", format, HERE)
    assert message in str(error.value)
    assert str(tmp_path / "in.csv") in str(error.value)
