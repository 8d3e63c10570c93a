"""Columns that name devices are names whatever their values, and results of a measurement are no features."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hwcost as hc
from hwcost.errors import HwcostError
from hwcost.exchange.device_columns import names_devices
from hwcost.exchange.options import TableOptions
from hwcost.exchange.table import LatencyTable, read_table

N = 24
LAYERS = [1 + (5 * i) % 7 for i in range(N)]
GPUS = [(1080, 3090, 2080)[i % 3] for i in range(N)]
FACTORS = {1080: 4.0, 3090: 1.5, 2080: 9.0}
"""Latencies that no order of the names follows."""

MEASURED = [1e-3 * LAYERS[i] * FACTORS[GPUS[i]] * (1 + 0.001 * (i % 5)) for i in range(N)]
RATES = [round(1 / one, 3) for one in MEASURED]
RUNS = [int(0.5 / one) for one in MEASURED]


def table(columns: dict[str, list[Any]], **options: Any) -> LatencyTable:
    return read_table({"layers": LAYERS, **columns, "latency_s": MEASURED}, "table", TableOptions(**options))


def genes(columns: dict[str, list[Any]], **options: Any) -> list[str]:
    return [gene.name for gene in table(columns, **options).space.genes]


# -- names of devices ------------------------------------------------------------------------------------------------------


def test_numbers_of_devices_are_names() -> None:
    for name, values in (("gpu", GPUS), ("Device", [f"{gpu}" for gpu in GPUS]), ("node", [gpu // 100 for gpu in GPUS])):
        read = table({name: values})
        assert read.space.genes[1].categorical
        assert set(read.space.genes[1].choices) == set(map(int, values))
        assert read.remarks == (
            f"column '{name}' names devices: its numbers, such as {values[0]}, are names and not amounts. Where they are "
            f"amounts, rename it, for example to '{name}_count'.",
        )
    assert table({"gpu": GPUS}, categorical="gpu").remarks == ()
    assert not table({"gpu": GPUS}, increasing="gpu").space.genes[1].categorical


def test_a_fit_tells_devices_apart_and_none_lies_between_them() -> None:
    sums = [1e-3 * (layers + 20.0 * FACTORS[gpu]) for layers, gpu in zip(LAYERS, GPUS, strict=True)]
    cost = hc.fit({"layers": LAYERS, "gpu": GPUS, "latency_s": sums}, "ridge", space="table")
    for gpu, factor in FACTORS.items():
        assert cost({"layers": 4, "gpu": gpu}) == pytest.approx(1e-3 * (4 + 20.0 * factor), rel=0.05)
    with pytest.raises(HwcostError, match="2000"):
        cost({"layers": 4, "gpu": 2000})


def test_devices_that_name_the_rows_are_left_out_as_other_names_are() -> None:
    read = table({"machine": [17 * i + 3 for i in range(N)], "memory": [8 * (1 + i % 4) for i in range(N)]})
    assert [gene.name for gene in read.space.genes] == ["layers", "memory"]
    assert "'machine' left out: it holds names, 24 different ones" in read.remarks[0]


def test_signs_in_names_of_devices_stay() -> None:
    read = table({"chip": [("8 cores", "12 cores")[i % 2] for i in range(N)]})
    assert read.space.genes[1].choices == ("12 cores", "8 cores")


@pytest.mark.parametrize(
    "name",
    ["gpu", "GPU", "device", "Device ID", "deviceName", "target_machine", "node", "host", "GPUModel", "cpu_model", "phone",
     "npu-type", "graphics card", "Test Device", "hardware", "compute_node", "device.name", "gpu_index"],
)  # fmt: skip
def test_a_name_says_a_device(name: str) -> None:
    assert names_devices(name)


@pytest.mark.parametrize(
    "name",
    ["gpus", "num_gpu", "n_gpus", "gpu_memory", "gpu count", "gpu_util", "cpu", "cpu_freq", "batch_per_gpu", "nodes",
     "node_1", "device_memory_bytes", "hw", "card", "model", "type", "id", "", "host_threads", "gpu (GB)", "worker_cpu"],
)  # fmt: skip
def test_a_name_says_an_amount_or_something_else(name: str) -> None:
    assert not names_devices(name)


# -- results of the measurement --------------------------------------------------------------------------------------------


def google(folder: Path, counters: bool = True) -> Path:
    """Writes a CSV of google/benchmark, whose benchmarks have two arguments as counters of their own."""
    columns = "name,iterations,real_time,cpu_time,time_unit,bytes_per_second,items_per_second,label,error_occurred"
    lines = [f"{columns},error_message" + (",m,n,threads" if counters else "")]
    for i in range(N):
        m, n, threads = 64 << i % 4, 32 << i // 4 % 3, 1 + i // 12
        time = 0.01 * m * n / threads * (1 + 0.01 * ((7 * i) % 5))
        rates = f"{4e9 * m * n / time:.6g},{1e9 / time:.6g}"
        more = f",{m},{n},{threads}" if counters else ""
        lines.append(f'"BM_MatMul/{m}/{n}/threads:{threads}",{int(5e8 / time)},{time:.4f},{time:.4f},ns,{rates},,,{more}')
    path = folder / "google.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_csv_of_google_benchmark_keeps_what_was_chosen_only(tmp_path: Path) -> None:
    read = read_table(google(tmp_path), "table", TableOptions(latency="real_time"))
    assert [gene.name for gene in read.space.genes] == ["m", "n", "threads"]
    said = " ".join(read.remarks)
    assert "'iterations', 'bytes_per_second', 'items_per_second'" in said
    assert "results of the measurement" in said
    assert read.rest["iterations"][0] == str(int(5e8 / (0.01 * 64 * 32)))
    kept = read_table(google(tmp_path), "table", TableOptions(latency="real_time", keep="iterations"))
    assert [gene.name for gene in kept.space.genes] == ["iterations", "m", "n", "threads"]
    plain = read_table(google(tmp_path, counters=False), "table", TableOptions(latency="real_time"))
    assert [gene.name for gene in plain.space.genes] == ["args.0", "args.1", "threads"]


def test_rates_energy_and_counts_of_runs_that_follow_from_the_latency_are_no_features() -> None:
    measured = {
        "fps": RATES, "items_per_second": RATES, "Throughput (img/s)": RATES, "energy_j": [0.1037 * one for one in MEASURED],
        "iterations": RUNS, "num_runs": RUNS, "rounds": RUNS, "rtf": [0.1037 * one for one in MEASURED], "avg_ts": RATES,
        "samples_ts.0": RATES, "AI-Score": RATES, "speedup": RATES, "gpu_peak_mem(gb)": RATES,
        "report.prefill.memory.max_allocated": MEASURED, "queuing_delay": [0, *MEASURED[1:]],
        "Input Tput (tok/s)": RATES,
        "average_power": [0.7, *([0] * (N - 1))], "Relative": RATES, "slowdown": MEASURED,
        "gpu_temp": [40 + i % 15 for i in range(N)], "GPU utilization (%)": [60 + i % 30 for i in range(N)],
    }  # fmt: skip
    for name, values in measured.items():
        read = table({name: values})
        assert [gene.name for gene in read.space.genes] == ["layers"], name
        assert f"column '{name}' left out: a result of the measurement" in read.remarks[0]
        assert genes({name: values}, keep=[name])[1] == name


def test_states_of_the_device_are_left_out_and_throttled_rows_are_named() -> None:
    flags = ["True" if i in (3, 7) else "False" for i in range(N)]
    states: dict[str, list[Any]] = {
        "sm_clock_mhz": [1395 - 3 * (i % 14) for i in range(N)], "cpu_load": [0.01 * (i % 40) for i in range(N)],
        "battery_level": [90 - i % 30 for i in range(N)], "is_throttled": flags,
        "throttle_reasons": ["0x0000000000000000" if i % 9 else "0x0000000000000024" for i in range(N)],
    }  # fmt: skip
    for name, values in states.items():
        assert genes({name: values}) == ["layers"], name
        assert genes({name: values}, keep=[name])[1] == name
    said = " ".join(table({"is_throttled": flags}).remarks)
    assert f"2 of {N} rows have 'is_throttled' (rows 3 and 7)" in said
    assert "rows have" not in " ".join(table({"throttled": [0] * N}).remarks)


def test_clocks_that_somebody_set_are_features() -> None:
    swept = [300 + 100 * (i % 11) for i in range(N)]
    limits = [60 + i % 20 for i in range(N)]
    chosen = {"freq_mhz": swept, "gpu_clock": [(1410, 1530, 1590)[i % 3] for i in range(N)], "throttle_limit_c": limits}
    for name, values in chosen.items():
        assert genes({name: values})[1:] == [name]


def test_what_was_chosen_stays_whatever_its_name() -> None:
    chosen: dict[str, list[Any]] = {
        "iterations": LAYERS[::-1], "diffusion_iterations": RUNS, "qps": [(10, 20, 50)[i % 3] for i in range(N)],
        "peak_flops_per_s": RATES, "memory_bytes_per_s": [(484e9, 936.2e9, 448e9)[i % 3] for i in range(N)],
        "input_rate_per_s": RATES, "max_memory_gb": [(16, 24, 80)[i % 3] for i in range(N)], "gpu_memory": RATES,
        "power_limit_w": RATES, "synflow_score": MEASURED,
        "temperature": [0.1 * (i % 9 + 1) for i in range(N)], "samples": [8 * one for one in LAYERS],
    }  # fmt: skip
    for name, values in chosen.items():
        assert genes({name: values})[1:] == [name]


def test_a_csv_of_perf_analyzer_keeps_what_was_chosen_only() -> None:
    infer = [2100, 2105, 4205, 4190, 8400, 8412]
    rows = {
        "Concurrency": [1, 1, 2, 2, 4, 4], "Inferences/Second": [450.1, 451.2, 440.0, 443.1, 431.2, 430.0],
        "Client Send": [3, 4, 3, 3, 4, 5], "Network+Server Send/Recv": [60, 61, 64, 65, 70, 68],
        "Server Queue": [12, 13, 11, 14, 19, 18], "Server Compute Input": [8, 8, 9, 8, 9, 9],
        "Server Compute Infer": infer, "Server Compute Output": [5, 5, 5, 6, 5, 5], "Client Recv": [1, 1, 1, 1, 1, 1],
        "p50 latency": [one + 90 for one in infer], "p99 latency": [one + 200 for one in infer],
    }  # fmt: skip
    read = read_table(rows, "table", TableOptions(unit="us"))
    assert [gene.name for gene in read.space.genes] == ["Concurrency"]
    assert read.latency_s[0] == pytest.approx(2190e-6)
    assert [gene.name for gene in read_table(rows, "table", TableOptions(unit="us", keep="Server Queue")).space.genes] == [
        "Concurrency", "Server Queue",
    ]  # fmt: skip
