"""``hwcost import`` and ``hwcost export`` with files of other benchmark tools."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwcost.errors import DataError, UsageError
from hwcost.stores import open_store

DATA = Path(__file__).parent.parent / "exchange" / "data"
TRTEXEC = DATA / "trtexec_times.json"
NVBENCH = DATA / "nvbench.json"


@pytest.fixture(params=["here.db", "here.jsonl"])
def store(tmp_path, request):
    return tmp_path / request.param


def test_files_of_several_tools_once_and_again(call, store):
    done = call("import", NVBENCH, TRTEXEC, "--store", store, "--device", "t4", "--suite", "nightly", "--json", "-")
    assert done.exit_code == 0, done.exception
    document = json.loads(done.stdout)
    assert (document["estimates"], document["new_estimates"]) == (5, 5)
    assert [run["format"] for run in document["runs"]] == ["nvbench", "trtexec"]
    assert "recognised as nvbench JSON" in done.stderr
    assert "converted from ms" in done.stderr
    with open_store(store) as opened:
        assert {run.suite for run in opened.runs()} == {"nightly"}
        assert {series.device for series in opened.series().values()} == {"t4"}
        assert len(opened.estimates()) == 5
    again = call("import", NVBENCH, TRTEXEC, "--store", store, "--device", "t4", "--suite", "nightly")
    assert "imported 0 estimates of 2 runs" in again.stderr
    assert "5 were already there" in again.stderr


def test_a_fault_in_one_file_leaves_the_store_as_it_was(call, store, tmp_path):
    (tmp_path / "cut.json").write_text(NVBENCH.read_text()[:-200])
    done = call("import", NVBENCH, tmp_path / "cut.json", "--store", store)
    assert isinstance(done.exception, DataError)
    assert "this is not JSON" in str(done.exception)
    assert not store.exists()


def test_a_dry_run_shows_and_stores_nothing(call, store):
    done = call("import", NVBENCH, "--store", store, "--dry-run")
    assert done.exit_code == 0
    assert "copy [Elements=2^20]" in done.stdout
    assert "8.25 µs" in done.stdout
    assert "failed" in done.stdout
    document = json.loads(call("import", NVBENCH, "--dry-run", "--json", "-").stdout)
    assert document["is_dry_run"]
    assert document["runs"][0]["estimates"][0]["value"] == 8.25e-06
    assert not store.exists()


@pytest.mark.parametrize(
    ("format", "expected"),
    [
        ("openmetrics", "hwcost_latency_seconds{"),
        ("bencher", '"value": 8250.0'),
        ("github-action-benchmark", '"unit": "s"'),
    ],
)
def test_values_for_other_tools(call, store, tmp_path, format, expected):
    call("import", NVBENCH, "--store", store)
    done = call("export", "--format", format, "--store", store, "--out", "-")
    assert done.exit_code == 0, done.exception
    assert expected in done.stdout
    again = call("export", "--format", format, "--store", store, "--out", tmp_path / "x", "--json", "-")
    document = json.loads(again.stdout)
    assert document["files"] == [str(tmp_path / "x")]
    assert (tmp_path / "x").read_text() == done.stdout


def test_a_folder_for_formats_of_several_files(call, store, tmp_path):
    call("import", NVBENCH, "--store", store, "--device", "a b")
    done = call("export", "--format", "otava", "--store", store, "--out", tmp_path / "otava")
    assert done.exit_code == 0, done.exception
    assert len(list((tmp_path / "otava").iterdir())) == 3
    for out in ("-", store):
        assert isinstance(call("export", "--format", "otava", "--store", store, "--out", out).exception, UsageError)
    wrong = call("export", "--format", "openmetrics", "--store", store, "--out", tmp_path)
    assert "is a folder" in str(wrong.exception)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("import", TRTEXEC), "--device NAME"),
        (("import", TRTEXEC, "--format", "trtexek"), "Did you mean 'trtexec'"),
        (("import", TRTEXEC, "--device", "t4", "--measured-at", "noon"), "ISO 8601"),
        (("import", DATA / "gone.json"), "No such file"),
        (("import", Path(__file__).parent), "not of a format"),
        (("import", TRTEXEC, "more.jsonl"), "one by one"),
        (("import", "own.jsonl", "--device", "t4"), "--device has no effect"),
        (("export", "--out", "-", "--suite", "nightly"), "--suite has no effect"),
        (("export", "--out", "-", "--format", "nvbench"), "imported, not exported"),
        (("export", "--out", "-", "--format", "bencher", "--campaign", "x"), "--campaign has no effect"),
        (("export", "--out", "-", "--format", "bencher", "--device", "gone"), "no series of the device 'gone'"),
        (("export", "--out", "-", "--format", "bencher", "--suite", "gone"), "no run of the suite 'gone'"),
        (("export", "--out", "-", "--format", "bencher", "--run", "gone"), "gone"),
    ],
)
def test_mistakes(call, tmp_path, monkeypatch, arguments, message):
    monkeypatch.setenv("HWCOST_STORE", str(tmp_path / "store.db"))
    call("import", NVBENCH)
    done = call(*arguments)
    assert isinstance(done.exception, UsageError), done.exception
    assert message in str(done.exception)


def test_json_lines_of_another_tool_are_no_store(call, store, tmp_path):
    lines = [json.dumps(one) + "\n" for one in json.loads((DATA / "llama_bench.json").read_text())]
    (tmp_path / "tests.jsonl").write_text("".join(lines))
    done = call("import", tmp_path / "tests.jsonl", "--store", store, "--device", "bench-1")
    assert "imported 3 estimates of 1 runs" in done.stderr
    (tmp_path / "table.jsonl").write_text('{"layers": 2, "latency_ms": 3.5}\n{"layers": 4, "latency_ms": 4.5}\n')
    done = call("import", tmp_path / "table.jsonl", "--store", store, "--device", "bench-1")
    assert "A table of latencies of architectures is not imported" in str(done.exception)
    (tmp_path / "cut.jsonl").write_text(lines[0] + lines[1][:20])
    done = call("import", tmp_path / "cut.jsonl", "--store", store)
    assert isinstance(done.exception, DataError)
    assert "line 2, column 1: this is not JSON" in str(done.exception)
