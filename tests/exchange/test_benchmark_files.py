"""Files of other benchmark tools: what is read, how it is recognised, and that nothing damaged is let in."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma

import pytest

from hwcost.errors import DataError, UsageError
from hwcost.exchange.benchmarks import document
from hwcost.exchange.benchmarks.base import Given
from hwcost.exchange.benchmarks.nvbench import NvBench
from hwcost.exchange.benchmarks.reading import read, readers
from hwcost.exchange.benchmarks.trtexec import Trtexec
from hwcost.testing.formats import FormatSuite
from tests.exchange.benchmark_files import DATA, FILES, HERE, edited, put


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
    (tmp_path / "in.json").write_text(edited(DATA / "pytest_benchmark.json", put("benchmarks", [])))
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


def llm_table(rows, model="config.backend.model") -> str:
    """A CSV of many benchmarks: the last cells of those that failed are empty, but for the traceback."""
    header = f"config.name,{model},config.backend.device,config.environment.gpu,report.traceback,report.prefill.latency.p50"
    return "\n".join([header, *(f"awq,{net},cuda,\"['Example GPU']\",{rest}" for net, rest in rows)]) + "\n"


def test_a_table_of_many_benchmarks_keeps_those_that_failed(tmp_path) -> None:
    failed = '"Traceback (most recent call last):\n  File ""a.py""\nRuntimeError: out of memory\n",'
    (tmp_path / "in.csv").write_text(llm_table([("net-1", ",0.25"), ("net-2", failed), ("net-3", ",")]))
    _, runs = read(tmp_path / "in.csv")
    assert [run.estimates[0].value for run in runs] == [0.25, None, None]
    assert [run.estimates[0].reason for run in runs] == ["", "RuntimeError: out of memory", "the row has no report"]
    assert {run.series[0].device for run in runs} == {"Example GPU"}
    assert len({run.series[0].series_key for run in runs}) == 3


def test_rows_that_nothing_tells_apart_are_not_one_series(tmp_path) -> None:
    """The name of the net stands in a column that no reader knows."""
    (tmp_path / "in.csv").write_text(llm_table([("net-1", ",0.25"), ("net-2", ",0.5")], model="Model"))
    with pytest.raises(DataError, match="'awq' has two results of latency_s with the same settings"):
        read(tmp_path / "in.csv")
