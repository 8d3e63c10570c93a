"""Columns of times in somebody's table: latencies, features in seconds, clocks, and times of many runs."""

from __future__ import annotations

import pytest

from hwcost.errors import DataError
from hwcost.exchange.options import TableOptions
from hwcost.exchange.table import read_table


def test_features_whose_cells_are_times_are_numbers_of_seconds() -> None:
    columns = {
        "width": [8, 16, 24, 32, 40, 48], "audio_length": ["8.92s", "10 s", "900ms", "1m2s", "5s", "0:00:27"],
        "steps": ["0:00:27", "0:01:12", "0:00:05", "0:00:08", "0:00:27", "0:00:40"],
        "decode": ["3.112ms", "4.221ms", "5.412ms", "6.178ms", "9.261ms", "8.415ms"],
        "logged": ["0:00:01", "0:00:07", "0:00:15", "0:01:00", "0:01:12", "0:02:00"], "latency_ms": [3, 4, 5, 6, 9, 8],
    }  # fmt: skip
    read = read_table(columns, "table")
    assert [gene.name for gene in read.space.genes] == ["width", "audio_length", "steps"]
    assert [arch.genes[1] for arch in read.architectures] == [8.92, 10, 0.9, 62, 5, 27]
    assert [arch.genes[2] for arch in read.architectures] == [27, 72, 5, 8, 27, 40]
    assert "column 'audio_length' holds times: '8.92s' is read as 8.92 seconds." in read.remarks
    assert any(remark.startswith("column 'logged' left out: it holds dates") for remark in read.remarks)
    assert any(remark.startswith("column 'decode' left out: a result of the measurement") for remark in read.remarks)
    kept = read_table(columns, "table", TableOptions(keep="logged"))
    assert [arch.genes[-1] for arch in kept.architectures] == [1, 7, 15, 60, 72, 120]


def test_latencies_in_minutes() -> None:
    columns = {"width": [8, 16, 24], "total": [1.5, 2, 4]}
    assert read_table(columns, "table", TableOptions(latency="total", unit="min")).latency_s.tolist() == [90, 120, 240]
    columns = {"width": [8, 16, 24], "latency": ["1.5 min", "90 s", "4 minutes"]}
    assert read_table(columns, "table").latency_s.tolist() == [90, 90, 240]
    with pytest.raises(DataError, match="--unit s, ms, us, ns or min"):
        read_table({"width": [8, 16, 24], "latency_min": [1.5, 2, 4]}, "table")


def test_clocks_of_any_name_are_no_features() -> None:
    width = [64, 256, 128, 512] * 3
    rows = {"width": width, "latency_ms": [width / 50 + i % 3 for i, width in enumerate(width)]}
    instants = [1.7e9 + 31.5 * i for i in range(12)]
    shuffled = [*instants[6:], *instants[:6]]
    since = [round(0.5 + 1.7 * i, 2) for i in range(12)]
    for name, values in (("started", instants), ("probe", shuffled), ("probe", [1e9 * one for one in shuffled]),
                         ("t", since), ("wall_clock", since), ("end", since)):  # fmt: skip
        read = read_table({**rows, name: values}, "table")
        assert [gene.name for gene in read.space.genes] == ["width"]
        assert any(f"'{name}' left out: it holds times of measurement" in remark for remark in read.remarks)
    work = [1.7e9 + 1e6 * i for i in range(12)]
    for name, values in (("flops", work), ("probe", [1e5 * i * i + 1e9 for i in range(30, 42)]), ("t", [8, 16, 8] * 4)):
        assert [gene.name for gene in read_table({**rows, name: values}, "table").space.genes] == ["width", name]


def test_the_time_of_a_number_of_runs_is_none_of_one() -> None:
    for name in ("time_100_iters_s", "latency 50 runs (ms)", "elapsed_2calls_ms", "Time_1000_Inferences_us"):
        with pytest.raises(DataError, match="no column holds latencies"):
            read_table({"width": [8, 16, 24], name: [1.0, 2.0, 3.0]}, "table")
    for name in ("mean_100_runs_ms", "latency_p50_run_ms", "run2_ms", "latency_1_run_ms"):
        assert read_table({"width": [8, 16, 24], name: [1.0, 2.0, 3.0]}, "table").latency_s[0] == 1e-3


def test_warm_calls_are_latencies_beside_cold_ones() -> None:
    width = [8, 16, 24]
    for names in (("cold_start_ms", "warm_ms"), ("cold_latency_ms", "warm_latency_ms"), ("warm-up (ms)", "inference_ms")):
        read = read_table({"width": width, names[0]: [30.0, 41.0, 52.0], names[1]: [3.0, 4.0, 5.0]}, "table")
        assert read.latency_s.tolist() == [3e-3, 4e-3, 5e-3]
        assert [gene.name for gene in read.space.genes] == ["width"]
    assert read_table({"width": width, "cold_latency_ms": [3.0, 4.0, 5.0]}, "table").latency_s[0] == 3e-3


def test_rates_beside_latencies_of_another_unit_raise_a_doubt() -> None:
    width = [8, 16, 24, 32, 40, 48]
    seconds = [0.0121, 0.0222, 0.0333, 0.0451, 0.0567, 0.0678]
    rates = {"width": width, "throughput_per_s": [1 / one for one in seconds]}
    for factor, is_doubted in ((1.0, False), (1e3, True), (8.0, False)):
        remarks = read_table({**rates, "latency_s": [factor * one for one in seconds]}, "table").remarks
        assert any("'throughput_per_s' are 1000 in every row" in remark for remark in remarks) is is_doubted
    batches = {**rates, "batch_size": [1000] * 6, "latency_s": [1e3 * one for one in seconds]}
    assert not any("in every row" in remark for remark in read_table(batches, "table").remarks)


def test_a_table_of_benchmark_dot_net_says_which_column_holds_times() -> None:
    rows = {
        "Method": ["Infer"] * 4, "Runtime": [".NET 8.0", ".NET 9.0"] * 2, "Hidden": [128, 128, 256, 256],
        "Mean": ["12.345 ms", "11.200 ms", "24.104 ms", "22.910 ms"], "StdDev": ["0.1 ms", "0.2 ms", "0.1 ms", "0.3 ms"],
    }  # fmt: skip
    with pytest.raises(DataError, match="--latency Mean, whose cells are times"):
        read_table(rows, "table")
    read = read_table(rows, "table", TableOptions(latency="Mean"))
    assert [gene.name for gene in read.space.genes] == ["Method", "Runtime", "Hidden"]
    assert read.latency_s[0] == pytest.approx(12.345e-3)
