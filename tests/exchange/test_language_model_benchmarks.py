"""Files of benchmarks of language models: llama-bench and vLLM."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwcost.errors import DataError
from hwcost.exchange.benchmarks.base import Given
from hwcost.exchange.benchmarks.reading import read
from tests.exchange.benchmark_files import DATA, edited, put

HERE = Given(device="bench-1")
TESTS = json.loads((DATA / "llama_bench.json").read_text())


def lines(folder: Path, records, name: str = "in.jsonl") -> Path:
    (folder / name).write_text("".join(json.dumps(one) + "\n" for one in records))
    return folder / name


def test_llama_bench_reads_the_median_of_the_repeats(tmp_path) -> None:
    reader, [run] = read(DATA / "llama_bench.json")
    assert reader.name == "llama-bench"
    names = [f"example 1B Q8_0 {test}" for test in ("pp512", "tg128", "pp512+tg128 @ d4096")]
    assert [one.name for one in run.series] == names
    assert [one.value for one in run.estimates] == [2.1, 4.1, 7.2]
    assert {(one.device, one.backend, one.threads) for one in run.series} == {("Example CPU", "llama.cpp", 4)}
    assert run.run.started_at.startswith("2025-05-01T10:00:00")
    assert run.estimates[1].measured_at.startswith("2025-05-01T10:01:00")
    assert run.run.extra["columns"][run.series[0].series_key]["build_number"] == 5000
    _, [same] = read(lines(tmp_path, TESTS))
    assert [one.series_key for one in same.series] == [one.series_key for one in run.series]


def test_llama_bench_in_a_csv_has_means_of_the_same_series() -> None:
    _, [run] = read(DATA / "llama_bench.csv")
    assert [one.value for one in run.estimates] == pytest.approx([6.5 / 3, 4.1, 21.7 / 3])
    assert [one.series_key for one in run.series] == [one.series_key for one in read(DATA / "llama_bench.json")[1][0].series]


def test_tests_with_other_settings_are_other_series(tmp_path) -> None:
    changed = {**TESTS[0], "flash_attn": True}
    _, [run] = read(lines(tmp_path, [TESTS[0], changed]))
    assert len({one.series_key for one in run.series}) == 2
    with pytest.raises(DataError, match="two results"):
        read(lines(tmp_path, [TESTS[0], TESTS[0]]))


def test_vllm_serving_reads_the_medians_of_a_load() -> None:
    _, [run] = read(DATA / "vllm_serving.json", None, HERE)
    assert [(one.name, one.component) for one in run.series] == [("example/net-1B", "ttft"), ("example/net-1B", "tpot")]
    assert [one.value for one in run.estimates] == pytest.approx([0.03125, 0.00925])
    assert run.series[0].spec["request_rate"] == "inf"
    assert run.run.started_at.startswith("2025-06-01T10:11:12")


def test_lines_of_vllm_are_a_run_each(tmp_path) -> None:
    first = json.loads((DATA / "vllm_serving.json").read_text())
    second = {**first, "date": "20250602-101112", "median_ttft_ms": 32.5}
    _, runs = read(lines(tmp_path, [first, second]), None, HERE)
    assert [run.estimates[0].value for run in runs] == [0.03125, 0.0325]
    assert len({run.series[0].series_key for run in runs}) == 1
    with pytest.raises(DataError, match="two results"):
        read(lines(tmp_path, [first, {**second, "date": first["date"]}]), None, HERE)


def test_vllm_latency_has_the_name_of_the_file_or_the_one_given() -> None:
    _, [run] = read(DATA / "vllm_latency.json", None, HERE)
    assert (run.series[0].name, run.series[0].component, run.estimates[0].value) == ("vllm_latency", None, 1.25)
    _, [named] = read(DATA / "vllm_latency.json", None, Given(device="bench-1", name="net-1B batch 8"))
    assert named.series[0].name == "net-1B batch 8"


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("llama_bench.json", put(1, "samples_ns", 2, -1), "[1].samples_ns[2]: expected a positive duration"),
        ("vllm_latency.json", put("latencies", 1, "fast"), "latencies[1]: expected a number"),
        ("vllm_latency.json", put("latencies", []), "latencies: expected at least one latency"),
        ("vllm_serving.json", put("median_tpot_ms", -1), "median_tpot_ms: expected a positive duration"),
        ("vllm_serving.json", put("date", "yesterday"), "'yesterday' is not a date"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(tmp_path, name, change, message) -> None:
    (tmp_path / name).write_text(edited(DATA / name, change))
    with pytest.raises(DataError) as error:
        read(tmp_path / name, None, HERE)
    assert message in str(error.value)


def test_latencies_of_any_tool_are_not_taken_for_seconds_of_vllm(tmp_path) -> None:
    (tmp_path / "in.json").write_text(json.dumps({"avg_latency": 12.5, "latencies": [12.0, 13.0], "batch": 8}))
    with pytest.raises(DataError, match="not of a format that is recognised"):
        read(tmp_path / "in.json", None, HERE)
