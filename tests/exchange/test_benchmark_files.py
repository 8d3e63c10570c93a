"""Files of other benchmark tools: what is read, how it is recognised, and that nothing damaged is let in."""

from __future__ import annotations

import bz2
import copy
import csv
import gzip
import io
import json
import lzma
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.errors import DataError, UsageError
from hwcost.exchange.benchmarks import document
from hwcost.exchange.benchmarks.base import Given
from hwcost.exchange.benchmarks.nvbench import NvBench
from hwcost.exchange.benchmarks.reading import read, readers
from hwcost.exchange.benchmarks.trtexec import Trtexec
from hwcost.testing.formats import FormatSuite

DATA = Path(__file__).with_name("data")
HERE = Given(device="bench-1", measured_at="2025-03-04T00:00:00Z")
FILES = {
    "asv": "asv", "pytest-benchmark": "pytest_benchmark.json", "pyperf": "pyperf.json",
    "google-benchmark": "google_benchmark.json", "nvbench": "nvbench.json", "optimum-benchmark": "optimum_benchmark.json",
    "trtexec": "trtexec_times.json", "onnxruntime": "onnxruntime.csv", "hyperfine": "hyperfine.json",
}  # fmt: skip
JSON_FILES = sorted(DATA.rglob("*.json"))


def one(name, format=None, given=HERE):
    found, runs = read(DATA / name, format, given)
    assert len(runs) == 1
    return found.name, runs[0]


def values(run, quantity="latency_s"):
    pairs = zip(run.series, run.estimates, strict=True)
    return {(s.component or s.name): e.value for s, e in pairs if s.quantity == quantity}


@pytest.mark.parametrize(("format", "name"), FILES.items())
def test_every_file_is_recognised_by_its_content_alone(format, name) -> None:
    found, run = one(name)
    assert found == format
    assert run.run.origin == "imported"
    assert run.run.suite == format
    assert {series.origin for series in run.series} == {"imported"}
    assert len({series.series_key for series in run.series}) == len(run.series) == len(run.estimates)
    assert one(name)[1] == run  # the same file gives the same run, so that a store holds it once
    assert any(word in " ".join(run.remarks) for word in ("seconds", "converted", "median"))


def test_asv() -> None:
    _, run = one("asv", given=Given())
    code = run.run.code
    assert code is not None
    assert (run.run.started_at, len(code.commit)) == (code.commit_time, 40)
    latencies = values(run)
    assert set(latencies) == {
        "suite.Suite.time_reduce(10, 'sum')", "suite.Suite.time_reduce(10, 'max')", "suite.Suite.time_reduce(100, 'sum')",
        "suite.time_broken",
    }  # fmt: skip
    assert latencies["suite.time_broken"] is None
    assert 1e-8 < latencies["suite.Suite.time_reduce(10, 'sum')"] < 1e-4
    assert {s.device for s in run.series} == {"bench-1"}
    assert 1e6 < values(run, "peak_memory_bytes")["suite.peakmem_list"] < 1e10
    assert values(run, "track") == {"suite.track_ratio": 0.75}
    by_name = {series.name: (series, estimate) for series, estimate in zip(run.series, run.estimates, strict=True)}
    series, estimate = by_name["suite.Suite.time_reduce(100, 'sum')"]
    assert series.spec["params"] == {"n": "100", "how": "'sum'"}
    assert estimate.half_width > 0
    assert estimate.n_rounds == 2
    assert by_name["suite.time_broken"][1].status == "failed"


def test_an_asv_file_without_its_tree_says_what_its_names_stand_for(tmp_path) -> None:
    file = next(path for path in (DATA / "asv").glob("*/*.json") if path.name != "machine.json")
    (tmp_path / "result.json").write_bytes(file.read_bytes())
    _, [run] = read(tmp_path / "result.json")
    assert "benchmarks.json" in run.remarks[0]
    assert len(values(run)) == 4
    assert any("track_ratio" in remark and "left out" in remark for remark in run.remarks)


def test_pytest_benchmark() -> None:
    document = json.loads((DATA / "pytest_benchmark.json").read_text())
    _, run = one("pytest_benchmark.json", given=Given())
    assert values(run) == {each["fullname"]: each["stats"]["median"] for each in document["benchmarks"]}
    assert run.run.code.commit == document["commit_info"]["id"]
    assert run.run.code.is_dirty is False
    assert run.series[0].spec == {"params": {"n": 10}}
    assert {estimate.half_width for estimate in run.estimates} == {None}  # one process tells no interval
    assert "data" not in json.dumps(run.run.extra["columns"])


def test_pyperf() -> None:
    _, run = one("pyperf.json", given=Given())
    assert len(run.estimates) == 1
    assert run.estimates[0].n_rounds == 3
    assert run.estimates[0].half_width > 0
    assert run.run.extra["columns"][run.series[0].series_key]["purpose"] == "test"


