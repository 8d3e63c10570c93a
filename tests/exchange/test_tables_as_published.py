"""Tables as papers, spreadsheets and other languages write them: spreads, headers of several rows, names of latencies."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest

import hwcost
from hwcost.errors import ArchitectureError, DataError, UsageError
from hwcost.exchange.column_names import computed_word, split_unit
from hwcost.exchange.identifiers import are_dates, find_identifiers
from hwcost.exchange.options import TableOptions
from hwcost.exchange.sheet import for_shell
from hwcost.exchange.table import LatencyTable, read_table

WIDTH = [8, 16, 24, 32, 40, 48]
SECONDS = [0.011, 0.023, 0.0295, 0.0414, 0.05, 1.0631]
MS = [round(1e3 * one, 6) for one in SECONDS]


def same(read: LatencyTable, *names: str) -> LatencyTable:
    assert [gene.name for gene in read.space.genes] == list(names or ["width"])
    assert [arch.genes[0] for arch in read.architectures] == WIDTH
    np.testing.assert_allclose(read.latency_s, SECONDS, rtol=1e-9)
    return read


def table(columns: dict[str, list[Any]], **options: Any) -> LatencyTable:
    return read_table({"width": WIDTH, **columns}, "table", TableOptions(**options))


def written(path: Path, content: str, **options: Any) -> LatencyTable:
    path.write_text(content, encoding="utf-8")
    return read_table(path, "table", TableOptions(**options))


def rows(header: str, sign: str = ",") -> str:
    return "\n".join([header, *(f"{width}{sign}{ms}" for width, ms in zip(WIDTH, MS, strict=True))]) + "\n"


# -- cells ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cell",
    ["{} ± 0.4", "{}±2%", "{} +/- 0.4", "{} (0.4)", "{} (±0.4)", "${} \\pm 0.4$", "{} ms ± 45 µs",
     "{} ms ± 45 µs per loop (mean ± std. dev. of 7 runs, 10 loops each)", '="{}"'],
)  # fmt: skip
def test_the_spread_beside_a_number_is_left_out(tmp_path: Path, cell: str) -> None:
    cells = [cell.format(one).replace('"', '""') for one in MS]
    content = "width,latency_ms\n" + "\n".join(f'{width},"{one}"' for width, one in zip(WIDTH, cells, strict=True))
    read = same(written(tmp_path / "t.csv", content))
    assert cell.startswith("=") or any("with their spread, which is left out" in remark for remark in read.remarks)
    if cell == "{} ± 0.4":
        comma = content.replace('"', "").replace(",", ";").replace(".", ",")
        same(written(tmp_path / "t.csv", comma))


def test_what_is_no_spread_stays() -> None:
    for cell in ("{} (1.8x)", "{} / 0.4", "{} (99999)"):
        with pytest.raises(DataError, match="none of its cells is a number"):
            table({"latency_ms": [cell.format(one) for one in MS]})
    assert table({"layers (heads)": ["12 (8)", "6 (4)"] * 3, "latency_ms": MS}).architectures[0].genes == (8, "12 (8)")


@pytest.mark.parametrize("sign", [" ", "\u202f", "\u00a0", "'"])
def test_signs_between_thousands_beside_decimal_commas(tmp_path: Path, sign: str) -> None:
    cells = [f"{1e3 * one:,.2f}".replace(",", sign).replace(".", ",") for one in MS]
    content = "width;latency_us\n" + "\n".join(f"{width};{one}" for width, one in zip(WIDTH, cells, strict=True))
    same(written(tmp_path / "t.csv", content))


def test_other_groups_of_digits() -> None:
    for texts, numbers in (
        (["12,34,567", "98,304", "512"] * 2, [1234567, 98304, 512] * 2),
        (["1_024_000", "98_304", "512"] * 2, [1024000, 98304, 512] * 2),
        (["1 234.5", "98 304", "512"] * 2, [1234.5, 98304, 512] * 2),
    ):
        read = table({"params": texts, "latency_ms": MS})
        assert [arch.genes[1] for arch in read.architectures] == numbers
    assert len(table({"net": ["360_360_480", "360_480_480", "120_120_120"] * 2, "latency_ms": MS}).space.genes) == 4


def test_durations() -> None:
    for cells in (
        [f"0 days 00:00:{one:09.6f}" for one in SECONDS],
        [f"0:00:{one:09.6f}" for one in SECONDS],
        [f"0m{one:.4f}s" for one in SECONDS],
        [datetime.timedelta(seconds=one) for one in SECONDS],
    ):
        same(table({"latency": cells}))
        same(table({"latency_ms": cells}))
    same(table({"time": [f"1{i}:30:05" for i in range(6)], "inference_ms": MS}))


def test_durations_of_a_data_frame() -> None:
    pandas = pytest.importorskip("pandas")
    same(read_table(pandas.DataFrame({"width": WIDTH, "latency": pandas.to_timedelta(SECONDS, unit="s")}), "table"))


# -- names ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "word"),
    [("log_latency_ms", "log"), ("log10 latency", "log"), ("latency (log)", "log"), ("normalizedLatencyMs", "normalized"),
     ("relative_time_ms", "relative"), ("latency_slo_ms", "slo"), ("latency_cycles", "cycles"), ("latency_ratio", "ratio"),
     ("log_mean_latency_ms", "log"), ("latency_budget_ms", "budget")],
)  # fmt: skip
def test_what_is_computed_from_latencies_is_none(name: str, word: str) -> None:
    with pytest.raises(DataError, match=f"'{word}' says that it is computed from latencies, or bounds them"):
        table({name: MS})
    assert f"'{word}' in its name" in table({name: MS}, latency=name, unit="ms").remarks[-1]
    same(table({name: SECONDS, "inference_ms": MS}))


@pytest.mark.parametrize("name", ["throughput", "img/s", "samples_per_second", "FPS (batch 8)"])
def test_a_rate_alone_is_said_to_be_one(name: str) -> None:
    with pytest.raises(DataError, match="is a rate by its name: a latency is one over it"):
        table({name: MS})


def test_operators_named_like_computations_are_none() -> None:
    for name in ("log_softmax_ms", "scaled_dot_product_attention_ms", "inverse_ms", "latency_ms", "layer_norm_time_ms"):
        assert computed_word(name) is None
        same(table({name: MS}))


@pytest.mark.parametrize(
    "name",
    ["Latency (ms) \u2193", "latency_ms_gpu", "Latency (ms, batch 1)", "Latency [ms] on T4", "runtime_ms_fp16", "ms/img",
     "Latency<br>(ms)", "latency (ms/frame)", "inference time in ms (1 thread)"],
)  # fmt: skip
def test_units_within_names(name: str) -> None:
    assert split_unit(name)[1] == "ms"
    same(table({name: MS}))


@pytest.mark.parametrize(
    "name", ["latency_second_run", "latency ms x 1000", "latency at 10 ms load", "time steps"]
)
def test_what_is_no_unit_within_a_name(name: str) -> None:
    assert split_unit(name)[1] is None


def test_tables_that_are_turned_are_said_to_be(tmp_path: Path) -> None:
    turned = "what," + ",".join(f"n{i}" for i in range(6)) + "\n"
    turned += "\n".join(f"{name}," + ",".join(map(str, row)) for name, row in (("width", WIDTH), ("latency_ms", MS)))
    with pytest.raises(DataError, match="'latency_ms' begins a row: the table seems to be transposed"):
        written(tmp_path / "t.csv", turned)
    long = "net,what,value\n" + "\n".join(f"n{i},{w},{i + 1}" for i in range(6) for w in ("width", "latency_ms"))
    with pytest.raises(DataError, match="'latency_ms' stands in the cells of the column 'what'"):
        written(tmp_path / "t.csv", long)


def test_columns_that_are_named_as_something_else_hold_no_latency() -> None:
    columns = {"mean_ms": MS, "p90_ms": [2 * one for one in MS]}
    with pytest.raises(DataError, match="several columns may be the latency: mean_ms, p90_ms"):
        table(columns)
    same(table(columns, drop="p90_ms"))
    with pytest.raises(DataError, match="no other is named as latencies are"):
        table({"latency_ms": MS}, drop="latency_ms")
    for option in ("keep", "drop", "categorical", "id"):
        with pytest.raises(UsageError, match="'latency_ms' is named both as the latency and as something else"):
            TableOptions(latency="latency_ms", **{option: "latency_ms"})


def test_names_with_commas_and_plus_signs() -> None:
    columns = {"power, W": [5, 6, 7] * 2, 'say "x"': [1, 2, 4] * 2, "Latency, ms": MS}
    same(table(columns, drop='"power, W",say "x"'))
    same(table(columns, drop=["power, W", 'say "x"']))
    assert TableOptions(drop=json.loads(json.dumps(for_shell("power, W", "b").strip("'")))).drop == ("power, W", "b")
    same(table({"enc+dec latency (ms)": MS}, latency="enc+dec latency (ms)"))
    same(table({"enc_ms": [one / 2 for one in MS], "dec_ms": [one / 2 for one in MS]}, latency="enc_ms+dec_ms"))


@pytest.mark.parametrize(("factor", "said"), [(1.0, "hold the same numbers"), (1e-2, "stand in the ratio 0.01")])
def test_a_latency_in_two_units_that_do_not_agree_is_refused(factor: float, said: str) -> None:
    with pytest.raises(DataError, match=said):
        table({"latency_s": [f"{factor * one:.7f}" for one in MS], "latency_ms": MS})
    same(table({"latency_s": SECONDS, "latency_ms": [f"{one:.2f}" for one in MS]}))
    same(table({"latency_s": SECONDS, "latency_ms": [5 * one * one for one in MS]}))  # something else


# -- headers -------------------------------------------------------------------------------------------------------------

GROUPED = "Architecture,Latency (ms),\nwidth,mean,std\n"
AGGREGATED = ",latency_ms,latency_ms\n,mean,std\nwidth,,\n"
UNITS = "width,latency\npx,(ms)\n"


def test_headers_of_several_rows(tmp_path: Path) -> None:
    body = "\n".join(f"{width},{ms},0.1" for width, ms in zip(WIDTH, MS, strict=True))
    read = same(written(tmp_path / "t.csv", GROUPED + body), "Architecture.width")
    assert read.latency_std_s is not None
    assert "lines 1 and 2 are one header: Architecture.width, Latency (ms).mean, Latency (ms).std." in read.remarks
    same(written(tmp_path / "t.csv", AGGREGATED + body))
    same(written(tmp_path / "t.csv", UNITS + rows("").lstrip()))
    same(written(tmp_path / "t.csv", "My results,\n" + rows("width,latency_ms")))
    with pytest.raises(DataError, match="a column has no name"):
        written(tmp_path / "t.csv", "width,,latency_ms\n" + body)


def test_columns_of_several_levels_in_data_frames() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({("net", "width"): WIDTH, ("latency_ms", "mean"): MS, ("latency_ms", "std"): [0.1] * 6})
    assert same(read_table(frame, "table"), "net.width").latency_std_s is not None


def test_headers_of_several_rows_in_workbooks(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("pandas")
    book = openpyxl.Workbook()
    for row in (["All nets"], ["Net", "Latency (ms)"], ["width", "mean"]):
        book.active.append(row)
    for width, ms in zip(WIDTH, MS, strict=True):
        book.active.append([width, ms])
        if width == 24:
            book.active.append(["Net.Width", "latency (ms).mean"])
    book.active.merge_cells("A1:B1")
    book.save(tmp_path / "t.xlsx")
    same(read_table(tmp_path / "t.xlsx", "table"), "Net.width")


def test_rows_that_begin_with_their_number(tmp_path: Path) -> None:
    for sign, first in ((" ", 1), ("\t", 1), (",", 0)):
        body = "\n".join(f"{i + first}{sign}{width}{sign}{ms}" for i, (width, ms) in enumerate(zip(WIDTH, MS, strict=True)))
        read = written(tmp_path / "t.txt", f"width{sign}latency_ms\n{body}\n")
        assert "the row numbers of a data frame" in " ".join(same(read).remarks)
    with pytest.raises(DataError, match="3 values where the header has 2 columns"):
        written(tmp_path / "t.csv", "width,latency_ms\n8,1,1.5\n16,1,2.5\n24,1,3.5\n")


def test_quotes_signs_without_width_and_repeated_headers(tmp_path: Path) -> None:
    plain = rows("width,latency_ms")
    quoted = "\n".join(",".join(f"'{cell}'" for cell in line.split(",")) for line in plain.splitlines())
    lines = plain.splitlines()
    joined = "\n".join([*lines[:3], "\ufeffWidth,Latency_ms", *lines[3:]])
    for content in (quoted, joined, plain.replace("latency_ms", "latency_ms\u200b")):
        same(written(tmp_path / "t.csv", content))


def test_a_value_at_the_beginning_of_its_group_is_that_of_the_group(tmp_path: Path) -> None:
    content = "layers,width,latency_ms\n" + "\n".join(
        f"{'' if i % 2 else 2 + i},{width},{ms}" for i, (width, ms) in enumerate(zip(WIDTH, MS, strict=True))
    )
    read = written(tmp_path / "t.csv", content)
    assert [arch.genes[0] for arch in read.architectures] == [2, 2, 4, 4, 6, 6]
    assert "column 'layers' gives a value at the beginning of a group only" in read.remarks[0]
    notes = table({"mode": ["slow", "", "", "", "", "again"], "op": ["a", "", "b", "a", "", "b"], "latency_ms": MS})
    assert [arch.genes[1:] for arch in notes.architectures][1] == ("", "")


def test_markdown_marks_and_what_is_counted(tmp_path: Path) -> None:
    lines = ["| size | latency (ms) \u2193 |", "|---|---|"]
    lines += [f"| {width}px | {f'**{ms}**' if width == 16 else ms} |" for width, ms in zip(WIDTH, MS, strict=True)]
    same(written(tmp_path / "t.md", "\n".join(lines)), "size")


# -- JSON ----------------------------------------------------------------------------------------------------------------


def test_json_as_programs_write_it(tmp_path: Path) -> None:
    records = [{"width": width, "latency_ms": ms} for width, ms in zip(WIDTH, MS, strict=True)]
    by_name = {f"n{i}": record for i, record in enumerate(records)}
    lines = list(map(json.dumps, records))
    for content in (
        ",\n".join(lines), "".join(lines), "\n".join(json.dumps(one, indent=1) for one in records), str(records),
        json.dumps({"device": "a", "batch": 1, "results": by_name}),
        json.dumps({"meta": {"device": "a"}, "data": {"rows": records}}),
        json.dumps({"schema": {"fields": [{"name": "width", "type": "integer"}] * 2}, "data": records}),
    ):  # fmt: skip
        same(written(tmp_path / "t.json", content))
    with pytest.raises(DataError, match="line 2 is not JSON"):
        written(tmp_path / "t.json", lines[0] + '\n{"width": \n')


def test_results_of_other_tools_are_named(tmp_path: Path) -> None:
    results = {"machine_info": {}, "benchmarks": [{"name": f"t{i}", "stats": {"mean": one}} for i, one in enumerate(MS)]}
    with pytest.raises(DataError, match="looks like results of pytest-benchmark; 'hwcost import FILE'"):
        written(tmp_path / "t.json", json.dumps(results))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("- width: 8\n  latency_ms: 1.5\n", "this is YAML"),
        ("---\nwidth: 8\n", "this is YAML"),
        ("% made by hand\n@RELATION nets\n@attribute width numeric\n@data\n8\n", "this is an ARFF file"),
        ("width & latency (ms) \\\\ \\hline\n8 & 1.5 \\\\\n", "this is a table in LaTeX"),
        (':::MLLOG {"key": "result", "value": 1}\n', "this is a log of MLPerf"),
    ],
)
def test_texts_that_are_no_tables_are_named(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        written(tmp_path / "t.txt", content)


# -- columns -------------------------------------------------------------------------------------------------------------


def test_architectures_with_percent_signs_or_within_text() -> None:
    nets = [json.dumps({"depth": 2 + i, "heads": i % 2}) for i in range(6)]
    assigned = [f"depth={2 + i};heads={i % 2}" for i in range(6)]
    for cells in ([quote(net) for net in nets], [json.dumps(net) for net in nets], assigned):
        same(table({"net": cells, "latency_ms": MS}), "width", "depth", "heads")


def test_new_architectures_may_be_as_short_as_those_of_the_table() -> None:
    space = table({"ks": ["[3, 5, 7]", "[3]", "[5, 7]"] * 2, "op": ["['a']", "['a', 'b']"] * 3, "latency_ms": MS}).space
    made = space.as_architecture({"width": 8, "ks": [5], "op": ["a"]})
    assert made.genes == (8, 5, 0, 0, "a", "absent")
    again = hwcost.space("table", **space.options())
    assert again.as_architecture({"width": 8, "ks": "[5]", "op": "['a']"}).genes == made.genes
    with pytest.raises(ArchitectureError, match=r"needs a value for ks.1, ks.2"):
        space.as_architecture({"width": 8, "ks.0": 5, "op.0": "a"})
    fixed = table({"ks": ["[3, 5]"] * 6, "latency_ms": MS}).space
    with pytest.raises(ArchitectureError, match=r"needs a value for ks.1"):
        fixed.as_architecture({"width": 8, "ks": [5]})


def test_numbers_with_labels_are_values() -> None:
    nets = [f"bert-l{2 + i % 3}-w{64 * (1 + i)}" for i in range(6)]
    read = same(table({"net": nets, "latency_ms": MS}), "width", "l", "w")
    assert read.architectures[1].genes == (16, 3, 128)
    assert read.space.as_architecture({"width": 16, "net": "bert-l3-w128"}) == read.architectures[1]
    lists = table({"net": ["k3_k5_e6", "k3_k3_e4", "k5_k7_e6"] * 2, "latency_ms": MS})
    assert [gene.name for gene in lists.space.genes] == ["width", "k.0", "k.1", "e"]
    for three in (nets[:3], ["l2_w3", "l2_h3", "l3_w3"], ["run1_t2", "run2_t3", "run3_t4"], ["a1", "b2", "c3"]):
        cells = three * 2
        columns = {"l": [2, 3, 4] * 2} if cells[0] == nets[0] else {}
        made = table({"net": cells, **columns, "latency_ms": MS}).space
        assert [gene.name for gene in made.genes] == ["width", "net", *columns]


def test_sizes_that_look_like_dates_are_none() -> None:
    assert not are_dates(["12-8-1024", "6-4-1536"])
    assert not are_dates(["1024-12-8"])
    assert not are_dates(["8:64", "12:72"])
    assert are_dates(["2024-3-1", "03.04.24", "1/3/2024 9:05", "Mar 3, 2024", "3 March 2024", "9:05 AM", "23:59:59.5"])
    assert are_dates(["Sat Nov 28 10:00:31 2026", "2024-03-01T12:00:00+00:00", "20240301_120000"])


def test_times_of_measurement_and_numbers_of_nets_in_any_order() -> None:
    rng = np.random.default_rng(0)
    rest = {"width": [str(8 * (1 + i % 7)) for i in range(40)]}

    def named(name: str, values: Any) -> bool:
        return name in find_identifiers({name: [str(one) for one in values], **rest})

    instants = 1.7e9 + rng.permutation(40) / 8
    assert named("timestamp", instants)
    assert named("created_at", (1e3 * np.floor(instants)).astype(int))
    assert named("arch_index", rng.choice(15625, 40, replace=False))
    assert named("modelIdx", rng.choice(15625, 40, replace=False))
    assert named("fingerprint", rng.integers(2**62, 2**63 - 1, 40))
    assert not named("flops", rng.integers(2**62, 2**63 - 1, 40))
    assert not named("time_steps", rng.choice(1000, 40, replace=False))


def test_values_that_differ_in_capitals_only_are_said() -> None:
    read = table({"dtype": ["fp32", "FP32", "bf16"] * 2, "latency_ms": MS})
    said = "differ in capitals or spaces only, and count as different: 'FP32' and 'fp32'."
    assert any(said in remark for remark in read.remarks)
