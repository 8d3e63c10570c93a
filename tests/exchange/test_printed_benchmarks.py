"""What Go, Criterion.rs, ncnn and MNN print, perf_analyzer's requests, and what no reader takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hwcost.errors import DataError, UsageError
from hwcost.exchange.benchmarks.base import Given, Imported
from hwcost.exchange.benchmarks.reading import read
from hwcost.exchange.options import TableOptions
from hwcost.exchange.table import read_table
from tests.exchange.benchmark_files import DATA, HERE

GO, NCNN, MNN = ((DATA / name).read_text() for name in ("go_benchmark.txt", "ncnn.txt", "mnn.txt"))
MESSAGE = {"reason": "benchmark-complete", "id": "fwd/4", "measured_values": [3.0, 6.1], "unit": "us"}


def run_of(path: Path, content: str, format: str, given: Given = HERE) -> Imported:
    path.write_text(content)
    found, [run] = read(path, None, given)
    assert found.name == format
    return run


def test_go_reads_the_time_of_an_operation(tmp_path: Path) -> None:
    run = run_of(tmp_path / "go.txt", GO, "go-benchmark", Given(measured_at=HERE.measured_at))
    assert [one.name for one in run.series] == ["Forward/layers=4/hidden=128", "Forward/layers=8/hidden=128", "Bytes"]
    assert [one.value for one in run.estimates] == [pytest.approx(1.1000005e-3), pytest.approx(2e-3), None]
    assert run.series[1].spec == {"package": "example.com/infer", "params": {"layers": "8", "hidden": "128"}}
    assert (run.series[0].device, run.series[0].threads, run.series[2].threads) == ("Xeon @ 2.20GHz", 8, 1)
    assert run.run.extra["columns"][run.series[0].series_key] == {"B/op": [512.0, 512.0, 520.0], "runs": 3}


def test_go_reads_the_events_of_json_whose_lines_are_cut(tmp_path: Path) -> None:
    parts = [part for line in GO.splitlines(keepends=True) for part in (line[:30], line[30:]) if part]
    events = [{"Action": "output", "Package": "example.com/infer", "Output": part} for part in parts]
    whole = run_of(tmp_path / "go.txt", GO, "go-benchmark")
    run = run_of(tmp_path / "go.json", "".join(json.dumps(one) + "\n" for one in events), "go-benchmark")
    assert [one.value for one in run.estimates] == [one.value for one in whole.estimates]
    assert [one.series_key for one in run.series] == [one.series_key for one in whole.series]


def test_ncnn_and_mnn_read_the_mean_of_every_net(tmp_path: Path) -> None:
    run = run_of(tmp_path / "pixel.txt", NCNN, "ncnn")
    assert {series.name: one.value for series, one in zip(run.series, run.estimates, strict=True)} == {
        "squeezenet": pytest.approx(0.01174), "mobilenet": pytest.approx(0.01525),
    }  # fmt: skip
    assert run.series[0].threads == 4
    assert run.series[0].backend_options == {"powersave": "0", "gpu_device": "-1"}
    gpu = "[0 Example (gpu)]  queueC=0[8]  queueT=0[8]\n[0 Example (gpu)]  subgroup=32  basic=1  vote=1\n"
    run = run_of(tmp_path / "vulkan.txt", gpu + NCNN, "ncnn")
    assert run.series[0].backend_options == {"powersave": "0", "gpu_device": "-1"}
    with pytest.raises(DataError, match="what ncnn's benchncnn printed"):
        read_table(tmp_path / "vulkan.txt", "table")
    run = run_of(tmp_path / "mnn.txt", MNN.replace("CPU thread=4 precision=2 ", "**CPU** thread=4** precision=2** "), "mnn")
    assert [one.value for one in run.estimates] == pytest.approx([0.061083, 0.008683])
    assert run.series[0].backend_options == {"precision": "2", "sparsity": "0", "forward": "CPU"}
    with pytest.raises(DataError, match="line 6: avg: expected a positive duration"):
        run_of(tmp_path / "zero.txt", NCNN.replace("11.74", "0.00"), "ncnn")
    with pytest.raises(DataError, match="'squeezenet' has two results"):
        run_of(tmp_path / "twice.txt", NCNN + NCNN, "ncnn")
    with pytest.raises(UsageError, match="does not say on which device"):
        run_of(tmp_path / "nowhere.txt", NCNN, "ncnn", Given())


def test_criterion_reads_messages_and_the_estimates_of_a_benchmark(tmp_path: Path) -> None:
    message = {**MESSAGE, "median": {"estimate": 3.02, "lower_bound": 3.0, "upper_bound": 3.05, "unit": "us"}}
    lines = [message, {"reason": "group-complete", "group_name": "fwd", "benchmarks": ["fwd/4"]}]
    run = run_of(tmp_path / "out.json", "".join(json.dumps(one) + "\n" for one in lines), "criterion")
    assert [(run.series[0].name, run.estimates[0].value)] == [("fwd/4", pytest.approx(3.02e-6))]
    folder = tmp_path / "fwd" / "4" / "new"
    folder.mkdir(parents=True)
    estimates = {name: {"point_estimate": 2500.0} for name in ("mean", "median", "median_abs_dev", "std_dev", "slope")}
    run = run_of(folder / "estimates.json", json.dumps(estimates), "criterion")
    assert [(run.series[0].name, run.estimates[0].value)] == [("fwd/4", pytest.approx(2.5e-6))]
    (folder / "benchmark.json").write_text(json.dumps({"full_id": "net/forward/4"}))
    assert run_of(folder / "estimates.json", json.dumps(estimates), "criterion").series[0].name == "net/forward/4"
    message["median"]["unit"] = "elements"
    with pytest.raises(DataError, match="median.unit: expected a unit of time"):
        run_of(tmp_path / "wrong.json", json.dumps(message), "criterion")


def requests(*latencies: int, begin: int = 1_700_000_000_000_000_000) -> list[dict[str, Any]]:
    starts = [begin + 1000 * i for i in range(len(latencies))]
    return [{"timestamp": at, "response_timestamps": [at + ns]} for at, ns in zip(starts, latencies, strict=True)]


def test_perf_analyzer_reads_requests_within_the_windows_of_a_load(tmp_path: Path) -> None:
    begin = 1_700_000_000_000_000_000
    streamed = [{"timestamp": begin, "response_timestamps": [begin + 50, begin + 90]}]
    loads = [
        {"experiment": {"mode": "concurrency", "value": 1}, "requests": requests(501, 503, 507, 900_000),
         "window_boundaries": [begin, begin + 10_000]},
        {"experiment": {"mode": "request_rate", "value": 2.5}, "requests": streamed, "window_boundaries": []},
        {"experiment": {"mode": "concurrency", "value": 2}, "requests": requests(500),
         "window_boundaries": [begin + 10, begin + 20]},
    ]  # fmt: skip
    run = run_of(tmp_path / "bert.json", json.dumps({"experiments": loads, "service_kind": "triton"}), "perf-analyzer")
    assert [one.value for one in run.estimates] == [pytest.approx(503e-9), pytest.approx(90e-9), pytest.approx(50e-9), None]
    assert [one.component for one in run.series] == [None, None, "ttft", None]
    assert run.series[0].spec == {"mode": "concurrency", "load": 1}
    assert run.run.extra["columns"][run.series[0].series_key] == {"requests": 3, "left_out": 1}
    loads[0]["requests"][1]["response_timestamps"] = [begin]  # type: ignore[index]
    document = json.dumps({"experiments": [{**loads[0], "window_boundaries": None}]})
    with pytest.raises(DataError, match=r"experiments\[0\].requests\[1\]: expected a positive duration"):
        run_of(tmp_path / "back.json", document, "perf-analyzer")


@pytest.mark.parametrize(
    ("content", "says"),
    [(GO, "what Go's benchmarks printed.*hwcost import"), (NCNN, "what ncnn's benchncnn printed"),
     (MNN, "what MNN's benchmark printed"), ("STARTING!\nLog parameter values verbosely: [0]\n", "of a single network"),
     ("Session creation time cost: 0.06 s\nFirst inference time cost: 12 ms\n", "of a single network"),
     ("<torch.utils.benchmark.utils.common.Measurement object at 0x7f>\nf()\n", "a measurement that torch"),
     ("models:\n- name: a\n  latency_ms: 3\n", "YAML"), ('"224":\n  "3x3-conv-stride:1": 0.5\n', "YAML.*lookup-table")],
)  # fmt: skip
def test_what_tools_print_is_no_table(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "out.txt"
    path.write_text(content)
    with pytest.raises(DataError, match=says):
        read_table(path, "table")


def test_latencies_by_architecture_of_several_devices_are_a_table(tmp_path: Path) -> None:
    path = tmp_path / "devices.json"
    path.write_text(json.dumps({"t4": {"8_512": 3.1, "4_512": 1.6}, "a100": {"8_512": 1.1, "4_512": 0.7}}))
    read_ = read_table(path, "table", TableOptions(unit="ms"))
    assert [one.genes for one in read_.architectures] == [("t4", 8, 512), ("t4", 4, 512), ("a100", 8, 512), ("a100", 4, 512)]
    assert read_.latency_s.tolist() == pytest.approx([3.1e-3, 1.6e-3, 1.1e-3, 0.7e-3])
