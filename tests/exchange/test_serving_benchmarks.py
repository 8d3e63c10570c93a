"""Files of benchmarks of servers, Triton's perf_analyzer and GenAI-Perf, and the CSV of hyperfine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwcost.errors import DataError
from hwcost.exchange.benchmarks.base import Given, Imported
from hwcost.exchange.benchmarks.genai_perf import GenAiPerf
from hwcost.exchange.benchmarks.perf_analyzer import PerfAnalyzer
from hwcost.exchange.benchmarks.reading import read
from hwcost.exchange.table import read_table
from hwcost.testing.formats import FormatSuite
from tests.exchange.benchmark_files import DATA, HERE


def run_of(path: Path, format: str, given: Given = HERE) -> Imported:
    found, [run] = read(path, None, given)
    assert found.name == format
    return run


def values(run: Imported) -> dict[str | None, float | None]:
    return {series.component: one.value for series, one in zip(run.series, run.estimates, strict=True)}


def test_perf_analyzer_reads_the_median_of_every_load() -> None:
    run = run_of(DATA / "perf_analyzer.csv", "perf-analyzer")
    assert {one.name for one in run.series} == {"perf_analyzer"}
    assert [one.spec for one in run.series] == [{"Concurrency": "1"}, {"Concurrency": "4"}, {"Concurrency": "2"}]
    assert [one.value for one in run.estimates] == pytest.approx([0.01225, 0.0405, 0.0205])
    assert run.run.extra["columns"][run.series[1].series_key]["Server Queue"] == "30100"
    assert any("converted from us; other loads are other series" in remark for remark in run.remarks)


def test_perf_analyzer_keeps_apart_what_was_joined(tmp_path: Path) -> None:
    header, *rows = (DATA / "perf_analyzer.csv").read_text().splitlines()
    path = tmp_path / "perf.csv"
    path.write_text("\n".join([f"Batch Size,{header}", *(f"{size},{rows[0]}" for size in (1, 8))]))
    run = run_of(path, "perf-analyzer", Given(device="t4", name="bert"))
    assert [one.spec["Batch Size"] for one in run.series] == ["1", "8"]
    path.write_text("\n".join([header, rows[0], rows[0]]))
    with pytest.raises(DataError, match="two results"):
        read(path, None, HERE)
    path.write_text("\n".join([header.replace("p50 latency", "p55 latency"), *rows]))
    with pytest.raises(DataError, match="line 2: 'p50 latency' is missing"):
        read(path, None, HERE)


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_genai_perf_reads_the_medians_of_a_load(suffix: str) -> None:
    run = run_of(DATA / f"genai_perf.{suffix}", "genai-perf", Given(device="h100", name="example-1B at 10"))
    found = values(run)
    assert found.pop("ttst", 0.0255) == pytest.approx(0.0255)
    assert found == {None: 5.25, "ttft": pytest.approx(0.7505), "itl": pytest.approx(0.02825)}
    assert {one.name for one in run.series} == {"example-1B at 10"}
    whole = next(one.series_key for one in run.series if one.component is None)
    assert float(run.run.extra["columns"][whole]["avg"]) == 5820.4
    assert any("the series is 'example-1B at 10'" in remark for remark in run.remarks)
    assert "request throughput" in " ".join(run.run.extra["facts"])


def test_genai_perf_takes_the_name_of_the_folder_of_an_export(tmp_path: Path) -> None:
    path = tmp_path / "example-1B-openai-chat-concurrency10" / "profile_export_genai_perf.csv"
    path.parent.mkdir()
    path.write_bytes((DATA / "genai_perf.csv").read_bytes())
    assert run_of(path, "genai-perf").series[0].name == "example-1B-openai-chat-concurrency10"


def test_genai_perf_in_another_unit_and_of_single_tokens(tmp_path: Path) -> None:
    document = json.loads((DATA / "genai_perf.json").read_text())
    document["request_latency"] |= {"unit": "us", "p50": 5250.0}
    document["inter_token_latency"]["p50"] = 0
    (tmp_path / "g.json").write_text(json.dumps(document))
    assert values(run_of(tmp_path / "g.json", "genai-perf")) == {None: pytest.approx(0.00525), "ttft": pytest.approx(0.7505)}
    del document["request_latency"]["p50"], document["time_to_first_token"], document["inter_token_latency"]
    (tmp_path / "g.json").write_text(json.dumps(document))
    with pytest.raises(DataError, match="holds no results that can be imported"):
        read(tmp_path / "g.json", None, HERE)


def test_a_row_of_genai_perf_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "g.csv").write_text((DATA / "genai_perf.csv").read_text()[:300])
    with pytest.raises(DataError, match=r"line \d has \d+ cells, and the header 10"):
        read(tmp_path / "g.csv", None, HERE)


def test_a_csv_of_hyperfine_has_the_series_of_its_json(tmp_path: Path) -> None:
    run = run_of(DATA / "hyperfine.csv", "hyperfine")
    assert [one.value for one in run.estimates] == pytest.approx([0.002593, 0.005969])
    assert [one.spec for one in run.series] == [{"params": {"n": "100"}}, {"params": {"n": "100000"}}]
    assert any("'true' is left out" in remark for remark in run.remarks)
    assert run.run.extra["columns"][run.series[0].series_key]["user"] == 0.0012
    result = {"command": "seq 100", "mean": 0.0026, "median": 0.0026, "parameters": {"n": "100"}}
    (tmp_path / "h.json").write_text(json.dumps({"results": [result]}))
    assert run_of(tmp_path / "h.json", "hyperfine").series[0].series_key == run.series[0].series_key
    (tmp_path / "h.csv").write_text((DATA / "hyperfine.csv").read_text().replace("0.002593", "x"))
    with pytest.raises(DataError, match=r"line 2: median: expected a number, got \"x\""):
        read(tmp_path / "h.csv", None, HERE)


def test_every_load_of_sglang_is_a_series(tmp_path: Path) -> None:
    first = json.loads((DATA / "sglang.jsonl").read_text())
    second = {**first, "request_rate": 8.0, "median_e2e_latency_ms": 2150.0, "median_itl_ms": 0}
    path = tmp_path / "night.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in (first, second)))
    found, runs = read(path, None, HERE)
    assert found.name == "sglang"
    parts = {"ttft": 0.0405, "tpot": 0.0095}
    assert [values(run) for run in runs] == [{**parts, "e2el": 1.25, "itl": 0.00925}, {**parts, "e2el": 2.15}]
    assert {(one.name, one.backend) for run in runs for one in run.series} == {("night", "sglang")}
    assert [run.series[0].spec["request_rate"] for run in runs] == [2.0, 8.0]
    path.write_text("".join(json.dumps(first) + "\n" for _ in range(2)))
    with pytest.raises(DataError, match="two results"):
        read(path, None, HERE)
    with pytest.raises(DataError, match="looks like results of SGLang; 'hwcost import FILE'"):
        read_table(path, "table")


class TestPerfAnalyzer(FormatSuite):
    kind = PerfAnalyzer
    content = (DATA / "perf_analyzer.csv").read_bytes()
    values = (0.01225, 0.0405, 0.0205)


class TestGenAiPerf(FormatSuite):
    kind = GenAiPerf
    content = (DATA / "genai_perf.csv").read_bytes()
    values = (0.7505, 0.0255, 5.25, 0.02825)
