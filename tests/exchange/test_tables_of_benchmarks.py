"""Tables as benchmarks of servers, kernels and whole runs write them: times of everything, runs that failed, nested JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwcost.errors import DataError
from hwcost.exchange.column_names import is_latency_name, is_statistic_name
from hwcost.exchange.options import TableOptions
from hwcost.exchange.table import LatencyTable, read_table

N = 24
LAYERS = [2 + (5 * i) % 11 for i in range(N)]
WIDTH = [128 * (1 + (3 * i) % 7) for i in range(N)]
MS = [round(1.5 + 0.02 * layers * width**0.7 + 0.013 * ((7 * i) % 5), 4)
      for i, (layers, width) in enumerate(zip(LAYERS, WIDTH, strict=True))]  # fmt: skip


def table(columns: dict[str, list[Any]], **options: Any) -> LatencyTable:
    return read_table({"layers": LAYERS, "width": WIDTH, **columns}, "table", TableOptions(**options))


def genes(columns: dict[str, list[Any]], **options: Any) -> list[str]:
    return [gene.name for gene in table(columns, **options).space.genes][2:]


def times(factor: float, noise: float = 0.1, seed: int = 0) -> list[float]:
    rng = np.random.default_rng(seed)
    return [round(float(factor * one * np.exp(rng.normal(0, noise))), 5) for one in MS]


def written(path: Path, content: Any, **options: Any) -> LatencyTable:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_table(path, "table", TableOptions(**options))


# -- which time is the latency -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("general", "others"),
    [
        ("duration", ["mean_ttft_ms", "p99_tpot_ms"]), ("duration_s", ["mean_ttft_ms"]), ("Runtime", ["inference_ms"]),
        ("timeMs", ["averageMs", "medianMs"]), ("time_s", ["mean_e2e_latency_ms"]), ("elapsed_time", ["decode_ms"]),
    ],
)  # fmt: skip
def test_the_time_of_a_whole_benchmark_is_not_taken_beside_others(general: str, others: list[str]) -> None:
    """A duration is that of all requests, and ``timeMs`` that of all runs of a layer."""
    with pytest.raises(DataError, match=f"several columns may be the latency: .*{general}"):
        table({general: [100 * one for one in MS], **dict.fromkeys(others, MS)})
    read = table({general: [100 * one for one in MS], **dict.fromkeys(others, MS)}, latency=others[0])
    np.testing.assert_allclose(read.latency_s, 1e-3 * np.array(MS))
    assert [gene.name for gene in read.space.genes] == ["layers", "width"]


def test_a_general_time_alone_or_beside_its_parts_is_the_latency() -> None:
    for columns in ({"time_ms": MS}, {"duration_ms": MS, "p99_ms": MS}, {"time_ms": MS, "attention_ms": times(0.4)},
                    {"inference_time_ms": MS, "mean_load_ms": MS}):  # fmt: skip
        np.testing.assert_allclose(table(columns).latency_s, 1e-3 * np.array(MS))


@pytest.mark.parametrize("counts", ["num_requests", "Instances", "num_prompts", "queries"])
def test_the_time_of_all_requests_is_not_that_of_one(counts: str) -> None:
    with pytest.raises(DataError, match=f"may be the time of all runs, which the column '{counts}' counts"):
        table({"elapsed_time_s": MS, counts: [100] * N})
    assert len(table({"latency_ms": MS, counts: [100] * N})) == N
    assert len(table({"elapsed time per iteration (ms)": MS, counts: [100] * N})) == N


def test_the_time_of_a_whole_trial_is_not_that_of_a_call() -> None:
    began = [f"2024-03-01 12:{i:02d}:00" for i in range(N)]
    took = [f"0 days 00:00:{10 + i}" for i in range(N)]
    columns = {"value": MS, "datetime_start": began, "datetime_complete": began, "duration": took}
    with pytest.raises(DataError, match="'duration' may be the time of a whole run, which the columns 'datetime_start' and"):
        table(columns)
    assert genes(columns, latency="value", unit="ms") == []


def test_times_in_a_column_of_another_name_are_pointed_at() -> None:
    with pytest.raises(DataError, match=r"Name the column: --latency Mean, whose cells are times\."):
        table({"Mean": [f"{one} us" for one in MS]})
    with pytest.raises(DataError, match="--latency Score, in the unit that the column 'Unit' gives"):
        table({"Score": MS, "Unit": ["us/op"] * N})
    assert genes({"Score": MS, "Unit": ["us/op"] * N}, latency="Score") == []
    with pytest.raises(DataError, match="--latency COLUMN --unit .* column 'Unit' gives 'ops/s', the unit of a rate"):
        table({"Score": MS, "Unit": ["ops/s"] * N})
    with pytest.raises(DataError, match="--latency COLUMN --unit"):  # criterion's 'value' is a parameter
        table({"value": WIDTH, "throughput_num": [""] * N, "sample_measured_value": MS, "unit": ["ns"] * N})


def test_the_whole_of_parts_is_proposed() -> None:
    with pytest.raises(DataError, match="embed_ms, attention_ms, total_ms. Say which: --latency total_ms "):
        table({"embed_ms": MS, "attention_ms": MS, "total_ms": MS})
    with pytest.raises(DataError, match=r"Say which: --latency 'Avg \(ns\)' "):
        table({"Total Time (ns)": MS, "Avg (ns)": MS})


@pytest.mark.parametrize("name", ["mean (s)", "Avg [s]", "Mean(s)"])
def test_a_mean_in_seconds_is_a_latency(name: str) -> None:
    assert table({name: MS}).latency_s[0] == MS[0]


def test_rates_of_a_part_of_the_machine_are_no_features() -> None:
    for name in ("tokens/s/GPU", "samples_per_second_per_device", "(img/s/chip)"):
        assert genes({"latency_ms": MS, name: [round(1e4 / one, 2) for one in MS]}) == []


def test_units_of_a_call() -> None:
    columns = {"Score": MS, "Unit": ["us/op"] * N, "Score Error (99.9%)": times(0.01), "outliers": ["1;2"] * N}
    read = table(columns, latency="Score")
    np.testing.assert_allclose(read.latency_s, 1e-6 * np.array(MS))
    assert [gene.name for gene in read.space.genes] == ["layers", "width"]


# -- times that are no features ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["prefill_time", "Average Response Time", "ttft", "mean_tpot", "time_decode", "prefill_s", "total_s", "kernelTime"],
)
def test_times_without_a_unit_and_seconds_of_anything_are_no_features(name: str) -> None:
    assert genes({"latency_ms": MS, name: times(0.3)}) == []
    assert genes({"latency_ms": MS, name: times(0.3)}, keep=name) == [name]


def test_what_only_sounds_like_a_time_is_a_feature() -> None:
    for name, values in (("time_steps", [50, 100] * 12), ("vit_s", [1, 2] * 12), ("num_times", [1, 2] * 12)):
        assert genes({"latency_ms": MS, name: values}) == [name]
    assert genes({"latency_ms": MS, "runtime": ["onnx", "torch"] * 12}) == ["runtime"]


def test_statistics_with_units_and_percentiles_are_no_features() -> None:
    names = ["Noise (%)", "CV (%)", "rsd", "error", "Std (ms)", "p99 (us)", "99.9%", "100%", "%", "cdf%"]
    names.append("Self Time on Device (%)")
    assert all(is_statistic_name(name) or is_latency_name(name) for name in names)
    assert genes({"latency_ms": MS, **dict.fromkeys(names, times(0.01))}) == []
    assert not any(map(is_statistic_name, ("noise_level", "maximum depth", "min (pixels)")))
    percentiles = [{"10": 0.9 * one, "50": one, "99": 1.3 * one} for one in MS]
    assert genes({"avg_latency_ms": MS, "percentiles": percentiles}) == []


def test_the_spread_of_a_rate_goes_with_it() -> None:
    rates, spreads = [round(1e5 / one, 3) for one in MS], [round(0.31 + 0.017 * i, 4) for i in range(N)]
    assert genes({"latency_ms": MS, "fps": rates, "fps_std": spreads}) == []
    assert genes({"latency_ms": MS, "avg_ts": rates, "stddev_ts": spreads}, drop="avg_ts") == []
    assert genes({"latency_ms": MS, "avg_ts": rates, "stddev_ts": spreads}, keep="avg_ts") == ["avg_ts", "stddev_ts"]
    assert genes({"latency_ms": MS, "init_std": [0.02, 0.2] * 12}) == ["init_std"]


# -- rows that are no measurements ---------------------------------------------------------------------------------------

FAILED = [3, 17]


def marked(bad: Any, good: Any) -> list[Any]:
    return [bad if i in FAILED else good for i in range(N)]


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        ("status", "OOM", "ok"), ("State", "crashed", "finished"), ("run_status", "failed: CUDA error", "success"),
        ("success", False, True), ("is_valid", "no", "yes"), ("error", "CUDA out of memory", ""), ("failed", 1, 0),
        ("error_message", "killed", None), ("returncode", 137, 0), ("exit_code", -9, 0), ("Skipped", "Yes", "No"),
        ("status", "timed out", "done"), ("outcome", "out of memory", "passed"), ("is_warmup", True, False),
        ("phase", "warm-up", "measure"), ("is_warmup", 1, 0),
        ("timed_out", True, False), ("timeout", 1, 0), ("result_valid", "INVALID", "VALID"), ("Result", "failed", "passed"),
    ],
)  # fmt: skip
def test_rows_of_runs_that_failed_or_warmed_up_are_refused(name: str, bad: Any, good: Any) -> None:
    """What stands beside is the time until the failure."""
    columns = {name: marked(bad, good), "latency_ms": MS}
    with pytest.raises(DataError, match=rf"row 3, column '{name}': it says .*2 of 24 rows: rows 3 and 17.*--drop {name}"):
        table(columns)
    assert genes(columns, drop=name) == []
    assert genes(columns, keep=name) == [name]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("status", ["tuned", "default"] * 12), ("code", [0, 3] * 12), ("warmup", [0, 1] * 12),
        ("skip", [True, False] * 12), ("valid", ["same", "valid"] * 12), ("phase", ["prefill", "decode"] * 12),
        ("errors", [0, 2] * 12), ("state", ["no errors", "cold"] * 12), ("success", [98, 99] * 12),
        ("timeout", [30, 60] * 12),
    ],
)  # fmt: skip
def test_what_says_no_failure_is_a_feature(name: str, values: list[Any]) -> None:
    assert genes({name: values, "latency_ms": MS}) == [name]


# -- names and amounts ---------------------------------------------------------------------------------------------------


def test_versions_are_names(tmp_path: Path) -> None:
    """As numbers, 1.10 would be 1.1, and rows of two versions repeats of one architecture."""
    versions = ["1.1", "1.10", "1.9"] * 8
    lines = [f"{layers},{v},{ms}" for layers, v, ms in zip(LAYERS, versions, MS, strict=True)]
    read = written(tmp_path / "t.csv", "\n".join(["layers,torch_version,latency_ms", *lines]))
    assert read.space.genes[1].choices == ("1.1", "1.10", "1.9")
    assert "column 'torch_version' names versions: its numbers, such as 1.1, are names" in " ".join(read.remarks)


def test_a_number_of_steps_in_nested_loops_is_a_feature() -> None:
    steps = [5 * (1 + i // 2) for i in range(N)]
    columns = {"num_inference_steps": steps, "resolution": [512, 768] * 12, "latency_ms": MS}
    assert [gene.name for gene in read_table(columns, "table").space.genes] == ["num_inference_steps", "resolution"]
    logged = {**columns, "step": steps}
    assert [gene.name for gene in read_table(logged, "table").space.genes] == ["num_inference_steps", "resolution"]


def test_results_of_training_by_further_names() -> None:
    for name in ("mAP", "mAPval 50-95", "box AP50", "F1", "val_psnr"):
        assert genes({"latency_ms": MS, name: times(7.7)}) == [], name
    assert genes({"latency_ms": MS, "map": [3, 5] * 12}) == ["map"]


# -- JSON ----------------------------------------------------------------------------------------------------------------

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
CELLS = [f"|{OPERATIONS[i % 5]}~0|+|{OPERATIONS[i // 5 % 5]}~0|{OPERATIONS[(i * i) % 5]}~1|" for i in range(N)]


def test_columns_beside_each_other_within_an_object(tmp_path: Path) -> None:
    config = [{"arch_str": cell, "C": 16} for cell in CELLS]
    columns = {"config": config, "edgegpu_latency": MS, "raspi4_latency": [3 * one for one in MS]}
    nested = {"nasbench201": {"cifar10": columns}}
    read = written(tmp_path / "t.json", nested, latency="edgegpu_latency", unit="ms")
    np.testing.assert_allclose(read.latency_s, 1e-3 * np.array(MS))
    assert [gene.name for gene in read.space.genes] == ["arch_str.0", "arch_str.1", "arch_str.2", "C"]
    assert "columns are the lists of 'nasbench201.cifar10'." in read.remarks
    with pytest.raises(DataError, match=r"several tables \(nasbench201.a, nasbench201.b\). Save one of them as a file"):
        written(tmp_path / "t.json", {"nasbench201": {"a": columns, "b": columns}})
    read = written(tmp_path / "t.json", {"device": "T4", "layers": LAYERS, "latency_ms": MS, "torch": "2.4"})
    assert [arch.genes[0] for arch in read.architectures] == LAYERS
    assert "columns are the lists beside device, torch." in read.remarks


def test_records_are_read_where_lists_of_facts_stand_beside(tmp_path: Path) -> None:
    records = [{"layers": layers, "latency_ms": ms} for layers, ms in zip(LAYERS, MS, strict=True)]
    facts = {"caches": [{"level": 1}] * 3, "load_avg": [0.5, 0.4, 0.3]}
    assert len(written(tmp_path / "t.json", {"context": facts, "rows": records})) == N
    assert len(written(tmp_path / "t.json", {"notes": ["a"] * N, "rows": records})) == N


def test_latencies_by_architecture(tmp_path: Path) -> None:
    read = written(tmp_path / "t.json", dict(zip(dict.fromkeys(CELLS), MS, strict=False)), unit="ms")
    assert [gene.name for gene in read.space.genes] == ["architecture.0", "architecture.1", "architecture.2"]
    keys = [f"{layers}_{width}_{i}" for i, (layers, width) in enumerate(zip(LAYERS, WIDTH, strict=True))]
    by_column = {"latency_ms": dict(zip(keys, MS, strict=True)), "threads": dict.fromkeys(keys, 4)}
    read = written(tmp_path / "t.json", by_column)
    assert [arch.genes[0] for arch in read.architectures] == LAYERS
    numbered = {name: {str(i): one for i, one in enumerate(column.values())} for name, column in by_column.items()}
    assert [gene.name for gene in written(tmp_path / "t.json", numbered).space.genes] == ["threads"]


def test_rows_in_groups_with_names(tmp_path: Path) -> None:
    rows = {f"ID{i}": {"config": {"HW": WIDTH[i], "CIN": LAYERS[i]}, "latency": f"{MS[i]}+-0.5"} for i in range(N)}
    read = written(tmp_path / "t.json", {"conv-bn-relu": rows}, unit="ms")
    np.testing.assert_allclose(read.latency_s, 1e-3 * np.array(MS))
    others = {f"{name}d": row for name, row in rows.items()}
    read = written(tmp_path / "t.json", {"conv": rows, "dwconv": others}, unit="ms")
    assert ([gene.name for gene in read.space.genes], len(read)) == (["group", "HW", "CIN"], 2 * N)


def test_long_lists_of_names_are_cut(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="net0, net1.*and 460 more") as caught:
        written(tmp_path / "t.json", {f"net{i}": [1.5, 1.6] for i in range(500)})
    assert len(str(caught.value)) < 700


# -- texts ---------------------------------------------------------------------------------------------------------------

ROWS = "\n".join(f"{layers},{width},{ms}" for layers, width, ms in zip(LAYERS, WIDTH, MS, strict=True))


@pytest.mark.parametrize(("cell", "x"), [("{:.2f} ms", "0.5"), ("{:.4f}ms", "0.5"), ("{:,.1f} us", "1.5")])
def test_signs_of_numbers_before_a_unit(tmp_path: Path, cell: str, x: str) -> None:
    factor = 1e3 if "us" in cell else 1.0
    cells = [cell.format(factor * one) for one in MS]
    expected = [1e-3 * round(one, 2) if ".2" in cell else 1e-3 * one for one in MS]
    lines = [f"{layers};{x};{one}" for layers, one in zip(LAYERS, cells, strict=True)]
    content = "\n".join(["layers;x;latency", *lines])
    for text in (content, content.translate(str.maketrans(".,", ",."))):
        np.testing.assert_allclose(written(tmp_path / "t.csv", text).latency_s, expected, atol=1e-7)


def test_a_mean_beside_its_spread_is_a_latency(tmp_path: Path) -> None:
    lines = [f"{layers},{ms} (0.{i % 9 + 1})" for i, (layers, ms) in enumerate(zip(LAYERS, MS, strict=True))]
    for name in ("Latency mean (std) [ms]", "latency mean ± std (ms)", "Latency avg/stdev [ms]"):
        read = written(tmp_path / "t.csv", "\n".join([f"layers,{name}", *lines]))
        np.testing.assert_allclose(read.latency_s, 1e-3 * np.array(MS))
    with pytest.raises(DataError, match="no other is named as latencies are"):
        table({"ttft_std_ms": MS, "mean": MS})


@pytest.mark.parametrize(
    "facts", ["Device:,T4,\nDate:,2024-03-01,\n,,", "Device,Tesla\nRuntime,onnx\n", "All my results\nDevice,T4\n"]
)
def test_facts_above_an_empty_line_are_skipped(tmp_path: Path, facts: str) -> None:
    read = written(tmp_path / "t.csv", f"{facts}\nlayers,width,latency_ms\n{ROWS}\n")
    np.testing.assert_allclose(read.latency_s, 1e-3 * np.array(MS))
    assert [gene.name for gene in read.space.genes] == ["layers", "width"]
    assert "lines 1 and 2 skipped: an empty line separates them from the table." in read.remarks


def test_facts_above_an_empty_row_of_a_workbook_are_skipped(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("pandas")
    book = openpyxl.Workbook()
    for row in (["Device", "T4"], ["Runtime", "onnx"], [], ["layers", "width", "latency_ms"],
                *map(list, zip(LAYERS, WIDTH, MS, strict=True))):  # fmt: skip
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    read = read_table(tmp_path / "t.xlsx", "table")
    np.testing.assert_allclose(read.latency_s, 1e-3 * np.array(MS))
    assert "lines 1 and 2 skipped: an empty line separates them from the table." in read.remarks


def test_a_table_above_an_empty_line_is_not_skipped(tmp_path: Path) -> None:
    small = "layers,latency_ms\n1,2.5\n2,3.5\n\n"
    with pytest.raises(DataError, match="line 1 has 2 columns, and most lines have 3, from line 5 on"):
        written(tmp_path / "t.csv", f"{small}layers,width,latency_ms\n{ROWS}\n")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("&&&& RUNNING TensorRT.trtexec [v8601] # trtexec\n", "this is what trtexec printed"),
        ("[03/01/2024-12:00:09] [I] Latency: min = 1.2 ms, max = 1.9 ms\n", "this is what trtexec printed"),
        ("INFO: STARTING!\nINFO: count=50 first=12345 avg=12100 std=88\n", "this is a log of a program"),
        ("2024-03-01 12:00:00,123 INFO: took 3 ms\n", "this is a log of a program"),
        ("Command line parameters;\nm;bert.xml\n;\nlatency (ms);14.5\n", "a report of OpenVINO's benchmark_app"),
        ("[Step 1/11] Parsing\n[ INFO ] Median: 14.50 ms\n", "this is a log of a program"),
        ("[------ net ------]\n   |  fp32\n8  |  12.1\nTimes are in microseconds.\n", "torch.utils.benchmark printed"),
        ("=====\nMLPerf Results Summary\n=====\nSUT name : x\n", "this is a log of MLPerf"),
    ],
)
def test_what_programs_print_is_no_table(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        written(tmp_path / "t.txt", content)
