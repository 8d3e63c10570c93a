"""Files of other benchmark tools that are damaged: each is refused with the place, or read, and never a traceback."""

from __future__ import annotations

import copy
import csv
import io
import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.errors import DataError, UsageError
from hwcost.exchange.benchmarks import IMPORTED
from hwcost.exchange.benchmarks.reading import read
from tests.exchange.benchmark_files import DATA, FILES, HERE, drop, edited, put

JSON_FILES = sorted(DATA.rglob("*.json"))

P, G, N, T = "pytest_benchmark.json", "google_benchmark.json", "nvbench.json", "trtexec_times.json"
L = "trtexec_profile.json"
A = "asv/bench-1/d5f48b92-existing-py_python3.11.json"
WRONG = [
    (P, put("benchmarks", 1, "stats", "median", float("nan")), "benchmarks[1].stats.median: expected a finite number"),
    (P, put("benchmarks", 1, "stats", "median", -1e-3), "benchmarks[1].stats.median: expected a positive duration"),
    (P, put("benchmarks", 0, "stats", "median", "fast"), "expected a number, got \"fast\""),
    (P, put("benchmarks", 0, "stats", "median", True), "expected a number"),
    (P, drop("benchmarks", 1, "stats", "median"), "benchmarks[1].stats: 'median' is missing"),
    (P, put("benchmarks", []), "holds no results"),
    (P, put("benchmarks", {"a": 1}), "benchmarks: expected an array"),
    (P, put("datetime", "yesterday"), "is not a date and time"),
    (G, put("benchmarks", 0, "time_unit", "fortnights"), "benchmarks[0].time_unit: expected a unit of time"),
    (G, put("benchmarks", 0, "real_time", 0), "benchmarks[0].real_time: expected a positive duration"),
    (G, put("benchmarks", 0, "real_time", float("inf")), "expected a finite number"),
    (N, put("benchmarks", 0, "states", 0, "summaries", 3, "data", 0, "value", "nan"), "expected a finite number"),
    (N, put("benchmarks", 0, "states", 0, "summaries", 3, "data", []), "expected data with a 'value'"),
    (T, put(2, "latencyMs", -0.5), "[2].latencyMs: expected a positive duration"),
    (T, drop(4, "latencyMs"), "[4]: 'latencyMs' is missing"),
    (L, put(1, "medianMs", float("nan")), "[1].medianMs: expected a finite number"),
    (L, put(2, "medianMs", -0.9), "[2].medianMs: expected a positive duration"),
    (L, put(2, "medianMs", "0.9 ms"), "[2].medianMs: expected a number"),
    (L, put(0, "count", "many"), "[0].count: expected a number"),
    (L, drop(3, "name"), "[3]: 'name' is missing"),
    (A, put("results", "suite.Suite.time_reduce", 0, 0, -1e-6), "expected a positive duration"),
    (A, put("results", "suite.Suite.time_reduce", 0, 0, float("inf")), "expected a finite number"),
    (A, put("results", "suite.Suite.time_reduce", 0, 0, "fast"), "expected a number, got \"fast\""),
    (A, put("results", "suite.Suite.time_reduce", 0, [1e-6]), "results.suite.Suite.time_reduce"),
    (A, drop("results"), "'results' is missing"),
    (A, put("commit_hash", "x" * 100_000), "commit_hash: expected the name of a commit"),
    (A, put("commit_hash", ""), "commit_hash: expected the name of a commit"),
    (A, put("version", 1), "version: expected version 2 of asv's result files"),
    (A, put("date", "yesterday"), "date: expected a number"),
    ("optimum_benchmark.json", put("report", "forward", "latency", "unit", "ms"), "expected the unit 's'"),
    ("pyperf.json", put("benchmarks", 0, "metadata", {"name": "sum", "unit": "parsec"}), "expected a unit"),
    ("pyperf.json", put("benchmarks", 0, "runs", []), "has no values"),
]


@pytest.mark.parametrize(("name", "change", "message"), WRONG)
def test_a_wrong_value_is_refused_with_its_place(tmp_path, name, change, message) -> None:
    path = tmp_path / Path(name).name
    path.write_text(edited(DATA / name, change))
    with pytest.raises(DataError) as error:
        read(path, "asv" if name == A else None, HERE)
    assert message in str(error.value)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace(",2.10,", ",-2.10,"), "line 2: average_latency_ms: expected a positive duration"),
        (lambda text: text.replace(",60.50,", ",,"), "line 5: average_latency_ms: expected a number"),
        (lambda text: text[:-30], "line 5 has"),
        (lambda text: text.replace("average_latency_ms", "average_latency_us"), "is missing"),
        (lambda text: text.replace("2,1,128", "2,1,8"), "two results"),
    ],
)
def test_a_wrong_cell_is_refused_with_its_line(tmp_path, change, message) -> None:
    (tmp_path / "in.csv").write_text(change((DATA / "onnxruntime.csv").read_text()))
    with pytest.raises(DataError, match=message):
        read(tmp_path / "in.csv", "onnxruntime", HERE)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\x1f\x8b\x08\x00abc", "compressed"),
        (b"\x80\x04\x95abc", "pickle"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"benchmarks": [1, 2', "line 1, column 21: this is not JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not"),
        (b'{"a": 1}', "not of a format"),
        (b"time,value\n1,2\n", "not of a format"),
    ],
)
def test_files_that_are_none_of_a_benchmark(tmp_path, content, message) -> None:
    (tmp_path / "in.json").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(tmp_path / "in.json")
    for format in FILES:
        with pytest.raises((DataError, UsageError)):
            read(tmp_path / "in.json", format, HERE)