def test_google_benchmark() -> None:
    document = json.loads((DATA / "google_benchmark.json").read_text())
    _, run = one("google_benchmark.json", given=Given())
    times = values(run)
    assert set(times) == {"Sum/64", "Sum/4096", "Broken"}
    repeated = [
        each["real_time"] for each in document["benchmarks"] if each["name"] == "Sum/64" and each["run_type"] == "iteration"
    ]
    assert len(repeated) == 3
    assert times["Sum/64"] == pytest.approx(sorted(repeated)[1] * 1e-6, rel=1e-15)
    broken = next(e for s, e in zip(run.series, run.estimates, strict=True) if s.name == "Broken")
    assert (broken.status, broken.reason) == ("failed", "broken on purpose")
    sums = next(s for s in run.series if s.name == "Sum/4096")
    assert run.run.extra["columns"][sums.series_key]["bytes"] == 4.0 * 4096
    assert "in us" in run.remarks[0] or "us" in run.remarks[0]


def test_aggregates_of_google_benchmark_are_never_taken_for_runs(tmp_path) -> None:
    ends = {"": 3.0, "_mean": 3.5, "_median": 3.0, "_stddev": 0.5}
    old = [{"name": f"Sum{end}", "real_time": value, "time_unit": "ms"} for end, value in ends.items()]
    new = [
        {**entry, "run_name": "Sum", "run_type": "aggregate", "aggregate_name": entry["name"][4:]} for entry in old[1:]
    ]
    for entries in (old, new, old[1:]):
        document = {"context": {"date": "2025-03-04T00:00:00+01:00"}, "benchmarks": entries}
        (tmp_path / "in.json").write_text(json.dumps(document))
        _, [run] = read(tmp_path / "in.json", None, HERE)
        assert values(run) == {"Sum": 3e-3}


def test_what_google_benchmark_skipped_with_a_message_is_kept_as_failed(tmp_path) -> None:
    entries = [
        {"name": "Sum", "run_name": "Sum", "run_type": "iteration", "real_time": 3.0, "time_unit": "ms"},
        {"name": "Dot", "run_name": "Dot", "skipped": True, "skip_message": "no AVX", "real_time": 0.0},
    ]
    (tmp_path / "in.json").write_text(json.dumps({"context": {}, "benchmarks": entries}))
    _, [run] = read(tmp_path / "in.json", None, HERE)
    assert values(run) == {"Sum": 3e-3, "Dot": None}
    assert run.estimates[1].reason == "no AVX"


def test_pytest_benchmark_outside_a_repository_has_no_commit(tmp_path) -> None:
    document = json.loads((DATA / "pytest_benchmark.json").read_text())
    document["commit_info"] |= {"id": "unversioned", "branch": "(unknown)", "time": None}
    (tmp_path / "in.json").write_text(json.dumps(document))
    _, [run] = read(tmp_path / "in.json")
    assert (run.run.code.commit, run.run.code.branch) == (None, None)


def test_old_dates_of_google_benchmark(tmp_path) -> None:
    entry = {"name": "Sum", "real_time": 3.0, "time_unit": "ms"}
    (tmp_path / "in.json").write_text(json.dumps({"context": {"date": "2015/03/17-18:40:25"}, "benchmarks": [entry]}))
    _, [run] = read(tmp_path / "in.json", None, Given(device="x"))
    assert run.run.started_at.startswith("2015-03-17T18:40:25")


def test_a_target_without_results_does_not_hide_the_others(tmp_path) -> None:
    (tmp_path / "in.json").write_text(edited(DATA / "optimum_benchmark.json", put("report", "prefill", None)))
    _, [run] = read(tmp_path / "in.json")
    assert values(run) == {"load": 2.517, "forward": 0.0301}
    assert any("'prefill' is left out" in remark for remark in run.remarks)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_files_are_read_as_they_are(tmp_path, monkeypatch, pack) -> None:
    """pyperf and others write such files; the run is the same."""
    content = (DATA / "pyperf.json").read_bytes()
    (tmp_path / "in.json").write_bytes(content)
    (tmp_path / "in.json.gz").write_bytes(pack(content))
    [plain], [packed] = (read(tmp_path / name, None, HERE)[1] for name in ("in.json", "in.json.gz"))
    assert (packed.run.run_id, packed.estimates) == (plain.run.run_id, plain.estimates)
    monkeypatch.setattr(document, "MAX_BYTES", len(content) - 1)
    with pytest.raises(DataError, match="holds more than"):
        read(tmp_path / "in.json.gz", None, HERE)


def test_a_table_of_latencies_is_not_a_file_of_benchmarks(tmp_path) -> None:
    (tmp_path / "in.csv").write_text("layers,hidden,latency_ms\n1,2,3\n")
    with pytest.raises(DataError, match="hwcost audit, fit, evaluate and compare read it as it is"):
        read(tmp_path / "in.csv")
    (tmp_path / "in.json").write_text(edited(DATA / P, put("benchmarks", [])))
    with pytest.raises(DataError) as error:
        read(tmp_path / "in.json")
    assert str(error.value).endswith("holds no results that can be imported.")


