"""Which columns of somebody's table are features, and what stands in their cells."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.errors import DataError, UsageError
from hwcost.exchange.identifiers import find_identifiers
from hwcost.exchange.options import TableOptions
from hwcost.exchange.table import LatencyTable, read_table

N = 24
LAYERS = [1 + (5 * i) % 7 for i in range(N)]
HIDDEN = [64 * (1 + (3 * i) % 11) for i in range(N)]
MEASURED = [1e-3 * (1 + i % 5) for i in range(N)]


def table(columns: dict[str, list[Any]], **options: Any) -> LatencyTable:
    return read_table({**columns, "latency_s": MEASURED}, "table", TableOptions(**options))


def test_numbers_of_repeats_hide_no_repeats() -> None:
    """Runs count from 0 or 1 within equal rows; a size with other values, or one that no row repeats without, stays."""
    layers, runs = [i // 4 for i in range(N)], [i % 4 for i in range(N)]
    for name in ("run", "trial", "rep_id", "Iteration", "measurement no"):
        for first in (0, 1):
            read = table({name: [run + first for run in runs], "layers": layers})
            assert [gene.name for gene in read.space.genes] == ["layers"]
            assert "numbers of repeats" in read.remarks[0]
    sizes = table({"iter": [2**run for run in runs], "layers": layers})
    assert [gene.name for gene in sizes.space.genes] == ["iter", "layers"]
    assert features({"run": runs}) == ["run", "layers", "hidden"]


def test_running_numbers_seeds_results_and_empty_columns_are_left_out() -> None:
    rng = np.random.default_rng(0)
    seeds = rng.integers(2**31, size=N).tolist()
    kinds: dict[str, list[Any]] = {
        "step": [100 * i for i in range(N)],
        "iteration": [500 + i for i in range(N)],
        "epoch": [i // 2 for i in range(N)],
        "random_seed": seeds,
        "val_acc": [0.7 + 0.001 * (i % 13) for i in range(N)],
        "notes": [""] * N,
        "when": [f"20240301_{i:06d}" for i in range(N)],
        "stamp": [20240301000000 + i for i in range(N)],
    }
    for name, values in kinds.items():
        assert features({name: values}) == ["layers", "hidden"], name
        if name != "notes":
            assert features({name: values}, keep=name)[0].startswith(name)
    assert features({"steps": [(10, 20, 50)[i % 3] for i in range(N)]})[0] == "steps"


def test_numbers_with_other_signs() -> None:
    """Thousands with apostrophes and spaces, percent signs and multiples; a list of numbers stays a list."""
    kinds: dict[str, tuple[list[str], list[float]]] = {
        "apostrophes": (["1'024", "12'288", "900"], [1024, 12288, 900]),
        "narrow spaces": (["1\u202f024", "12\u202f288", "900"], [1024, 12288, 900]),
        "spaces": (["1 024", "12 288", "900"], [1024, 12288, 900]),
        "multiples": (["900K", "1.2M", "3 MB"], [900e3, 1.2e6, 3e6]),
        "bytes": (["512 B", "2 KB", "1 MiB"], [512, 2e3, 2**20]),
        "buffer": (["512 B", "64 B", "128 B"], [512, 64, 128]),
        "billions": (["7B", "13B", "1.5B"], [7e9, 13e9, 1.5e9]),
        "percents": (["5%", "12.5 %", "0%"], [5, 12.5, 0]),
    }
    for name, (texts, numbers) in kinds.items():
        read = table({name: [texts[i % 3] for i in range(N)], "layers": LAYERS})
        assert [arch.genes[0] for arch in read.architectures] == [numbers[i % 3] for i in range(N)]
        assert f"column '{name}' holds numbers with other signs" in read.remarks[0]
    assert features({"net": [("128 256", "512 768")[i % 2] for i in range(N)]})[:2] == ["net.0", "net.1"]
    kept = table({"model": [("7B", "13B")[i % 2] for i in range(N)], "layers": LAYERS}, categorical="model")
    assert kept.space.genes[0].choices == ("13B", "7B")


def test_architectures_as_other_tools_write_them() -> None:
    cells = [f"|{('none', 'conv')[i % 2]}~0|+|skip~0|{('pool', 'none')[i % 3 % 2]}~1|" for i in range(N)]
    kinds = {
        "8-512": [f"{one}-{two}" for one, two in zip(LAYERS, HIDDEN, strict=True)],
        "8x512": [f"{one}x{two}" for one, two in zip(LAYERS, HIDDEN, strict=True)],
        "[8 512]": [f"[{one:2d} {two}.]" for one, two in zip(LAYERS, HIDDEN, strict=True)],
    }
    for texts in kinds.values():
        read = table({"arch": texts})
        assert [gene.name for gene in read.space.genes] == ["arch.0", "arch.1"]
        assert [arch.genes for arch in read.architectures] == list(zip(LAYERS, HIDDEN, strict=True))
        assert read.space.as_architecture({"arch": texts[3]}) == read.architectures[3]
    read = table({"arch": cells})
    assert read.architectures[0].genes == ("none", "skip", "pool")
    assert read.space.as_architecture({"arch": cells[5]}) == read.architectures[5]


def features(columns: dict[str, list[Any]], **options: Any) -> list[str]:
    return [gene.name for gene in table({**columns, "layers": LAYERS, "hidden": HIDDEN}, **options).space.genes]


@pytest.mark.parametrize(
    ("name", "values", "what"),
    [
        ("name", [f"net_{i}" for i in range(N)], "names, 24 different ones in 24 rows"),
        ("arch_hash", [f"{i * 7919:08x}" for i in range(N)], "names"),
        ("hash", [i * 7919 for i in range(N)], "hashes"),
        ("file", [f"runs/net_{i}.onnx" for i in range(N)], "names"),
        ("measured", [f"2024-01-{1 + i // 9:02d} 10:{i:02d}:00" for i in range(N)], "dates"),
        ("day", [f"{1 + i % 3:02d}.01.2024" for i in range(N)], "dates"),
        ("Unnamed: 0", list(range(N)), "row numbers of a data frame"),
        ("Unnamed: 0", [i % 12 for i in range(N)], "row numbers of a data frame"),
        ("comment", ["" if i % 9 else "cold start?" for i in range(N)], "notes on single rows"),
        ("Unnamed: 0.1", [3 * i + i % 2 for i in range(N)], "row numbers of a data frame"),
        ("index", [2 * i for i in range(N)], "row numbers of a data frame"),
        ("net", list(range(N)), "a running number"),
        ("sample", [(7 * i) % N for i in range(N)], "a running number"),
        ("anything", list(range(1, N + 1)), "a running number"),
        ("arch_id", [(i * 857) % 15625 for i in range(N)], "numbers that name the rows"),
        ("timestamp", [1.7e9 + 3.5 * i for i in range(N)], "times of measurement"),
    ],
)
def test_columns_that_name_rows_are_left_out_and_said(name: str, values: list[Any], what: str) -> None:
    columns = {name: values, "layers": LAYERS, "hidden": HIDDEN}
    read = table(columns)
    assert [gene.name for gene in read.space.genes] == ["layers", "hidden"]
    assert len(read.remarks) == 1
    assert f"'{name}'" in read.remarks[0]
    assert what in read.remarks[0]
    assert f"--keep {shlex.quote(name)}" in read.remarks[0]
    assert features({name: values}, keep=[name]) == [name, "layers", "hidden"]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("op", ["conv", "pool", "norm"] * (N // 3)),
        ("params", [1_000_000 + 37 * i * i for i in range(N)]),
        ("width", [0.5 + 0.01 * i for i in range(N)]),
        ("nb201_index", [(i * 857) % 15625 for i in range(N)]),
        ("seq_len", list(range(1, N + 1))),
        ("m", list(range(1, N + 1))),
        ("anything", [(7 * i) % N for i in range(N)]),
        ("anything", [10 * i for i in range(N)]),
    ],
)
def test_features_stay_although_every_value_differs(name: str, values: list[Any]) -> None:
    assert features({name: values}) == [name, "layers", "hidden"]


def test_a_sweep_in_order_keeps_its_only_size() -> None:
    sweep = {"x": list(range(1, N + 1)), "flops": [3 * i * i for i in range(1, N + 1)], "batch": [1] * N}
    assert [gene.name for gene in table(sweep).space.genes] == ["x", "flops", "batch"]


def test_a_name_alone_is_refused_with_what_helps() -> None:
    names = {"name": [f"net_{i}" for i in range(N)]}
    with pytest.raises(DataError, match="only feature is 'name'.*as a list or dictionary.*--keep name"):
        table(names)
    assert [gene.name for gene in table(names, keep="name").space.genes] == ["name"]


def test_names_of_repeated_nets_follow_from_the_genes() -> None:
    nets = [i % 12 for i in range(N)]
    columns = {"model": [f"bert-{net}" for net in nets], "layers": nets, "hidden": [64 * net for net in nets]}
    read = table(columns)
    assert [gene.name for gene in read.space.genes] == ["layers", "hidden"]
    assert len({arch.genes for arch in read.architectures}) == 12
    by_number = {**{name: values for name, values in columns.items() if name != "model"}, "net_id": nets}
    by_number["hidden"] = [64 * net * net for net in nets]
    assert [gene.name for gene in table(by_number).space.genes] == ["layers", "hidden"]
    columns["seq"] = [128 * (1 + i // 12) for i in range(N)]
    assert "model" in [gene.name for gene in table(columns).space.genes], "a net at two lengths is a category"


@given(st.lists(st.floats(1e-3, 1e12), min_size=12, max_size=40, unique=True))
def test_no_column_of_distinct_numbers_is_lost(values: list[float]) -> None:
    texts = [repr(value + 0.5) for value in values]
    rest = {"other": [str(i % 3) for i in range(len(values))]}
    assert not find_identifiers({"value": texts, "size": texts, **rest})


def test_drop_and_id_take_columns_out() -> None:
    columns = {"seed": [(i * i) % 31 for i in range(N)], "name": [f"net_{i}" for i in range(N)]}
    read = table({**columns, "layers": LAYERS}, drop="seed", id="name")
    assert [gene.name for gene in read.space.genes] == ["layers"]
    assert read.names == columns["name"]
    with pytest.raises(UsageError, match="no column 'who'"):
        table({**columns, "layers": LAYERS}, id="who")
    with pytest.raises(UsageError, match="no feature column 'who'"):
        table({**columns, "layers": LAYERS}, drop="who")
    with pytest.raises(UsageError, match="'seed' is named both"):
        table({**columns, "layers": LAYERS}, drop="seed", keep="seed")


def test_a_kept_column_of_many_names_is_remarked() -> None:
    names = {"name": [f"net_{i}" for i in range(60)], "layers": [1 + i % 7 for i in range(60)]}
    read = read_table({**names, "latency_s": [0.1] * 60}, "table", TableOptions(keep="name"))
    assert "60 values in 60 rows" in read.remarks[0]


def test_dictionaries_and_lists_become_columns() -> None:
    texts = [str({"ks": [5, 7, 3 + i % 2], "d": LAYERS[i], "act": ("relu", "gelu")[i % 2]}) for i in range(N)]
    read = table({"arch": texts, "widths": [[h, 2 * h] for h in HIDDEN]})
    names = ["ks.0", "ks.1", "ks.2", "d", "act", "widths.0", "widths.1"]
    assert [gene.name for gene in read.space.genes] == names
    assert read.architectures[1].genes == (5, 7, 4, LAYERS[1], "gelu", HIDDEN[1], 2 * HIDDEN[1])
    json_texts = [text.replace("'", '"') for text in texts]
    assert table({"arch": json_texts}).architectures == table({"arch": texts}).architectures


def test_shorter_lists_end_in_zeros_and_that_is_said() -> None:
    read = table({"ks": [[3] * (1 + i % 3) for i in range(N)]})
    assert [arch.genes for arch in read.architectures[:3]] == [(3, 0, 0), (3, 3, 0), (3, 3, 3)]
    assert "what a shorter one lacks is 0" in read.remarks[0]


def test_keys_of_numbers_are_lists_and_no_numbers() -> None:
    keys = [f"{a}_{b}" for a, b in zip(LAYERS, HIDDEN, strict=True)]
    assert [arch.genes for arch in table({"arch": keys}).architectures] == list(zip(LAYERS, HIDDEN, strict=True))
    widths = [str([360] * 11 + [120 + 120 * (i % 2)]) for i in range(N)]
    read = read_table({"arch": widths, "latency_s": MEASURED}, "supershaper")
    assert read.architectures[1].genes == (360,) * 11 + (240,)


def test_nothing_in_a_cell_is_executed() -> None:
    texts = ["{'a': __import__('os').getcwd()}"] * N
    read = table({"x": texts, "layers": LAYERS})
    assert read.architectures[0].genes == (texts[0], LAYERS[0])


def write(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_commas_between_thousands(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "params,latency_s", ['"74,760,192",0.5', "123,0.25", '"1,234.5",0.75'])
    read = read_table(path, "table")
    assert [arch.genes for arch in read.architectures] == [(74760192,), (123,), (1234.5,)]
    assert "'74,760,192' is a number" in read.remarks[0]


def test_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    read = read_table(write(tmp_path / "t.csv", "a;b;latency_s", ["1;1.234.567;0,5", "2;1.000,5;1,250"]), "table")
    assert [arch.genes for arch in read.architectures] == [(1, 1234567), (2, 1000.5)]
    np.testing.assert_array_equal(read.latency_s, [0.5, 1.25])
    assert {"numbers are written with decimal commas.", "cells are separated by semicolons."} == set(read.remarks)


def test_a_comma_that_may_be_either_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "a;latency_ms", ["1;1,234", "2;2,345"])
    with pytest.raises(DataError, match=r"'1,234' may be 1\.234 or 1234"):
        read_table(path, "table")


@pytest.mark.parametrize(
    ("header", "row", "microseconds"),
    [
        ("a,latency_us", '{},"38,202"', None),
        ("a;latency_us", "{};38,202", None),
        ("a,latency_us", '{},"38,202.5"', 38202.5),
        ("a,params,latency_us", '{},"1,234,567","38,202"', 38202),
        ("a;params;latency_us", "{};1,234,567;38,202", 38202),
        ("a;params;latency_us", "{};1.234.567;38,202", 38.202),
        ("a,x,latency_us", '{},0.5,"38,202"', 38202),
        ("a,x,latency_us", '{},"0,5","38,202"', 38.202),
        ("a,latency_us", '{},"38,202"\n9,980', 38202),
        ("a,latency_us", '{},"38,202"\n9,1980', None),
    ],
)
def test_three_digits_behind_a_comma_need_a_witness(tmp_path: Path, header: str, row: str, microseconds: Any) -> None:
    """Other numbers of the file say what a comma is, or numbers below 1000 beside it; nothing else does."""
    path = write(tmp_path / "t.csv", header, [row.format(i) for i in range(4)])
    if microseconds is None:
        with pytest.raises(DataError, match=r"'38,202' may be 38\.202 or 38202"):
            read_table(path, "table")
    else:
        assert read_table(path, "table").latency_s[0] == pytest.approx(microseconds * 1e-6)


@given(st.lists(st.tuples(st.floats(0.001, 900), st.integers(1, 10**9)), min_size=2, max_size=20))
def test_any_delimiter_and_decimal_sign_reads_the_same(tmp_path_factory: Any, rows: list[tuple[float, int]]) -> None:
    folder = tmp_path_factory.mktemp("signs")
    rows = [*rows, (0.5, 1)]
    plain = write(folder / "a.csv", "n,x,latency_s", [f"{n},{x:f},{x + 1:f}" for x, n in rows])
    european = write(folder / "b.csv", "n;x;latency_s", [f"{n};{x:f};{x + 1:f}".replace(".", ",") for x, n in rows])
    tabs = write(folder / "c.tsv", "n\tx\tlatency_s", [f"{n}\t{x:f}\t{x + 1:f}" for x, n in rows])
    one, *others = [read_table(path, "table", TableOptions(keep="n,x")) for path in (plain, european, tabs)]
    for other in others:
        assert other.architectures == one.architectures
        np.testing.assert_array_equal(other.latency_s, one.latency_s)


@pytest.mark.parametrize(
    ("header", "factor"),
    [
        ("latency_ms", 1e-3), ("latency (ms)", 1e-3), ("Latency[us]", 1e-6), ("latency_us", 1e-6), ("time/ns", 1e-9),
        ("mean_latency_ms", 1e-3), ("latency_mean_s", 1.0), ("inference time (µs)", 1e-6), ("runtime_seconds", 1.0),
    ],
)  # fmt: skip
def test_the_unit_is_taken_from_the_name_and_said(tmp_path: Path, header: str, factor: float) -> None:
    read = read_table(write(tmp_path / "t.csv", f"a,{header}", ["1,2", "3,4"]), "table")
    np.testing.assert_allclose(read.latency_s, np.array([2, 4]) * factor, rtol=1e-15)
    assert read.remarks[0].startswith(f"latency is {header}, in ")


def test_latency_and_unit_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "a,enc,dec,latency_ms", ["1,2,3,9", "3,4,5,9"])
    read = read_table(path, "table", TableOptions(latency="enc+dec", unit="us", drop="a", keep="latency_ms"))
    np.testing.assert_allclose(read.latency_s, [5e-6, 9e-6])
    assert [gene.name for gene in read.space.genes] == ["latency_ms"]
    read = read_table(path, "table", TableOptions(latency="enc", unit="s"))
    assert [gene.name for gene in read.space.genes] == ["a", "dec"], "what is named as latencies are is not a feature"
    for latency, unit, said in (("enc", None, "does not say in which unit"), ("enc+x", "s", "no column 'x'")):
        with pytest.raises(UsageError, match=said):
            read_table(path, "table", TableOptions(latency=latency, unit=unit))
    with pytest.raises(UsageError, match="unknown unit of latency 'h'. Known: s, ms, us, ns, min"):
        TableOptions(unit="h")


def test_a_latency_without_a_unit_or_among_others_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'latency' does not say in which unit .* --unit"):
        read_table(write(tmp_path / "a.csv", "a,latency", ["1,2", "3,4"]), "table")
    with pytest.raises(DataError, match="several columns may be the latency: latency_ms, latency_us"):
        read_table(write(tmp_path / "b.csv", "a,latency_ms,latency_us", ["1,2,3", "3,4,5"]), "table")


def test_every_row_without_a_latency_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "a,latency_s", ["1,2", "3,", "4,1", "5,nan"])
    with pytest.raises(DataError, match="line 3, column 'latency_s': the value is missing .2 of 4 rows .*: lines 3 and 5"):
        read_table(path, "table")
    with pytest.raises(DataError, match="line 4, column 'latency_s': '6.03oops04' is not a positive finite number"):
        read_table(write(path, "a,latency_s", ["1,2", "3,1", "4,6.03oops04"]), "table")


HAT = (
    "encoder_embed_dim,encoder_layer_num,encoder_ffn_embed_dim_avg,encoder_self_attention_heads_avg,decoder_embed_dim,"
    "decoder_layer_num,decoder_ffn_embed_dim_avg,decoder_self_attention_heads_avg,decoder_ende_attention_heads_avg,"
    "decoder_arbitrary_ende_attn_avg,latency_mean_encoder,latency_mean_decoder,latency_std_encoder,latency_std_decoder"
)


def test_a_published_layout_is_recognised(tmp_path: Path) -> None:
    rows = ["640,6,2048.0,8.0,512,3,1024.0,4.0,4.0,2.0,100.5,200.25,3,4", "512,6,1024,4,640,6,3072,8,8,1,50,400,6,8"]
    path = write(tmp_path / "hat.csv", HAT, rows)
    read = read_table(path, "hat")
    assert read.architectures[0].genes == (640, 6, 2048, 8, 512, 3, 1024, 4, 4, 2)
    np.testing.assert_allclose(read.latency_s, [0.30075, 0.450])
    assert read.latency_std_s is not None
    np.testing.assert_allclose(read.latency_std_s, [5e-3, 10e-3])
    assert "HAT's columns" in read.remarks[0]
    np.testing.assert_allclose(read_table(path, "table").latency_s, read.latency_s)
    names = dict(zip(HAT.split(","), rows[0].split(","), strict=True))
    assert read.space.as_architecture({name: float(value) for name, value in names.items()}) == read.architectures[0]


def test_a_printed_configuration_is_a_layout_too() -> None:
    widths = [[360] * 11 + [120 + 120 * (i % 2)] for i in range(4)]
    texts = ["BertConfig " + json.dumps({"vocab_size": 9, "sample_hidden_size": one}, indent=2) + "\n" for one in widths]
    read = read_table({"config": texts, "latency": [3.5, 2.5, 1.5, 0.5]}, "supershaper")
    assert [list(arch.genes) for arch in read.architectures] == widths
    assert read.latency_s.tolist() == [3.5, 2.5, 1.5, 0.5]
    assert read.remarks[-1] == "these are SuperShaper's columns: latency is latency, in s."
    assert read.space.as_architecture({"config": texts[0]}) == read.architectures[0]


def test_latencies_may_stand_within_records() -> None:
    records = [{"arch": {"layers": i % 7}, "result": {"latency_ms": 2.0 + i}} for i in range(6)]
    read = read_table(records, "table")
    assert [gene.name for gene in read.space.genes] == ["layers"]
    np.testing.assert_allclose(read.latency_s, [2e-3, 3e-3, 4e-3, 5e-3, 6e-3, 7e-3])


def test_rows_know_their_lines(tmp_path: Path) -> None:
    read = read_table(write(tmp_path / "t.csv", "a,latency_s", ["1,2", "", "3,4"]), "table")
    assert (read.place, read.lines, read.columns) == ("line", (2, 4), ("a", "latency_s"))


@pytest.mark.parametrize("given", [5, [5], {"layers": 1}.items()])
def test_names_of_columns_are_texts(given: Any) -> None:
    with pytest.raises(UsageError, match="columns are named by a list of texts"):
        TableOptions(drop=given)


# -- cells that say their unit of time ------------------------------------------------------------------------------------


# -- what hides among features -------------------------------------------------------------------------------------------


def test_infinite_settings_are_no_warnings(recwarn: pytest.WarningsRecorder) -> None:
    rows = {"width": [8, 16, 24] * 4, "request_rate": ["inf"] * 12, "latency_ms": [2.0, 3, 4] * 4}
    assert len(read_table(rows, "table")) == 12
    assert not recwarn.list