def places(value, path=()):
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in children:
        yield from places(child, (*path, name))


HOSTILE = st.sampled_from(
    [None, -1, 0, True, math.nan, -math.inf, 1e400, 10**400, "", "x" * 3000, "\ud800", "a\x00b", "../../etc", "=1+1",
     "<img src=x>", [], {}, [[[[1]]]], {"": {"": None}}, "1e-3", 1e-320, 2**70]
)  # fmt: skip


def _damaged(factory: pytest.TempPathFactory) -> Path:
    """Returns a folder for damaged files, beside which no other test looks for files that belong to its own."""
    folder = factory.getbasetemp() / "damaged" / "file"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize("path", JSON_FILES, ids=lambda path: path.name)
@settings(max_examples=40)
@given(data=st.data())
def test_whatever_stands_in_a_file_is_read_or_refused(path, data, tmp_path_factory) -> None:
    document = copy.deepcopy(json.loads(path.read_text()))
    place = data.draw(st.sampled_from([place for place in places(document) if place]))
    parent = document
    for part in place[:-1]:
        parent = parent[part]
    if data.draw(st.booleans()):
        parent[place[-1]] = data.draw(HOSTILE)
    else:
        del parent[place[-1]]
    file = _damaged(tmp_path_factory) / path.name
    file.write_text(json.dumps(document))
    _read_or_refused(file, next((format for format, name in FILES.items() if path.name.startswith(name[:6])), None))


@settings(max_examples=40)
@given(line=st.integers(0, 4), column=st.integers(0, 20), cell=st.text(max_size=20), cut=st.integers(0, 900))
def test_whatever_stands_in_a_csv_is_read_or_refused(line, column, cell, cut, tmp_path_factory) -> None:
    rows = list(csv.reader(io.StringIO((DATA / "onnxruntime.csv").read_text())))
    rows[line][column] = cell
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    file = _damaged(tmp_path_factory) / "in.csv"
    file.write_bytes(text.getvalue().encode(errors="surrogatepass")[: cut or None])
    _read_or_refused(file, "onnxruntime")


def _read_or_refused(file: Path, format: str | None) -> None:
    try:
        _, runs = read(file, format, HERE)
    except (DataError, UsageError) as error:
        said, runs = str(error), []
    else:
        said = str(file)
    assert str(file) in said
    for run in runs:
        for series, estimate in zip(run.series, run.estimates, strict=True):
            assert estimate.value is None or (math.isfinite(estimate.value) and estimate.value > 0)
            assert series.series_key == estimate.series_key


@pytest.mark.parametrize(
    ("name", "text", "likely"),
    [
        ("a.txt", "nothing that is known\n", []),
        ("a.json", '{"a": 3}', []),
        ("basv.csv", "a,b\n1,2\n", []),
        ("c.csv", "command,mean,stddev,min,max\nls,1,2,3,4\n", ["hyperfine"]),
        ("d.json", '{"benchmarks": [{"name": "x", "real_time": 3}]}', ["google-benchmark", "pytest-benchmark"]),
        ("e.csv", "engine,model_name,latency\nt,b,3\n", ["onnxruntime"]),
        ("f.jsonl", '{"request_throughput": 3, "median_ttft_ms": 4}\n', ["vllm"]),
        ("llama-bench.md", "| model | size |\n|---|---|\n| a | 3 |\n", ["llama-bench"]),
    ],
)
def test_a_file_of_no_known_format_is_told_the_likely_ones_alone(tmp_path, name, text, likely) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError) as error:
        read(tmp_path / name, None, HERE)
    said = str(error.value)
    assert [one for one in sorted(IMPORTED) if f"--format {one} " in said] == likely
    assert "hwcost import --help lists all" in said


def test_a_file_is_told_what_it_lacks(tmp_path) -> None:
    (tmp_path / "in.json").write_text(json.dumps({"avg_latency": 12.5, "latencies": [12.0, 13.0], "batch": 8}))
    with pytest.raises(DataError, match="looks like vLLM JSON .* but lacks 'percentiles'; --format vllm reads it"):
        read(tmp_path / "in.json", None, HERE)