def test_nvbench() -> None:
    _, run = one("nvbench.json", given=Given())
    assert list(values(run)) == [f"copy [Elements=2^{power}]" for power in (20, 24, 34)]
    assert list(values(run).values()) == [8.25e-06, 7.9125e-05, None]
    assert {series.device for series in run.series} == {"NVIDIA H100 PCIe"}
    assert run.estimates[2].reason == "Insufficient device memory"
    assert run.run.extra["columns"][run.series[0].series_key]["nv/batch/time/gpu/mean"]["value"] == "7.425000000000001e-06"
    assert any("--measured-at" in remark for remark in run.remarks)


@pytest.mark.parametrize("name", ["optimum_benchmark.json", "optimum_benchmark.csv"])
def test_optimum_benchmark(name) -> None:
    _, run = one(name, given=Given())
    assert values(run) == {"load": 2.517, "forward": 0.0301}
    series = run.series[1]
    assert (series.device, series.backend, series.batch_size, series.seq_len) == ("Example CPU", "pytorch", 2, 16)
    assert series.precision == "float32"
    assert "version" not in series.backend_options
    assert run.run.extra["columns"][series.series_key]["energy"]["unit"] == "kWh"
    assert series.series_key == one("optimum_benchmark.json", given=Given())[1].series[1].series_key


def test_trtexec() -> None:
    _, run = one("trtexec_times.json", given=Given(device="t4", name="bert"))
    assert values(run) == {"bert": pytest.approx(1.5326e-3), "compute": pytest.approx(1.502e-3)}
    _, run = one("trtexec_profile.json", given=Given(device="t4", name="bert"))
    assert values(run)["/layer.0/MatMul #2"] == pytest.approx(1.1831e-3)
    assert "Reformatting CopyNode" not in values(run)
    assert any("resolution" in remark for remark in run.remarks)


def test_onnxruntime_appends_its_header_again() -> None:
    _, run = one("onnxruntime.csv", given=Given(device="xeon"))
    assert [estimate.value for estimate in run.estimates] == pytest.approx([2.1e-3, 15e-3, 60.5e-3])
    assert [(s.batch_size, s.seq_len, s.threads, s.precision) for s in run.series][2] == (4, 128, 2, "fp32")
    assert run.run.extra["columns"][run.series[0].series_key]["QPS"] == "476.19"
    assert any("no time zone" in remark for remark in run.remarks)


def test_what_else_trtexec_says_of_a_query_is_kept(tmp_path) -> None:
    queries = [{"latencyMs": 2.0, "inMs": 0.1, "mine": index} for index in range(3)]
    (tmp_path / "in.json").write_text(json.dumps(queries))
    _, [run] = read(tmp_path / "in.json", None, HERE)
    kept = run.run.extra["columns"][run.series[0].series_key]
    assert kept == {"queries": 3, "minimum_s": 2e-3, "maximum_s": 2e-3, "mine": [0, 1, 2]}


def test_a_device_is_never_guessed() -> None:
    with pytest.raises(UsageError, match="on which device.*--device NAME"):
        read(DATA / "trtexec_times.json")


def edited(path: Path, change) -> str:
    document = json.loads(path.read_text())
    change(document)
    return json.dumps(document)


def put(*path_and_value):
    *path, last, value = path_and_value

    def change(document):
        for part in path:
            document = document[part]
        document[last] = value

    return change


def drop(*path):
    def change(document):
        for part in path[:-1]:
            document = document[part]
        del document[path[-1]]

    return change


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
    file = tmp_path_factory.getbasetemp() / path.name
    file.write_text(json.dumps(document))
    _read_or_refused(file, next((format for format, name in FILES.items() if path.name.startswith(name[:6])), None))


@settings(max_examples=40)
@given(line=st.integers(0, 4), column=st.integers(0, 20), cell=st.text(max_size=20), cut=st.integers(0, 900))
def test_whatever_stands_in_a_csv_is_read_or_refused(line, column, cell, cut, tmp_path_factory) -> None:
    rows = list(csv.reader(io.StringIO((DATA / "onnxruntime.csv").read_text())))
    rows[line][column] = cell
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    file = tmp_path_factory.getbasetemp() / "in.csv"
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


class TestNvBench(FormatSuite):
    kind = NvBench
    content = (DATA / "nvbench.json").read_bytes()
    values = (8.25e-06, 7.9125e-05, None)


class TestTrtexec(FormatSuite):
    kind = Trtexec
    content = (DATA / "trtexec_times.json").read_bytes()
    values = (1.5326e-3, 1.502e-3)


def test_formats_are_found_by_name() -> None:
    assert {*FILES, "hat", "supershaper"} == set(readers())
    with pytest.raises(UsageError, match="Did you mean 'pyperf'"):
        read(DATA / "pyperf.json", "pyprf")
    with pytest.raises(UsageError, match="exported, not imported"):
        read(DATA / "pyperf.json", "bencher")
